// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The daemon as a whole: start, reload, end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/crypto_openssl.h"
#include "ctl.h"
#include "daemon.h"
#include "log.h"

/* ----------------------------------------------------------------- reading */

static struct policy *daemon_read_policy(struct files *f,
					 const struct files_paths *paths,
					 uid_t self, struct notes *notes)
{
	char err[512], *text;
	struct policy *p;
	size_t len;

	text = files_read(f, FILES_POLICY, NULL, &len, err, sizeof(err));
	if (!text) {
		notes_error(notes, "policy", 0, "%s", err);
		return NULL;
	}
	p = policy_parse(paths->policy, text, len, files_uid, f, self, notes);
	free(text);
	return p;
}

static struct siv_anchors *daemon_read_ca(struct files *f,
					  const struct files_paths *paths,
					  struct notes *notes)
{
	struct siv_anchors *a;
	char err[512], *text;
	size_t len;

	text = files_read(f, FILES_CA, NULL, &len, err, sizeof(err));
	if (!text) {
		notes_error(notes, "CA", 0, "%s", err);
		return NULL;
	}
	/* reads PEM as well */
	a = siv_anchors_from_der((struct siv_span){ (const u8 *)text, len },
				 err, sizeof(err));
	if (!a)
		notes_error(notes, paths->ca, 0, "%s", err);
	free(text);
	return a;
}

/* Revocations must not be lost by losing the file. */
static bool daemon_read_crl(struct files *f, const struct files_paths *paths,
			    bool must, struct daemon_config *c,
			    struct notes *notes)
{
	char err[512], *text;
	size_t len;

	text = files_read(f, FILES_CRL, NULL, &len, err, sizeof(err));
	if (!text && errno == ENOENT && !must) {
		notes_warning(notes, paths->crl, 0,
			      "there is none: nothing is revoked");
		return true;
	}
	if (!text) {
		notes_error(notes, "CRL", 0, "%s", err);
		return false;
	}
	c->crl = crl_parse((struct siv_span){ (const u8 *)text, len },
			   c->anchors, err, sizeof(err));
	if (!c->crl)
		notes_error(notes, paths->crl, 0, "%s", err);
	else if (crl_stale(c->crl, clock_wall_s()))
		notes_warning(notes, paths->crl, 0,
			      "a newer list is due: its nextUpdate has "
			      "passed");
	free(text);
	return c->crl;
}

void daemon_config_free(struct daemon_config *c)
{
	policy_free(c->policy);
	siv_anchors_free(c->anchors);
	crl_free(c->crl);
	*c = (struct daemon_config){ 0 };
}

bool daemon_read(struct files *f, const struct files_paths *paths, uid_t self,
		 bool have_crl, struct daemon_config *out, struct notes *notes)
{
	bool ok;

	*out = (struct daemon_config){ 0 };
	out->policy = daemon_read_policy(f, paths, self, notes);
	ok = out->policy;
	if (!ok || policy_secure(out->policy)) {
		out->anchors = daemon_read_ca(f, paths, notes);
		ok = ok && out->anchors &&
		     daemon_read_crl(f, paths, have_crl, out, notes);
	}
	if (!ok)
		daemon_config_free(out);
	return ok;
}

