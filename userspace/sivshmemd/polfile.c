// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The policy file: inih splits keys, values, comments and continued lines. It knows no
 * line numbers and cuts long lines and titles, so it is fed through a reader of ours
 * that takes the titles out and counts.
 */
#define _GNU_SOURCE
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "polfile.h"
#include "policy.h"

enum section_kind {
	SECTION_NONE,
	SECTION_REGION,
	SECTION_VM,
	SECTION_SERVICE,
	SECTION_BAD
};

/* What is known of a section while the file is read. */
struct section {
	enum section_kind kind;
	u32 index;		   /* in the policy's table of its kind */
	u32 seen;		   /* bit n: key n of its kind was set */
	unsigned int list_line;	   /* of its list (members, clients) */
	char *list;		   /* words of its list, as written */
	char region[SIV_NAME_LEN]; /* of a service */
	char vm[SIV_NAME_LEN];
};

struct parse {
	struct policy *p;
	struct notes *notes;
	const char *file;
	const char *at; /* unread text */
	const char *end;
	const char *rest; /* unread part of the current line, or NULL */
	const char *rest_end;
	unsigned int line;
	bool continued; /* this piece continues the key before */
	bool piece;	/* @rest is not the line's beginning */
	bool have_key;	/* inih has a key that may be continued */
	struct section *sections;
	u32 section_count;
	struct section *now;
	policy_uid_fn uid_of;
	void *uid_arg;
	uid_t self;
	bool failed; /* out of memory */
};

#define parse_error(ps, ...) \
	notes_error((ps)->notes, (ps)->file, (ps)->line, __VA_ARGS__)

/* Room for one more element of @size bytes, zeroed; NULL if memory is out. */
static void *parse_grow(struct parse *ps, void **array, u32 *count, size_t size)
{
	char *a = realloc(*array, (*count + 1) * size);

	if (!a) {
		ps->failed = true;
		return NULL;
	}
	*array = a;
	memset(a + *count * size, 0, size);
	return a + (*count)++ * size;
}

/* ------------------------------------------------------------------ titles */

static void parse_region_title(struct parse *ps, const char *name)
{
	struct policy_region *r;
	const struct policy_region *old;
	char field[SIV_NAME_LEN];

	if (!polfile_name(name, field)) {
		parse_error(ps, "\"%s\" is not a region's name", name);
		return;
	}
	old = policy_region(ps->p, field);
	if (old) {
		parse_error(ps, "[region %s] stands in line %u already", field,
			    old->line);
		return;
	}
	if (ps->p->region_count == POLICY_REGIONS_MAX) {
		parse_error(ps, "more than %d regions", POLICY_REGIONS_MAX);
		return;
	}
	r = parse_grow(ps, (void **)&ps->p->regions, &ps->p->region_count,
		       sizeof(*r));
	if (!r)
		return;
	memcpy(r->name, field, sizeof(field));
	r->line = ps->line;
	r->granule = SIV_GRANULE_DEFAULT;
	r->suites = 1u << SIV_SUITE_CHACHAPOLY | 1u << SIV_SUITE_AESGCM;
	r->liveness_ms = 10000;
	r->handshake_ms = 2000;
	r->rekey_s = 3600;
	ps->now->kind = SECTION_REGION;
	ps->now->index = ps->p->region_count - 1;
}

static void parse_vm_title(struct parse *ps, const char *name)
{
	const struct policy_vm *old;
	struct policy_vm *vm;
	char field[SIV_NAME_LEN];

	if (!polfile_name(name, field)) {
		parse_error(ps, "\"%s\" is not a VM's name", name);
		return;
	}
	old = policy_vm(ps->p, field);
	if (old) {
		parse_error(ps, "[vm %s] stands in line %u already", field,
			    old->line);
		return;
	}
	if (ps->p->vm_count == POLICY_VMS_MAX) {
		parse_error(ps, "more than %d VMs", POLICY_VMS_MAX);
		return;
	}
	vm = parse_grow(ps, (void **)&ps->p->vms, &ps->p->vm_count,
			sizeof(*vm));
	if (!vm)
		return;
	memcpy(vm->name, field, sizeof(field));
	vm->line = ps->line;
	vm->vectors = SIV_VECTORS_DEFAULT;
	vm->channels = 64;
	vm->sessions = 32;
	vm->fds = 512;
	vm->hello_rate = 20;
	vm->attach_rate = 60;
	ps->now->kind = SECTION_VM;
	ps->now->index = ps->p->vm_count - 1;
}

