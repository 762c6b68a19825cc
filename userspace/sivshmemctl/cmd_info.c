// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* In a guest: info, channels. What there is. */
#define _GNU_SOURCE
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

#define CLASS_DIR "/sys/class/sivshmem"

static const struct option plain_options[] = { CTL_COMMON_OPTIONS, { 0 } };

/* Commands without options of their own or arguments. -1: go on. */
static int plain_command(struct ctl *ctl, const struct ctl_command *cmd,
			 int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", plain_options, NULL)) != -1)
		switch (common_option(ctl, cmd, NULL, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		}
	if (optind < argc)
		return ctl_usage(ctl, cmd, "\"%s\" is one argument too many",
				 argv[optind]);
	return -1;
}

/* ----------------------------------------------------------------------- info */

static void region_json(struct json_out *j,
			const struct sivshmem_region_info *r)
{
	char hex[2 * sizeof(r->epoch) + 1];

	json_open(j, NULL, '{');
	json_number(j, "index", r->index);
	json_text(j, "region", (const char *)r->region);
	json_text(j, "bus_id", (const char *)r->bus_id);
	json_number(j, "peer", r->peer);
	json_number(j, "vectors", r->vectors);
	json_number(j, "granule", r->granule);
	json_number(j, "size", r->region_size);
	json_bool(j, "isolated", r->flags & SIVSHMEM_REGION_ISOLATED);
	json_bool(j, "cached", r->flags & SIVSHMEM_REGION_CACHED);
	json_open(j, "suites", '[');
	if (r->suites & 1u << SIVSHMEM_SUITE_CHACHAPOLY)
		json_text(j, NULL, "chachapoly");
	if (r->suites & 1u << SIVSHMEM_SUITE_AESGCM)
		json_text(j, NULL, "aesgcm");
	json_close(j, ']');
	json_number(j, "ring_min", r->ring_min);
	json_number(j, "ring_max", r->ring_max);
	json_number(j, "sealed_max", r->sealed_max);
	json_number(j, "sessions", r->sessions);
	json_number(j, "channels", r->channels);
	json_number(j, "fallback_ms", r->fallback_ms);
	json_number(j, "posture", r->posture);
	json_text(j, "epoch", text_hex(hex, r->epoch, sizeof(r->epoch)));
	json_close(j, '}');
}

static void region_text(const struct sivshmem_region_info *r)
{
	char hex[2 * sizeof(r->epoch) + 1], a[CTL_TEXT], b[CTL_TEXT],
		c[CTL_TEXT];

	printf("region %s (device %u, %s)\n", r->region, r->index, r->bus_id);
	printf("  memory     %s, granule %s, %s, %s\n",
	       text_bytes(a, (double)r->region_size), text_bytes(b, r->granule),
	       r->flags & SIVSHMEM_REGION_ISOLATED ? "isolated" : "shared",
	       r->flags & SIVSHMEM_REGION_CACHED ? "cached" :
						   "NOT CACHED (slow)");
	printf("  epoch      %s\n", text_hex(hex, r->epoch, sizeof(r->epoch)));
	printf("  peer       %u, %u vectors, re-check every %u ms\n", r->peer,
	       r->vectors, r->fallback_ms);
	printf("  suites    %s%s\n",
	       r->suites & 1u << SIVSHMEM_SUITE_CHACHAPOLY ? " chachapoly" : "",
	       r->suites & 1u << SIVSHMEM_SUITE_AESGCM ? " aesgcm" : "");
	printf("  rings      %s to %s; sealed records up to %s\n",
	       text_bytes(a, (double)r->ring_min),
	       text_bytes(b, (double)r->ring_max),
	       text_bytes(c, r->sealed_max));
	printf("  in use     %u sessions, %u channels\n", r->sessions,
	       r->channels);
}

/* The strings are NUL-terminated by the ABI; we rely on it only after this. */
static int region_get(unsigned int index, struct sivshmem_region_info *r)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	err = ivshmem_region(index, r);
	r->region[sizeof(r->region) - 1] = 0;
	r->bus_id[sizeof(r->bus_id) - 1] = 0;
	return err;
}

