// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: the byte tables of protocol.rst and memory-layout.rst are those of core/wire.h.
 * That they are is proved by compiling this; the test sees that no struct lacks a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/wire.h"

#include "wire-doc.h"

/* Every struct that wire.h gives a size. */
static const char *const structs[] = {
	"siv_region_header", "siv_box_control", "siv_slot_header",
	"siv_payload1",	     "siv_payload2",	"siv_msg",
	"siv_listen",	     "siv_unlisten",	"siv_result",
	"siv_open",	     "siv_incoming",	"siv_accept",
	"siv_reject",	     "siv_common",	"siv_grant_a",
	"siv_confirm",	     "siv_grant_b",	"siv_established",
	"siv_fin",	     "siv_fin_payload", "siv_close",
	"siv_failed",
};

static void test_documented(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(structs); i++) {
		for (k = 0; k < ARRAY_SIZE(wire_doc_structs); k++)
			if (!strcmp(structs[i], wire_doc_structs[k]))
				break;
		if (k == ARRAY_SIZE(wire_doc_structs))
			fail_msg("%s has no table", structs[i]);
	}
	assert_int_equal(ARRAY_SIZE(structs), ARRAY_SIZE(wire_doc_structs));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_documented) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