static void parse_service_title(struct parse *ps, char *path)
{
	struct section *now = ps->now;
	struct policy_service *s;
	char service[SIV_NAME_LEN];
	char *vm = strchr(path, '/');
	char *name = vm ? strchr(vm + 1, '/') : NULL;
	char *rule;

	if (asprintf(&rule, "service %s", path) < 0) {
		ps->failed = true;
		return;
	}
	if (name) {
		*vm++ = '\0';
		*name++ = '\0';
	}
	if (!name || !polfile_name(path, now->region) ||
	    !polfile_name(vm, now->vm) || !polfile_name(name, service)) {
		parse_error(ps, "[%s] is not [service REGION/VM/NAME]", rule);
		free(rule);
		return;
	}
	s = parse_grow(ps, (void **)&ps->p->services, &ps->p->service_count,
		       sizeof(*s));
	if (!s) {
		free(rule);
		return;
	}
	memcpy(s->name, service, sizeof(service));
	s->rule = rule;
	s->line = ps->line;
	now->kind = SECTION_SERVICE;
	now->index = ps->p->service_count - 1;
}

/* @title: what stands between the brackets */
static void parse_title(struct parse *ps, char *title)
{
	char *kind, *name, *more, *save;

	ps->now = parse_grow(ps, (void **)&ps->sections, &ps->section_count,
			     sizeof(*ps->now));
	if (!ps->now)
		return;
	ps->now->kind = SECTION_BAD;
	kind = strtok_r(title, " \t", &save);
	name = kind ? strtok_r(NULL, " \t", &save) : NULL;
	more = name ? strtok_r(NULL, " \t", &save) : NULL;
	if (!name || more) {
		parse_error(ps, "a section is [region NAME], [vm NAME] or "
				"[service REGION/VM/NAME]");
		return;
	}
	if (!strcmp(kind, "region"))
		parse_region_title(ps, name);
	else if (!strcmp(kind, "vm"))
		parse_vm_title(ps, name);
	else if (!strcmp(kind, "service"))
		parse_service_title(ps, name);
	else
		parse_error(ps, "unknown kind of section \"%s\"", kind);
}

/* -------------------------------------------------------------------- keys */

enum key_type {
	KEY_END,
	KEY_COUNT,   /* a number, u32 */
	KEY_MS,	     /* a time, u32 in milliseconds */
	KEY_SECONDS, /* a time, u32 in seconds; limits in milliseconds */
	KEY_BYTES,   /* a size, u64 */
	KEY_POW2,    /* a size that is a power of two, u64 */
	KEY_GRANULE, /* likewise, u32 */
	KEY_MODE,
	KEY_SEALED,
	KEY_SUITES,
	KEY_USER,
	KEY_LIST,
};

/* @min and @max are limits of the value; @at is where it goes in its object. */
struct parse_key {
	const char *name;
	enum key_type type;
	size_t at;
	u64 min;
	u64 max;
};

#define REGION(field) offsetof(struct policy_region, field)
#define VM(field) offsetof(struct policy_vm, field)
#define SERVICE(field) offsetof(struct policy_service, field)

/* clang-format off */
static const struct parse_key region_keys[] = {
	{ "size",      KEY_POW2,    REGION(size), SIV_GRANULE_MIN, (u64)1 << 40 },
	{ "mode",      KEY_MODE,    REGION(mode), 0, 0 },
	{ "granule",   KEY_GRANULE, REGION(granule), SIV_GRANULE_MIN, SIV_GRANULE_MAX },
	{ "members",   KEY_LIST,    0, 0, 0 },
	{ "channels",  KEY_COUNT,   REGION(channels), 1, POLICY_CHANNELS_MAX },
	{ "suites",    KEY_SUITES,  REGION(suites), 0, 0 },
	{ "ring_min",  KEY_POW2,    REGION(ring_min), SIV_RING_MIN, SIV_RING_MAX },
	{ "ring_max",  KEY_POW2,    REGION(ring_max), SIV_RING_MIN, SIV_RING_MAX },
	{ "liveness",  KEY_MS,      REGION(liveness_ms), 300, 3600000 },
	{ "handshake", KEY_MS,      REGION(handshake_ms), 100, 60000 },
	{ "rekey",     KEY_SECONDS, REGION(rekey_s), 1000, 86400000 },
	{ NULL,        KEY_END,     0, 0, 0 },
};

