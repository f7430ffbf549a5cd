/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Address patterns: PATTERN '\n' ADDRESS. What matches is held against a matcher that follows the
   specification word by word and backtracks. */
#include "fuzz.h"

#include "../../osc/pattern.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static bool in_set(const char *set, const char *end, char c)
{
	bool negated = *set == '!', found = false;
	for (set += negated; set < end; set++) {
		if (end - set > 2 && set[1] == '-') {
			char lo = set[0] < set[2] ? set[0] : set[2], hi = set[0] < set[2] ? set[2] : set[0];
			found |= c >= lo && c <= hi;
			set += 2;
		} else {
			found |= *set == c;
		}
	}
	return found != negated;
}

static long steps;

/** By backtracking; gives up, as `steps` tells, before it takes for ever. */
static bool slowly(const char *p, const char *a)
{
	if (++steps > 20000) {
		return false;
	}
	const char *end;
	switch (*p) {
	case '\0':
		return !*a;
	case '*':
		return slowly(p + 1, a) || (*a && *a != '/' && slowly(p, a + 1));
	case '?':
		return *a && *a != '/' && slowly(p + 1, a + 1);
	case '[':
		end = strchr(p, ']');
		return *a && *a != '/' && in_set(p + 1, end, *a) && slowly(end + 1, a + 1);
	case '{':
		end = strchr(p, '}');
		for (p++; p <= end; p++) {
			size_t n = strcspn(p, ",}");
			if (strncmp(p, a, n) == 0 && slowly(end + 1, a + n)) {
				return true;
			}
			p += n;
		}
		return false;
	default:
		return *p == *a && slowly(p + 1, a + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char pattern[512], address[256];
	const uint8_t *cut = memchr(data, '\n', size);
	size_t n = cut ? (size_t)(cut - data) : size, m = cut ? size - n - 1 : 0;
	if (n >= sizeof pattern || m >= sizeof address) {
		return 0;
	}
	memcpy(pattern, data, n);
	pattern[n] = '\0';
	memcpy(address, cut ? cut + 1 : data, m);
	address[m] = '\0';
	if (fb_pattern_check(pattern, NULL) || address[0] != '/') {
		return 0;
	}
	long budget = FB_PATTERN_BUDGET;
	bool matches = fb_pattern_match(pattern, address, &budget);
	must(budget > 0); /* one match never costs much */
	steps = 0;
	bool wanted = slowly(pattern, address);
	must(steps > 20000 || matches == wanted);
	return 0;
}