/* A certificate from PEM or DER: the first in the file. */
static bool daemon_cert_der(const char *text, size_t len, u8 *out,
			    size_t *out_len)
{
	unsigned char *der = NULL;
	char *name = NULL, *header = NULL;
	bool ok = false;
	long n = 0;
	BIO *bio;

	if (len && text[0] == 0x30) {
		if (len > SIV_CERT_MAX)
			return false;
		memcpy(out, text, len);
		*out_len = len;
		return true;
	}
	bio = BIO_new_mem_buf(text, (int)len);
	if (bio && PEM_read_bio(bio, &name, &header, &der, &n) == 1 &&
	    !strcmp(name, PEM_STRING_X509) && n > 0 && n <= SIV_CERT_MAX) {
		memcpy(out, der, (size_t)n);
		*out_len = (size_t)n;
		ok = true;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return ok;
}

static bool daemon_host_cert(struct files *f, const char *region, u8 *der,
			     size_t *len, char *err, size_t cap)
{
	char *text;
	size_t n;
	bool ok;

	text = files_read(f, FILES_CERT, region, &n, err, cap);
	if (!text)
		return false;
	ok = daemon_cert_der(text, n, der, len);
	if (!ok)
		snprintf(
			err, cap,
			"host certificate of %s: neither PEM nor DER, or larger "
			"than 4096 bytes",
			region);
	free(text);
	return ok;
}

static enum siv_reason daemon_judge_host(const struct siv_cert *cert,
					 const char *region,
					 const struct siv_anchors *anchors)
{
	struct siv_span name = { (const u8 *)region, strlen(region) };
	const struct siv_span none = { NULL, 0 };
	enum siv_reason why;

	why = siv_cert_is(cert, SIV_CERT_HOST, name, none, none);
	if (!why)
		why = siv_cert_dates(cert, clock_wall_s());
	return why ? why : siv_cert_verify(cert, anchors);
}

bool daemon_check_certs(struct files *f, const struct policy *p,
			const struct siv_anchors *anchors, struct notes *notes)
{
	const s64 month = 30 * 86400;
	u8 der[SIV_CERT_MAX];
	struct siv_cert cert;
	enum siv_reason why;
	char err[512];
	size_t len;
	u32 i;

	for (i = 0; i < p->region_count; i++) {
		const struct policy_region *r = &p->regions[i];

		if (r->mode == POLICY_VANILLA)
			continue;
		if (!daemon_host_cert(f, r->name, der, &len, err,
				      sizeof(err))) {
			notes_error(notes, p->file, r->line, "[region %s]: %s",
				    r->name, err);
			continue;
		}
		why = siv_cert_parse((struct siv_span){ der, len }, &cert);
		if (!why)
			why = daemon_judge_host(&cert, r->name, anchors);
		if (why)
			notes_error(notes, p->file, r->line,
				    "[region %s]: host certificate: "
				    "%s",
				    r->name, siv_reason_text(why));
		else if (cert.not_after - clock_wall_s() < month)
			notes_warning(notes, p->file, r->line,
				      "[region %s]: its host "
				      "certificate ends in less than 30 days",
				      r->name);
	}
	return !notes->errors;
}

/* ----------------------------------------------------------------- sockets */

/* A socket that the service manager made for us, if it did. */
static int daemon_activated(struct daemon *d, const char *path)
{
	int i;

	for (i = 0; i < d->activated_count; i++)
		/* kept: a VM that was removed may come back */
		if (!strcmp(d->activated[i].path, path))
			return fcntl(d->activated[i].fd, F_DUPFD_CLOEXEC, 3);
	return -1;
}

static int daemon_listen(struct daemon *d, const char *vm, const char *region,
			 char *err, size_t cap)
{
	char path[256];
	int fd;

	if (vm)
		snprintf(path, sizeof(path), "%s/%s/%s.sock", d->runtime_dir,
			 vm, region);
	else
		snprintf(path, sizeof(path), "%s/control.sock", d->runtime_dir);
	err[0] = '\0';
	fd = daemon_activated(d, path);
	return fd >= 0 ? fd : files_listen(d->files, vm, region, err, cap);
}

static bool daemon_add_member(struct daemon *d, struct region *r,
			      const struct policy_vm *vm, char *err, size_t cap)
{
	struct member *m = broker_add_member(d->broker, r, vm);
	int fd;

	if (!m) {
		snprintf(err, cap, "%s in %s: %s", vm->name, r->name,
			 strerror(errno));
		return false;
	}
	fd = daemon_listen(d, vm->name, r->name, err, cap);
	if (fd >= 0 && err[0] && !vm->self)
		log_warning("%s: the user %s can enter only if it is in that "
			    "(see tmpfiles.d)",
			    err, vm->user);
	if (fd >= 0 && !member_listen(m, fd))
		return true;
	broker_remove_member(m);
	return false;
}

static void daemon_remove_member(struct daemon *d, struct member *m)
{
	files_unlisten(d->files, m->name, m->r->name);
	member_dismiss(m);
	broker_remove_member(m);
}

/* ------------------------------------------------------------------- start */

/* Live sessions and channels go on; no new session can be opened. */
static int daemon_on_key_gone(sd_event_source *s, int fd, uint32_t revents,
			      void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)revents;
	log_error(
		"the key process has ended: no session can be opened any more; restart");
	audit_note_errno(d->audit, AUDIT_STOP, EKEYREVOKED, NULL, NULL,
			 "the key process has ended");
	return sd_event_source_set_enabled(s, SD_EVENT_OFF);
}

static bool daemon_watch_key(struct daemon *d)
{
	u32 i;

	for (i = 0; i < d->keylink.count; i++)
		if (d->keylink.fd[i] >= 0)
			return sd_event_add_io(d->event, &d->key_gone,
					       d->keylink.fd[i], 0,
					       daemon_on_key_gone, d) >= 0;
	return true; /* vanilla regions only: there is none */
}