static const struct parse_key vm_keys[] = {
	{ "user",        KEY_USER,  0, 0, 0 },
	{ "vectors",     KEY_COUNT, VM(vectors), 1, POLICY_VECTORS_MAX },
	{ "channels",    KEY_COUNT, VM(channels), 1, POLICY_CHANNELS_MAX },
	{ "sessions",    KEY_COUNT, VM(sessions), 1, 1024 },
	{ "fds",         KEY_COUNT, VM(fds), 8, 65536 },
	{ "bytes",       KEY_BYTES, VM(bytes), 0, 0 },
	{ "guaranteed",  KEY_BYTES, VM(guaranteed), 0, 0 },
	{ "hello_rate",  KEY_COUNT, VM(hello_rate), 1, 100000 },
	{ "attach_rate", KEY_COUNT, VM(attach_rate), 1, 100000 },
	{ NULL,          KEY_END,   0, 0, 0 },
};

static const struct parse_key service_keys[] = {
	{ "clients",  KEY_LIST,   0, 0, 0 },
	{ "sealed",   KEY_SEALED, SERVICE(sealed), 0, 0 },
	{ "ring_min", KEY_POW2,   SERVICE(ring_min), SIV_RING_MIN, SIV_RING_MAX },
	{ "ring_max", KEY_POW2,   SERVICE(ring_max), SIV_RING_MIN, SIV_RING_MAX },
	{ "channels", KEY_COUNT,  SERVICE(channels), 1, POLICY_CHANNELS_MAX },
	{ NULL,       KEY_END,    0, 0, 0 },
};
/* clang-format on */

static const char *set_number(const struct parse_key *k, void *at,
			      const char *value)
{
	u64 v;

	if (!polfile_number(value, k->max, &v) || v < k->min)
		return "not a number in the allowed range";
	*(u32 *)at = (u32)v;
	return NULL;
}

static const char *set_time(const struct parse_key *k, void *at,
			    const char *value)
{
	u64 v;

	if (!polfile_time(value, &v) || v < k->min || v > k->max)
		return "not a time in the allowed range (10s, 500ms, 5m, 1h)";
	*(u32 *)at = (u32)(k->type == KEY_SECONDS ? v / 1000 : v);
	return NULL;
}

static const char *set_size(const struct parse_key *k, void *at,
			    const char *value)
{
	u64 v;

	if (!polfile_size(value, &v))
		return "not a size (64K, 16M, 1G)";
	if (k->type != KEY_BYTES && !siv_is_pow2(v))
		return "not a power of two";
	if (k->type != KEY_BYTES && (v < k->min || v > k->max))
		return "outside the allowed range";
	if (k->type == KEY_GRANULE)
		*(u32 *)at = (u32)v;
	else
		*(u64 *)at = v;
	return NULL;
}

static const char *set_mode(enum policy_mode *mode, const char *value)
{
	if (!strcmp(value, "shared"))
		*mode = POLICY_SHARED;
	else if (!strcmp(value, "isolated"))
		*mode = POLICY_ISOLATED;
	else if (!strcmp(value, "vanilla"))
		*mode = POLICY_VANILLA;
	else
		return "not shared, isolated or vanilla";
	return NULL;
}

static const char *set_sealed(enum policy_sealed *sealed, const char *value)
{
	if (!strcmp(value, "required"))
		*sealed = POLICY_SEALED_REQUIRED;
	else if (!strcmp(value, "allowed"))
		*sealed = POLICY_SEALED_ALLOWED;
	else if (!strcmp(value, "never"))
		*sealed = POLICY_SEALED_NEVER;
	else
		return "not required, allowed or never";
	return NULL;
}

static const char *set_suites(u32 *suites, const char *value)
{
	static const char bad[] = "not a list of chachapoly and aesgcm";
	char word[32];
	int got;

	*suites = 0;
	while ((got = polfile_word(&value, word, sizeof(word)))) {
		if (got > 0 && !strcmp(word, "chachapoly"))
			*suites |= 1u << SIV_SUITE_CHACHAPOLY;
		else if (got > 0 && !strcmp(word, "aesgcm"))
			*suites |= 1u << SIV_SUITE_AESGCM;
		else
			return bad;
	}
	return *suites & 1u << SIV_SUITE_CHACHAPOLY ? NULL :
						      "chachapoly is mandatory";
}

