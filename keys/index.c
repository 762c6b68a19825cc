// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the CA has issued and revoked: see index.h. */
#define _GNU_SOURCE
#include "index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "when.h"

static const char first_line[] = "sivshmem-keys index 1";

void hex_of(char *out, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	out[2 * n] = 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_bytes(const char *text, uint8_t *out, size_t n)
{
	size_t i;
	int hi, lo;

	if (strlen(text) != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

const char *record_role_text(enum siv_cert_role role)
{
	return role == SIV_CERT_HOST ? "host" : "endpoint";
}

const char *record_state_text(enum record_state s)
{
	static const char *const text[] = { "live", "expired", "revoked" };

	return text[s];
}

enum record_state record_state(const struct record *r, int64_t now)
{
	if (r->revoked)
		return RECORD_REVOKED;
	return now > r->until ? RECORD_EXPIRED : RECORD_LIVE;
}

bool record_matches(const struct record *r, const char *which)
{
	return !strcmp(r->serial, which) || !strcmp(r->name, which);
}

static struct record *append(struct index *x)
{
	struct record *more;
	size_t room;

	if (x->count == x->room) {
		room = x->room ? 2 * x->room : 64;
		more = reallocarray(x->records, room, sizeof(*more));
		if (!more) {
			say_failure("out of memory");
			return NULL;
		}
		x->records = more;
		x->room = room;
	}
	memset(&x->records[x->count], 0, sizeof(x->records[0]));
	return &x->records[x->count++];
}

void name_of(char out[NAME_TEXT_MAX], const struct siv_cert *c)
{
	if (c->role == SIV_CERT_HOST)
		snprintf(out, NAME_TEXT_MAX, "%.*s", (int)c->region.n,
			 (const char *)c->region.p);
	else
		snprintf(out, NAME_TEXT_MAX, "%.*s/%.*s/%.*s", (int)c->region.n,
			 (const char *)c->region.p, (int)c->vm.n,
			 (const char *)c->vm.p, (int)c->service.n,
			 (const char *)c->service.p);
}

int index_add(struct index *x, const struct siv_cert *c)
{
	struct record *r = append(x);

	if (!r)
		return -1;
	hex_of(r->serial, c->serial.p, c->serial.n);
	r->role = c->role;
	name_of(r->name, c);
	r->from = c->not_before;
	r->until = c->not_after;
	memcpy(r->pub, c->pub, sizeof(r->pub));
	return 0;
}

enum {
	COL_SERIAL,
	COL_ROLE,
	COL_NAME,
	COL_FROM,
	COL_UNTIL,
	COL_PUB,
	COL_REVOKED,
	COL_REASON,
	COLUMNS
};

/* What is wrong with a line's column; NULL: nothing. */
static const char *parse_columns(char *col[COLUMNS], struct record *r)
{
	if (strlen(col[COL_SERIAL]) >= sizeof(r->serial) ||
	    strspn(col[COL_SERIAL], "0123456789abcdef") !=
		    strlen(col[COL_SERIAL]))
		return "serial number";
	strcpy(r->serial, col[COL_SERIAL]);
	if (!strcmp(col[COL_ROLE], "host"))
		r->role = SIV_CERT_HOST;
	else if (!strcmp(col[COL_ROLE], "endpoint"))
		r->role = SIV_CERT_ENDPOINT;
	else
		return "role";
	if (strlen(col[COL_NAME]) >= sizeof(r->name))
		return "name";
	strcpy(r->name, col[COL_NAME]);
	if (when_parse(col[COL_FROM], &r->from) ||
	    when_parse(col[COL_UNTIL], &r->until))
		return "date";
	if (!hex_bytes(col[COL_PUB], r->pub, sizeof(r->pub)))
		return "public key";
	if (strcmp(col[COL_REVOKED], "-") &&
	    when_parse(col[COL_REVOKED], &r->revoked))
		return "date of revocation";
	if (strlen(col[COL_REASON]) >= sizeof(r->reason))
		return "reason";
	if (r->revoked)
		strcpy(r->reason, col[COL_REASON]);
	return NULL;
}

static const char *parse_line(char *line, struct index *x)
{
	char *col[COLUMNS];
	struct record *r;
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		col[i] = strsep(&line, " ");
		if (!col[i] || !*col[i])
			return "number of columns";
	}
	if (line)
		return "number of columns";
	r = append(x);
	return r ? parse_columns(col, r) : "memory";
}

static const char *parse_header(char *line, unsigned int number,
				struct index *x)
{
	char end;

	if (number == 1)
		return strcmp(line, first_line) ? "first line" : NULL;
	if (sscanf(line, "crl-number %" SCNu64 "%c", &x->crl_number, &end) != 1)
		return "crl-number";
	return NULL;
}

int index_load(struct index *x, const struct store *s)
{
	unsigned int number = 0;
	const char *wrong = NULL;
	struct blob text;
	char *rest, *line;

	memset(x, 0, sizeof(*x));
	if (store_get(s, "index", &text))
		return -1;
	rest = (char *)text.p;
	while (!wrong && (line = strsep(&rest, "\n")) && (*line || rest)) {
		number++;
		wrong = number < 3 ? parse_header(line, number, x) :
				     parse_line(line, x);
	}
	blob_free(&text);
	if (!wrong && number < 2)
		wrong = "length";
	if (!wrong)
		return 0;
	index_free(x);
	return say_failure("%s/index:%u: wrong %s", s->path, number, wrong);
}

static void write_record(FILE *f, const struct record *r)
{
	char from[WHEN_LEN], until[WHEN_LEN], revoked[WHEN_LEN] = "-";
	char pub[2 * SIV_KEY_LEN + 1];

	hex_of(pub, r->pub, sizeof(r->pub));
	if (r->revoked)
		when_text(revoked, r->revoked);
	fprintf(f, "%s %s %s %s %s %s %s %s\n", r->serial,
		record_role_text(r->role), r->name, when_text(from, r->from),
		when_text(until, r->until), pub, revoked,
		r->revoked ? r->reason : "-");
}

int index_save(const struct index *x, const struct store *s)
{
	char *text = NULL;
	size_t i, n = 0;
	FILE *f;
	int err;

	f = open_memstream(&text, &n);
	if (!f)
		return say_failure("out of memory");
	fprintf(f, "%s\ncrl-number %" PRIu64 "\n", first_line, x->crl_number);
	for (i = 0; i < x->count; i++)
		write_record(f, &x->records[i]);
	if (fclose(f))
		err = say_failure("out of memory");
	else
		err = store_put(s, "index", 0600, text, n, true);
	free(text);
	return err;
}

void index_free(struct index *x)
{
	free(x->records);
	memset(x, 0, sizeof(*x));
}
