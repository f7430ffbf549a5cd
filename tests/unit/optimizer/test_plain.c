/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../clients/optimizer/plain.h"

#include <stdlib.h>
#include <string.h>

static void check_hidden(const char *text, const char *hidden)
{
	char copy[256];
	snprintf(copy, sizeof copy, "%s", text);
	fb_plain_hide(copy, "sk-u9");
	assert_string_equal(copy, hidden);
}

static void test_a_secret_is_hidden(void **state)
{
	(void)state;
	check_hidden("sk-u9", "*****");
	check_hidden("is sk-u9, sk-u9", "is *****, *****");
	check_hidden("sk-u8 sk-u", "sk-u8 sk-u");
	check_hidden("s\\u006b-\\u00759", "***************");
	check_hidden("\\\\u0073k-u9", "***********");
	check_hidden("\\u0073k-u", "\\u0073k-u");
	check_hidden("\\u007", "\\u007");
	check_hidden("a\\sk-u9", "a******");
}

/** Megabytes of what an escape begins with: to look to its end from each place would take hours. */
static void test_a_long_text_of_escapes(void **state)
{
	(void)state;
	enum { SIZE = 4 << 20 };
	static const char *const piece[] = {"\\", "\\u", "\\ua", "a"};
	char *text = malloc(SIZE + 1);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof piece / sizeof *piece; i++) {
		for (size_t at = 0; at < SIZE; at++) {
			text[at] = piece[i][at % strlen(piece[i])];
		}
		memcpy(text + SIZE - 5, "sk-u9", 6);
		fb_plain_hide(text, "sk-u9");
		assert_string_equal(text + SIZE - 5, "*****");
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_secret_is_hidden),
		cmocka_unit_test(test_a_long_text_of_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