static const char *set_user(struct parse *ps, struct policy_vm *vm,
			    const char *value)
{
	u64 uid;

	if (!*value)
		return "no user";
	vm->user = strdup(value);
	if (!vm->user) {
		ps->failed = true;
		return NULL;
	}
	if (!strcmp(value, "self")) {
		vm->self = true;
		vm->uid = ps->self;
		return NULL;
	}
	if (polfile_number(value, 0xfffffffe, &uid)) {
		vm->uid = (uid_t)uid;
		return NULL;
	}
	return ps->uid_of(ps->uid_arg, value, &vm->uid) ? NULL : "no such user";
}

/* Lists wait until all names are known. */
static const char *set_list(struct parse *ps, const char *value)
{
	struct section *now = ps->now;
	size_t old = now->list ? strlen(now->list) : 0;
	char *list = realloc(now->list, old + strlen(value) + 2);

	if (!list) {
		ps->failed = true;
		return NULL;
	}
	list[old] = ' ';
	memcpy(list + old + 1, value, strlen(value) + 1);
	now->list = list;
	if (!now->list_line)
		now->list_line = ps->line;
	return NULL;
}

/* Return: NULL, or what is wrong with the value. */
static const char *set_key(struct parse *ps, const struct parse_key *k,
			   void *object, const char *value)
{
	void *at = (char *)object + k->at;

	switch (k->type) {
	case KEY_COUNT:
		return set_number(k, at, value);
	case KEY_MS:
	case KEY_SECONDS:
		return set_time(k, at, value);
	case KEY_BYTES:
	case KEY_POW2:
	case KEY_GRANULE:
		return set_size(k, at, value);
	case KEY_MODE:
		return set_mode(at, value);
	case KEY_SEALED:
		return set_sealed(at, value);
	case KEY_SUITES:
		return set_suites(at, value);
	case KEY_USER:
		return set_user(ps, object, value);
	case KEY_LIST:
		return set_list(ps, value);
	case KEY_END:
		break;
	}
	return "not understood";
}

static const struct parse_key *parse_keys(struct parse *ps, void **object)
{
	switch (ps->now->kind) {
	case SECTION_REGION:
		*object = &ps->p->regions[ps->now->index];
		return region_keys;
	case SECTION_VM:
		*object = &ps->p->vms[ps->now->index];
		return vm_keys;
	case SECTION_SERVICE:
		*object = &ps->p->services[ps->now->index];
		return service_keys;
	case SECTION_NONE:
	case SECTION_BAD:
		break;
	}
	return NULL;
}

static void parse_key_value(struct parse *ps, const char *name,
			    const char *value)
{
	const struct parse_key *keys, *k;
	void *object = NULL;
	const char *bad;
	u32 bit;

	if (!ps->now) {
		parse_error(ps, "\"%s\" stands before the first section", name);
		return;
	}
	keys = parse_keys(ps, &object);
	if (!keys)
		return; /* the title was refused: say nothing about its keys */
	for (k = keys; k->name; k++)
		if (!strcmp(k->name, name))
			break;
	if (!k->name) {
		parse_error(ps, "unknown key \"%s\"", name);
		return;
	}
	bit = 1u << (k - keys);
	if (ps->continued && k->type != KEY_LIST) {
		parse_error(
			ps,
			"an indented line continues a list, and \"%s\" is none",
			name);
		return;
	}
	if (!ps->continued && ps->now->seen & bit) {
		parse_error(ps, "\"%s\" stands twice in its section", name);
		return;
	}
	ps->now->seen |= bit;
	bad = set_key(ps, k, object, value);
	if (bad)
		parse_error(ps, "%s = %s: %s", name, value, bad);
}

static int parse_handler(void *user, const char *section, const char *name,
			 const char *value)
{
	(void)section;
	parse_key_value(user, name, value ? value : "");
	return 1;
}

/* ------------------------------------------------------------------ reader */

static bool parse_is_comment(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s == end || *s == '#' || *s == ';';
}

/* Where an inline comment (blank, then a semicolon) begins; else @end. */
static const char *parse_comment(const char *s, const char *end)
{
	const char *p;

	for (p = s; p + 1 < end; p++)
		if ((p[0] == ' ' || p[0] == '\t') && p[1] == ';')
			return p;
	return end;
}

