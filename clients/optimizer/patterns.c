/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "patterns.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

static bool add(fb_patterns *patterns, const char *text, size_t len)
{
	fb_pattern *grown = realloc(patterns->pattern, ((size_t)patterns->count + 1) * sizeof *grown);
	patterns->pattern = grown ? grown : patterns->pattern;
	char *copy = grown ? strndup(text, len) : NULL;
	if (copy) {
		patterns->pattern[patterns->count++] = (fb_pattern){copy, false};
	}
	return copy != NULL;
}

fb_status fb_patterns_read(fb_patterns *out, const char *text, fb_error *error)
{
	*out = (fb_patterns){0};
	while (*text) {
		text += strspn(text, "," BLANKS);
		size_t all = strcspn(text, ","), len = all;
		while (len && strchr(BLANKS, text[len - 1])) {
			len--;
		}
		if (len && !add(out, text, len)) {
			return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
		}
		text += all;
	}
	return FB_OK;
}

void fb_patterns_finish(fb_patterns *patterns)
{
	for (int i = 0; i < patterns->count; i++) {
		free(patterns->pattern[i].text);
	}
	free(patterns->pattern);
	*patterns = (fb_patterns){0};
}

bool fb_patterns_fit(fb_patterns *patterns, const char *node, const char *key)
{
	bool found = false;
	for (int i = 0; i < patterns->count; i++) {
		fb_pattern *one = &patterns->pattern[i];
		if (!fnmatch(one->text, strchr(one->text, '.') ? key : node, 0)) {
			one->used = found = true;
		}
	}
	return found;
}

const char *fb_patterns_unused(const fb_patterns *patterns)
{
	for (int i = 0; i < patterns->count; i++) {
		if (!patterns->pattern[i].used) {
			return patterns->pattern[i].text;
		}
	}
	return NULL;
}