static bool daemon_region(struct daemon *d, const struct policy *p, u32 i)
{
	const struct policy_region *pr = &p->regions[i];
	u8 der[SIV_CERT_MAX];
	struct siv_span cert = { der, 0 };
	struct region *r;
	char err[512];
	u32 k;

	if (pr->mode != POLICY_VANILLA &&
	    !daemon_host_cert(d->files, pr->name, der, &cert.n, err,
			      sizeof(err)))
		goto bad;
	r = region_new(d->event, d->audit, p, pr, cert, &broker_member_events,
		       d->broker, err, sizeof(err));
	if (!r)
		goto bad;
	if (pr->mode != POLICY_VANILLA)
		r->key = keylink_open(&d->keylink, i, &r->cert, r->prkh, err,
				      sizeof(err));
	if (pr->mode != POLICY_VANILLA && !r->key) {
		region_free(r);
		goto bad;
	}
	if (broker_add_region(d->broker, r)) {
		snprintf(err, sizeof(err), "out of memory");
		goto bad;
	}
	for (k = 0; k < pr->member_count; k++)
		if (!daemon_add_member(d, r, &p->vms[pr->members[k]], err,
				       sizeof(err)))
			goto bad;
	return true;
bad:
	log_error("%s", err);
	return false;
}

bool daemon_begin(struct daemon *d, struct daemon_config *c)
{
	const struct policy *p = c->policy;
	char err[512];
	int fd = STDERR_FILENO;
	u32 i;

	if (d->paths.audit) {
		fd = files_audit(d->files, err, sizeof(err));
		if (fd < 0) {
			log_error("%s", err);
			return false;
		}
	}
	d->audit = audit_new(d->event, fd);
	d->broker = d->audit ? broker_new(d->event, d->audit) : NULL;
	if (!d->broker) {
		log_error("out of memory");
		return false;
	}
	d->broker->policy = c->policy;
	d->broker->anchors = c->anchors;
	d->broker->crl = c->crl;
	for (i = 0; i < p->region_count; i++)
		if (!daemon_region(d, p, i))
			return false;
	if (!daemon_watch_key(d)) {
		log_error("out of memory");
		return false;
	}
	fd = daemon_listen(d, NULL, NULL, err, sizeof(err));
	if (fd < 0) {
		log_error("%s", err);
		return false;
	}
	d->ctl = ctl_new(d, fd);
	return d->ctl;
}

/* ------------------------------------------------------------------ reload */

/* What is fixed while the memory exists: all that guests have read from its header. */
static bool daemon_same_shape(const struct policy_region *a,
			      const struct policy_region *b)
{
	return a->size == b->size && a->mode == b->mode &&
	       a->granule == b->granule && a->channels == b->channels &&
	       a->suites == b->suites && a->ring_min == b->ring_min &&
	       a->ring_max == b->ring_max;
}

/* Arenas lie where they lay at the start, and each is one name's, also while it is away. */
static void daemon_same_arenas(const struct region *r, const struct policy *p,
			       const struct policy_region *pr,
			       struct notes *notes)
{
	u32 i;

	for (i = 0; i < pr->member_count; i++) {
		const struct policy_vm *vm = &p->vms[pr->members[i]];
		u64 has = region_guaranteed(r, vm->name);

		if (vm->guaranteed != has)
			notes_error(notes, p->file, vm->line,
				    "[vm %s]: guaranteed: %llu bytes were set "
				    "aside for it in %s at the start: restart "
				    "the daemon",
				    vm->name, (unsigned long long)has, r->name);
	}
}

static u32 daemon_new_members(const struct region *r, const struct policy *p,
			      const struct policy_region *pr)
{
	u32 i, n = 0;

	for (i = 0; i < pr->member_count; i++)
		n += !region_member(r, p->vms[pr->members[i]].name);
	return n;
}

static void daemon_frozen(const struct broker *b, const struct policy *new,
			  struct notes *notes)
{
	u32 i;

	for (i = 0; i < new->region_count; i++)
		if (!policy_region(b->policy, new->regions[i].name))
			notes_error(notes, new->file, new->regions[i].line,
				    "[region %s] was added: restart the daemon",
				    new->regions[i].name);
	for (i = 0; i < b->region_count; i++) {
		const struct region *r = b->regions[i];
		const struct policy_region *pr = policy_region(new, r->name);

		if (!pr)
			notes_error(
				notes, new->file, 0,
				"[region %s] was removed: restart the daemon",
				r->name);
		else if (!daemon_same_shape(r->policy, pr))
			notes_error(notes, new->file, pr->line,
				    "[region %s]: size, mode, granule, "
				    "channels, suites or rings were changed: "
				    "restart the daemon",
				    r->name);
		/* who was a member maps the memory until its QEMU ends */
		else if (pr->mode == POLICY_ISOLATED &&
			 daemon_new_members(r, new, pr))
			notes_error(notes, new->file, pr->line,
				    "[region %s]: members of an isolated "
				    "region were changed: restart the daemon",
				    r->name);
		else if (pr->mode != POLICY_VANILLA)
			daemon_same_arenas(r, new, pr, notes);
	}
}