static int info_run(struct ctl *ctl, int argc, char **argv)
{
	struct sivshmem_region_info r;
	struct json_out j = { 0 };
	unsigned int n;
	int abi, err, ret;

	ret = plain_command(ctl, &cmd_info, argc, argv);
	if (ret >= 0)
		return ret;
	abi = ivshmem_abi_version();
	if (abi < 0)
		return ctl_fail(ctl, abi, "/dev/sivshmem-control");
	if (ctl->json) {
		json_begin(&j, ctl->json_to);
		json_bool(&j, "ok", true);
		json_text(&j, "library", ivshmem_version());
		json_number(&j, "abi", (uint64_t)abi);
		json_open(&j, "regions", '[');
	} else {
		printf("driver ABI %d, library %s\n", abi, ivshmem_version());
	}
	/* indices have gaps where a device was removed */
	for (n = 0; !(err = region_get(n, &r)); n = r.index + 1)
		if (ctl->json)
			region_json(&j, &r);
		else
			region_text(&r);
	if (ctl->json) {
		json_close(&j, ']');
		json_end(&j);
	} else if (!n) {
		puts("no region: no ivshmem-doorbell device of sivshmemd is bound; see dmesg");
	}
	return err == -ENODEV ? CTL_OK : ctl_fail(ctl, err, "region %u", n);
}

const struct ctl_command cmd_info = {
	.name = "info",
	.args = "[--json]",
	.about = "show driver, regions and limits",
	.options = "",
	.run = info_run,
};

/* ------------------------------------------------------------------- channels */

/* An attribute, without its newline; false if it cannot be read. */
static bool attribute(int dir, const char *name, char *text, size_t len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, len - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* Plain files only: what sysfs puts beside our attributes is no attribute. */
static int is_attribute(const struct dirent *d)
{
	return d->d_type == DT_REG && strcmp(d->d_name, "uevent") &&
	       strcmp(d->d_name, "dev");
}

static int is_channel(const struct dirent *d)
{
	return !strncmp(d->d_name, "sivshmem", 8);
}

static void channel_json(struct json_out *j, int dir, const char *node)
{
	struct dirent **names;
	char text[512], path[300];
	int n, base;

	base = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = base < 0 ? -1 :
		       scandirat(base, ".", &names, is_attribute, alphasort);
	json_open(j, NULL, '{');
	snprintf(path, sizeof(path), "/dev/%s", node);
	json_text(j, "node", path);
	for (int i = 0; i < n; i++) {
		if (attribute(dir, names[i]->d_name, text, sizeof(text)))
			json_text(j, names[i]->d_name, text);
		free(names[i]);
	}
	json_close(j, '}');
	if (n >= 0)
		free(names);
	if (base >= 0)
		close(base);
}

static void channel_row(int dir, const char *node)
{
	static const struct {
		const char *name;
		int width;
	} columns[] = { { "state", 10 },
			{ "role", 9 },
			{ "service", 24 },
			{ "peer", 32 } };
	char text[512];

	printf("/dev/%-12s", node);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (!attribute(dir, columns[i].name, text, sizeof(text)))
			strcpy(text, "?");
		printf(" %-*s", columns[i].width, text);
	}
	putchar('\n');
}

static int channels_run(struct ctl *ctl, int argc, char **argv)
{
	struct dirent **nodes;
	struct json_out j = { 0 };
	int base, n, ret;

	ret = plain_command(ctl, &cmd_channels, argc, argv);
	if (ret >= 0)
		return ret;
	base = open(CLASS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return ctl_fail(ctl, errno == ENOENT ? -ENODEV : -errno,
				CLASS_DIR);
	n = scandirat(base, ".", &nodes, is_channel, versionsort);
	if (ctl->json) {
		json_begin(&j, ctl->json_to);
		json_bool(&j, "ok", true);
		json_open(&j, "channels", '[');
	} else if (n > 0) {
		printf("%-17s %-10s %-9s %-24s %-32s\n", "NODE", "STATE",
		       "ROLE", "SERVICE", "PEER");
	}
	for (int i = 0; i < n; i++) {
		int dir = openat(base, nodes[i]->d_name,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* it may have gone since */
		if (dir >= 0 && ctl->json)
			channel_json(&j, dir, nodes[i]->d_name);
		else if (dir >= 0)
			channel_row(dir, nodes[i]->d_name);
		if (dir >= 0)
			close(dir);
		free(nodes[i]);
	}
	if (ctl->json) {
		json_close(&j, ']');
		json_end(&j);
	} else if (!n) {
		puts("no channel has a node");
	}
	if (n >= 0)
		free(nodes);
	close(base);
	return CTL_OK;
}

const struct ctl_command cmd_channels = {
	.name = "channels",
	.args = "[--json]",
	.about = "list the channels that have a node",
	.options = "",
	.run = channels_run,
};
