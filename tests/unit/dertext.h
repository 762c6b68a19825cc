/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DER written as text, so that a test shows the bytes it means:
 *
 *   30( 020105 'abc' )   hex bytes; parentheses: the length, then what is inside
 *   'abc'                bytes of text
 *   41*5                 the byte before, 5 times in all
 *   $K                   a variable's bytes
 *
 * A length that is to be wrong is written as hex, without parentheses.
 */
#ifndef TESTS_DERTEXT_H
#define TESTS_DERTEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	DERTEXT_MAX = 16384
};

struct dertext_var {
	char name;
	const uint8_t *p;
	size_t n;
};

/**
 * dertext() - make bytes of text; a mistake in the text ends the test program
 * @out: DERTEXT_MAX bytes
 * @text: as above
 * @vars: ends with name 0; may be NULL
 *
 * Return: how many bytes.
 */
size_t dertext(uint8_t *out, const char *text, const struct dertext_var *vars);

#endif
