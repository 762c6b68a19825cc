// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test guest's PID 1 after /init: runs shell commands for the host.
 *
 * Frames in both directions on a serial port: a length (of the payload), a job
 * number chosen by the host, a type and the payload; little-endian.
 *
 *   host to guest: X run a shell command     I bytes for its standard input
 *                  C close that input        K send a signal (one byte)
 *   guest to host: R ready                   O, E standard output and error
 *                  A input bytes consumed    S ended: exit status or -signal
 *
 * The host keeps at most one unacknowledged I frame per job, because a serial
 * line without flow control loses what its reader does not take in time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAX_JOBS 32
#define MAX_PAYLOAD 65536
#define CHUNK 4096

struct frame {
	uint32_t len;
	uint32_t job;
	uint8_t type;
	uint8_t pad[3];
};

struct job {
	pid_t pid; /* 0: this slot is free */
	uint32_t id;
	int in; /* -1 when closed, as the others */
	int out;
	int err;
};

static struct job jobs[MAX_JOBS];
static int line;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void line_write(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(line, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("agent: write");
		p += n;
		len -= (size_t)n;
	}
}

static void line_read(void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = read(line, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("agent: read");
		p += n;
		len -= (size_t)n;
	}
}

static void send_frame(uint32_t job, char type, const void *data, size_t len)
{
	struct frame f = {
		.len = (uint32_t)len,
		.job = job,
		.type = (uint8_t)type,
	};

	line_write(&f, sizeof(f));
	line_write(data, len);
}

static void send_number(uint32_t job, char type, int32_t number)
{
	send_frame(job, type, &number, sizeof(number));
}

static struct job *job_find(uint32_t id)
{
	for (int i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid && jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child_run(const char *command, int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void job_start(uint32_t id, const char *command)
{
	int in[2], out[2], err[2];
	struct job *job = NULL;

	for (int i = 0; i < MAX_JOBS && !job; i++)
		if (!jobs[i].pid)
			job = &jobs[i];
	if (!job) {
		static const char full[] = "agent: too many jobs\n";

		send_frame(id, 'E', full, sizeof(full) - 1);
		send_number(id, 'S', 126);
		return;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		die("agent: pipe");
	job->id = id;
	job->pid = fork();
	if (job->pid < 0)
		die("agent: fork");
	/* Its own group, made before anybody can want to signal it. */
	setpgid(job->pid, 0);
	if (!job->pid)
		child_run(command, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	fcntl(job->out, F_SETFL, O_NONBLOCK);
	fcntl(job->err, F_SETFL, O_NONBLOCK);
}

static void job_input(struct job *job, const char *data, size_t len)
{
	size_t left = len;

	while (left && job->in >= 0) {
		ssize_t n = write(job->in, data, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			close_fd(&job->in);
		else
			left -= (size_t)n, data += n;
	}
	send_number(job->id, 'A', (int32_t)len);
}

/* Returns 0 when there is no more to read now, or ever. */
static int job_output(struct job *job, int *fd, char type)
{
	static char data[CHUNK];
	ssize_t n;

	if (*fd < 0)
		return 0;
	n = read(*fd, data, sizeof(data));
	if (n > 0) {
		send_frame(job->id, type, data, (size_t)n);
		return 1;
	}
	if (!n || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return 0;
}

static void job_end(struct job *job, int status)
{
	/* What it has written is still in the pipes, also when a child of its
	 * own keeps them open.
	 */
	while (job_output(job, &job->out, 'O'))
		;
	while (job_output(job, &job->err, 'E'))
		;
	close_fd(&job->in);
	close_fd(&job->out);
	close_fd(&job->err);
	send_number(job->id, 'S',
		    WIFSIGNALED(status) ? -WTERMSIG(status) :
					  WEXITSTATUS(status));
	job->pid = 0;
}

static void reap(int fd)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(fd, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < MAX_JOBS; i++)
			if (jobs[i].pid == pid)
				job_end(&jobs[i], status);
}

static void command(void)
{
	static char data[MAX_PAYLOAD + 1];
	struct frame f;
	struct job *job;

	line_read(&f, sizeof(f));
	if (f.len > MAX_PAYLOAD) {
		fprintf(stderr, "agent: a frame of %u bytes\n", f.len);
		exit(1);
	}
	line_read(data, f.len);
	data[f.len] = '\0';
	if (f.type == 'X') {
		job_start(f.job, data);
		return;
	}
	job = job_find(f.job);
	if (!job) {
		/* It ended while this was under way. */
		if (f.type == 'I')
			send_number(f.job, 'A', (int32_t)f.len);
		return;
	}
	if (f.type == 'I')
		job_input(job, data, f.len);
	else if (f.type == 'C')
		close_fd(&job->in);
	else if (f.type == 'K')
		kill(-job->pid, data[0]);
}

static int signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die("agent: signalfd");
	return fd;
}

static void open_line(const char *path)
{
	struct termios t;

	line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0)
		die(path);
	if (tcgetattr(line, &t))
		die("agent: tcgetattr");
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	if (tcsetattr(line, TCSANOW, &t))
		die("agent: tcsetattr");
}

int main(int argc, char **argv)
{
	int chld = signals();

	open_line(argc > 1 ? argv[1] : "/dev/ttyS1");
	send_frame(0, 'R', NULL, 0);
	for (;;) {
		struct pollfd p[2 + 2 * MAX_JOBS] = {
			{ .fd = line, .events = POLLIN },
			{ .fd = chld, .events = POLLIN },
		};

		for (int i = 0; i < MAX_JOBS; i++) {
			int used = jobs[i].pid != 0;

			p[2 + 2 * i].fd = used ? jobs[i].out : -1;
			p[2 + 2 * i].events = POLLIN;
			p[3 + 2 * i].fd = used ? jobs[i].err : -1;
			p[3 + 2 * i].events = POLLIN;
		}
		if (poll(p, 2 + 2 * MAX_JOBS, -1) < 0 && errno != EINTR)
			die("agent: poll");
		for (int i = 0; i < MAX_JOBS; i++) {
			if (p[2 + 2 * i].revents)
				job_output(&jobs[i], &jobs[i].out, 'O');
			if (p[3 + 2 * i].revents)
				job_output(&jobs[i], &jobs[i].err, 'E');
		}
		if (p[1].revents)
			reap(chld);
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
			command();
	}
}