/* A line that is a title: hand it on. */
static void parse_title_line(struct parse *ps, const char *s, const char *end)
{
	char title[4 * SIV_NAME_LEN];
	const char *close = memchr(s, ']', (size_t)(end - s));

	if (!close || close + 1 != end) {
		parse_error(ps, "a section's title does not end in \"]\"");
		ps->now = NULL;
		return;
	}
	if ((size_t)(close - s) > sizeof(title)) {
		parse_error(ps, "a section's title is too long");
		return;
	}
	memcpy(title, s + 1, (size_t)(close - s - 1));
	title[close - s - 1] = '\0';
	parse_title(ps, title);
}

static void parse_hand_over(struct parse *ps, const char *s, const char *end)
{
	ps->rest = s;
	ps->rest_end = end;
	ps->piece = false;
}

/*
 * The next line that says something to inih; false at the end of the text. Of a title
 * inih learns only that there was one: it then forgets the key before.
 */
static bool parse_next_line(struct parse *ps)
{
	static const char title[] = "[s]";
	const char *s, *end, *p;

	while (ps->at < ps->end) {
		s = ps->at;
		end = memchr(s, '\n', (size_t)(ps->end - s));
		ps->at = end ? end + 1 : ps->end;
		end = end ? end : ps->end;
		ps->line++;
		if (parse_is_comment(s, end))
			continue;
		end = parse_comment(s, end);
		while (end > s &&
		       (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
			end--;
		for (p = s; p < end && (*p == '\t' || (*p >= ' ' && *p <= '~'));
		     p++)
			;
		if (p < end) {
			parse_error(ps,
				    "a character that is not printable ASCII");
			continue;
		}
		if (*s == '[') {
			parse_title_line(ps, s, end);
			parse_hand_over(ps, title, title + sizeof(title) - 1);
			ps->have_key = false;
			return true;
		}
		ps->continued = *s == ' ' || *s == '\t';
		if (!(ps->continued && ps->have_key) &&
		    !memchr(s, '=', (size_t)(end - s))) {
			parse_error(ps, "neither [section] nor key = value");
			continue;
		}
		ps->have_key = true;
		parse_hand_over(ps, s, end);
		return true;
	}
	return false;
}

/*
 * inih's reader. A line that is longer than inih's is handed over in pieces, cut where
 * a list may be cut; each piece after the first looks like a continued line.
 */
static char *parse_reader(char *out, int num, void *stream)
{
	struct parse *ps = stream;
	size_t cap = (size_t)num - 4, len;
	char *p = out;

	for (;;) {
		if (!ps->rest && !parse_next_line(ps))
			return NULL;
		len = (size_t)(ps->rest_end - ps->rest);
		if (len <= cap)
			break;
		for (len = cap; len; len--)
			if (ps->rest[len - 1] == ',' ||
			    ps->rest[len - 1] == ' ')
				break;
		if (len)
			break;
		parse_error(ps, "a word is too long");
		ps->rest = NULL;
	}
	if (ps->piece) {
		*p++ = ' ';
		ps->continued = true;
	}
	memcpy(p, ps->rest, len);
	p[len] = '\n';
	p[len + 1] = '\0';
	ps->rest += len;
	ps->piece = true;
	if (ps->rest == ps->rest_end)
		ps->rest = NULL;
	return out;
}

/* ------------------------------------------------------------------- lists */

static void parse_members(struct parse *ps, const struct section *sec)
{
	struct policy_region *r = &ps->p->regions[sec->index];
	const char *at = sec->list ? sec->list : "";
	char word[SIV_NAME_LEN];
	u32 *m, i;
	int got;

	ps->line = sec->list_line;
	while ((got = polfile_word(&at, word, sizeof(word)))) {
		const struct policy_vm *vm = got > 0 ? policy_vm(ps->p, word) :
						       NULL;
		u32 index;

		if (!vm) {
			parse_error(ps, "member \"%s\" has no [vm] section",
				    got > 0 ? word : "(too long)");
			continue;
		}
		index = (u32)(vm - ps->p->vms);
		for (i = 0; i < r->member_count; i++)
			if (r->members[i] == index)
				break;
		if (i < r->member_count) {
			parse_error(ps, "member \"%s\" stands twice", word);
			continue;
		}
		if (r->member_count == POLICY_MEMBERS_MAX) {
			parse_error(ps, "more than %d members",
				    POLICY_MEMBERS_MAX);
			return;
		}
		m = parse_grow(ps, (void **)&r->members, &r->member_count,
			       sizeof(*m));
		if (!m)
			return;
		*m = index;
	}
}

/* "*", "VM", "VM/SERVICE", either of them "*" */
static bool parse_pattern(const char *word, struct policy_pattern *out)
{
	const char *slash = strchr(word, '/');
	char vm[SIV_NAME_LEN] = "";
	size_t n = slash ? (size_t)(slash - word) : strlen(word);

	if (n >= sizeof(vm))
		return false;
	memcpy(vm, word, n);
	if (!strcmp(vm, "*"))
		strcpy(out->vm, "*");
	else if (!polfile_name(vm, out->vm))
		return false;
	if (!slash || !strcmp(slash + 1, "*"))
		strcpy(out->service, "*");
	else if (!polfile_name(slash + 1, out->service))
		return false;
	return true;
}

static void parse_clients(struct parse *ps, const struct section *sec)
{
	struct policy_service *s = &ps->p->services[sec->index];
	const char *at = sec->list ? sec->list : "";
	struct policy_pattern pattern, *slot;
	char word[2 * SIV_NAME_LEN];
	int got;

	ps->line = sec->list_line;
	while ((got = polfile_word(&at, word, sizeof(word)))) {
		memset(&pattern, 0, sizeof(pattern));
		if (got < 0 || !parse_pattern(word, &pattern)) {
			parse_error(ps,
				    "client \"%s\" is not VM, VM/SERVICE or *",
				    got > 0 ? word : "(too long)");
			continue;
		}
		if (strcmp(pattern.vm, "*") != 0 &&
		    !policy_vm(ps->p, pattern.vm)) {
			parse_error(ps, "client \"%s\": there is no [vm %s]",
				    word, pattern.vm);
			continue;
		}
		slot = parse_grow(ps, (void **)&s->clients, &s->client_count,
				  sizeof(*slot));
		if (!slot)
			return;
		*slot = pattern;
	}
}

static void parse_service_names(struct parse *ps, const struct section *sec)
{
	struct policy_service *s = &ps->p->services[sec->index];
	const struct policy_region *r = policy_region(ps->p, sec->region);
	const struct policy_vm *vm = policy_vm(ps->p, sec->vm);

	ps->line = s->line;
	if (!r)
		parse_error(ps, "[%s]: there is no [region %s]", s->rule,
			    sec->region);
	else
		s->region = (u32)(r - ps->p->regions);
	if (!vm)
		parse_error(ps, "[%s]: there is no [vm %s]", s->rule, sec->vm);
	else
		s->vm = (u32)(vm - ps->p->vms);
}

/* Names and lists, now that all sections are known. */
static void parse_resolve(struct parse *ps)
{
	u32 i;

	for (i = 0; i < ps->section_count; i++) {
		const struct section *sec = &ps->sections[i];

		if (sec->kind == SECTION_REGION)
			parse_members(ps, sec);
		if (sec->kind == SECTION_SERVICE) {
			parse_service_names(ps, sec);
			parse_clients(ps, sec);
		}
	}
}

static int parse_service_order(const void *a, const void *b)
{
	const struct policy_service *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	if (by_name)
		return by_name;
	return x->vm < y->vm ? -1 : x->vm > y->vm;
}

struct policy *policy_parse(const char *file, const char *text, size_t len,
			    policy_uid_fn uid_of, void *arg, uid_t self,
			    struct notes *notes)
{
	struct parse ps = {
		.notes = notes,
		.file = file,
		.at = text,
		.end = text + len,
		.uid_of = uid_of,
		.uid_arg = arg,
		.self = self,
	};
	unsigned int before = notes->errors;
	u32 i;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		ps.at += 3; /* a byte order mark */
	ps.p = calloc(1, sizeof(*ps.p));
	if (ps.p)
		ps.p->file = strdup(file);
	if (!ps.p || !ps.p->file) {
		ps.failed = true;
	} else if (ini_parse_stream(parse_reader, &ps, parse_handler, &ps)) {
		parse_error(&ps, "not understood");
	} else {
		parse_resolve(&ps);
		if (ps.p->service_count)
			qsort(ps.p->services, ps.p->service_count,
			      sizeof(*ps.p->services), parse_service_order);
		if (notes->errors == before && !ps.failed)
			policy_check(ps.p, notes);
	}
	for (i = 0; i < ps.section_count; i++)
		free(ps.sections[i].list);
	free(ps.sections);
	if (ps.failed)
		notes_error(notes, file, 0, "out of memory");
	if (notes->errors != before) {
		policy_free(ps.p);
		return NULL;
	}
	return ps.p;
}
