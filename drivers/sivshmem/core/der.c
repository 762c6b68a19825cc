// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A strict, bounded DER reader: see der.h. */
#include "der.h"

/*
 * The length octets at @p (@left bytes): definite and as short as can be. @head is
 * set to how many octets they are.
 */
static enum siv_reason der_length(const u8 *p, size_t left, size_t *head,
				  size_t *len)
{
	size_t octets, i;
	u32 v = 0;

	if (!left)
		return SIV_R_DER_TRUNCATED;
	if (p[0] < 0x80) {
		*head = 1;
		*len = p[0];
		return SIV_OK;
	}
	octets = p[0] & 0x7f;
	if (octets == 0 || octets > 4)
		return SIV_R_DER_LENGTH;
	if (left - 1 < octets)
		return SIV_R_DER_TRUNCATED;
	for (i = 1; i <= octets; i++)
		v = v << 8 | p[i];
	if (v < 0x80 || p[1] == 0)
		return SIV_R_DER_LENGTH;
	*head = 1 + octets;
	*len = v;
	return SIV_OK;
}

enum siv_reason siv_der_next(struct siv_der *d, u8 tag,
			     struct siv_span *content, struct siv_span *whole)
{
	enum siv_reason r;
	size_t head, len;

	if (!d->left)
		return SIV_R_DER_TRUNCATED;
	if (d->p[0] != tag)
		return SIV_R_DER_TAG;
	r = der_length(d->p + 1, d->left - 1, &head, &len);
	if (r)
		return r;
	head++;
	if (len > d->left - head)
		return SIV_R_DER_TRUNCATED;
	content->p = d->p + head;
	content->n = len;
	if (whole) {
		whole->p = d->p;
		whole->n = head + len;
	}
	d->p += head + len;
	d->left -= head + len;
	return SIV_OK;
}

enum siv_reason siv_der_end(const struct siv_der *d)
{
	return d->left ? SIV_R_DER_TRAILING : SIV_OK;
}

/* Two decimal digits; -1 if they are not. */
static int two_digits(const u8 *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

static bool leap_year(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const u8 days[12] = { 31, 28, 31, 30, 31, 30,
				     31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && leap_year(year));
}

/* Proleptic Gregorian days; counted in years from March, so a leap day comes last. */
static s64 days_since_1970(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1;
	int m = month > 2 ? month - 3 : month + 9;
	int in_year = (153 * m + 2) / 5 + day - 1;

	/* 719468 days lie between March of the year 0 and 1970 */
	return (s64)365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

/* MMDDHHMMSSZ, 11 bytes, of @year. */
static enum siv_reason time_in_year(int year, const u8 *p, s64 *seconds)
{
	int month = two_digits(p);
	int day = two_digits(p + 2);
	int hour = two_digits(p + 4);
	int min = two_digits(p + 6);
	int sec = two_digits(p + 8);

	if (month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour < 0 || hour > 23 ||
	    min < 0 || min > 59 || sec < 0 || sec > 59 || p[10] != 'Z')
		return SIV_R_CERT_TIME;
	*seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 +
		   min * 60 + sec;
	return SIV_OK;
}

/* RFC 5280 4.1.2.5: with seconds, in UTC; UTCTime through 2049, then the other. */
enum siv_reason siv_der_time(struct siv_der *d, s64 *seconds)
{
	bool utc = siv_der_peek(d) == SIV_DER_UTC_TIME;
	struct siv_span s;
	enum siv_reason r;
	int hi, lo;

	r = siv_der_next(d, utc ? SIV_DER_UTC_TIME : SIV_DER_GENERALIZED_TIME,
			 &s, NULL);
	if (r)
		return r;
	if (s.n != (utc ? 13 : 15))
		return SIV_R_CERT_TIME;
	hi = two_digits(s.p);
	if (hi < 0)
		return SIV_R_CERT_TIME;
	if (utc)
		return time_in_year(hi < 50 ? 2000 + hi : 1900 + hi, s.p + 2,
				    seconds);
	lo = two_digits(s.p + 2);
	if (lo < 0 || hi * 100 + lo < 2050)
		return SIV_R_CERT_TIME;
	return time_in_year(hi * 100 + lo, s.p + 4, seconds);
}