static u32 daemon_old_members(const struct region *r, const struct policy *p,
			      const struct policy_region *pr)
{
	u32 i, n = 0;

	for (i = 0; i < r->member_count; i++) {
		const struct policy_vm *vm =
			r->members[i] ? policy_vm(p, r->members[i]->name) :
					NULL;

		n += vm && policy_member(p, pr, vm);
	}
	return n;
}

/* Is there a mailbox for everybody who is to come? */
static void daemon_room(const struct broker *b, const struct policy *p,
			struct notes *notes)
{
	u32 i;

	for (i = 0; i < b->region_count; i++) {
		const struct region *r = b->regions[i];
		const struct policy_region *pr = policy_region(p, r->name);

		if (pr && pr->mode != POLICY_VANILLA &&
		    daemon_old_members(r, p, pr) +
				    daemon_new_members(r, p, pr) >
			    r->geo.boxes)
			notes_error(notes, p->file, pr->line,
				    "[region %s]: no mailbox for one more "
				    "member: restart the daemon",
				    r->name);
	}
}

static void daemon_apply_region(struct daemon *d, struct region *r,
				const struct policy *p)
{
	const struct policy_region *pr = policy_region(p, r->name);
	char err[512];
	u32 i;

	for (i = 0; i < r->member_count; i++) {
		struct member *m = r->members[i];
		const struct policy_vm *vm = m ? policy_vm(p, m->name) : NULL;

		if (m && (!vm || !policy_member(p, pr, vm)))
			daemon_remove_member(d, m);
		else if (m && member_adopt(m, vm))
			log_warning("%s in %s: vectors as before: %s", m->name,
				    r->name, strerror(errno));
	}
	r->policy = pr;
	for (i = 0; i < pr->member_count; i++) {
		const struct policy_vm *vm = &p->vms[pr->members[i]];

		if (!region_member(r, vm->name) &&
		    !daemon_add_member(d, r, vm, err, sizeof(err)))
			log_error("%s", err);
	}
}

static void daemon_apply(struct daemon *d, struct daemon_config *c)
{
	struct broker *b = d->broker;
	char err[512];
	u32 i;
	int fd;

	for (i = 0; i < b->region_count; i++)
		daemon_apply_region(d, b->regions[i], c->policy);
	broker_adopt(b, c->policy);
	siv_anchors_free(b->anchors);
	crl_free(b->crl);
	b->anchors = c->anchors;
	b->crl = c->crl;
	certs_clear(b->certs);
	broker_judge(b);
	if (!d->paths.audit)
		return;
	fd = files_audit(d->files, err, sizeof(err));
	if (fd >= 0)
		audit_set_fd(d->audit, fd);
	else
		log_error("%s", err);
}

bool daemon_reload(struct daemon *d, char *err, size_t cap)
{
	struct broker *b = d->broker;
	struct notes notes = { 0 };
	struct daemon_config c;
	bool ok;

	files_notify(d->files, "RELOADING=1");
	ok = daemon_read(d->files, &d->paths, d->self, b->crl, &c, &notes);
	if (ok) {
		daemon_frozen(b, c.policy, &notes);
		daemon_room(b, c.policy, &notes);
		ok = !notes.errors;
		if (!ok)
			daemon_config_free(&c);
	}
	if (!ok)
		snprintf(err, cap, "%s",
			 notes.first_error ? notes.first_error : "failed");
	if (notes.text)
		fputs(notes.text, stderr);
	if (ok)
		daemon_apply(d, &c);
	else
		log_error("reload: %s: the old policy stays in force", err);
	audit_note_errno(d->audit, AUDIT_RELOAD, ok ? 0 : EINVAL, NULL, NULL,
			 "%s", ok ? "policy, CA and CRL were read anew" : err);
	notes_clear(&notes);
	files_notify(d->files, "READY=1");
	return ok;
}

/* --------------------------------------------------------------------- end */

void daemon_end(struct daemon *d)
{
	int i;

	sd_event_source_disable_unref(d->key_gone);
	ctl_free(d->ctl);
	broker_free(d->broker);
	audit_free(d->audit);
	keylink_stop(&d->keylink);
	for (i = 0; i < d->activated_count; i++)
		close(d->activated[i].fd);
	free(d->activated);
	files_stop(d->files);
}
