/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DOC_COLUMN = 26 };

bool fb_args_number(const char *text, double min, double max, double *out)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || value < min || value > max) {
		return false;
	}
	*out = value;
	return true;
}

static fb_status take(const fb_arg *arg, const char *given, const char *value, fb_error *error)
{
	double number = 0.0;
	fb_arg_list *list = arg->target;
	switch (arg->kind) {
	case FB_ARG_FLAG:
		*(bool *)arg->target = true;
		return FB_OK;
	case FB_ARG_TEXT:
		*(const char **)arg->target = value;
		return FB_OK;
	case FB_ARG_LIST:
		if (list->count == FB_ARG_LIST_MAX) {
			return fb_fail(error, FB_INVALID, given, "may be given %d times", FB_ARG_LIST_MAX);
		}
		list->item[list->count++] = value;
		return FB_OK;
	default:
		break;
	}
	bool whole = arg->kind == FB_ARG_INT;
	if (!fb_args_number(value, arg->min, arg->max, &number) || (whole && number != floor(number))) {
		return fb_fail(error, FB_INVALID, given, "\"%s\" is no %snumber from %g to %g", value,
			whole ? "whole " : "", arg->min, arg->max);
	}
	if (whole) {
		*(long *)arg->target = (long)number;
	} else {
		*(double *)arg->target = number;
	}
	return FB_OK;
}

static const fb_arg *find(const fb_arg *const *tables, const char *name, size_t len, char letter)
{
	for (; *tables; tables++) {
		for (const fb_arg *arg = *tables; arg->name; arg++) {
			if (letter ? arg->letter == letter
					   : strlen(arg->name) == len && !strncmp(arg->name, name, len)) {
				return arg;
			}
		}
	}
	return NULL;
}

/** "-" alone and negative numbers are words. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !strchr("0123456789.", word[1]);
}

fb_status fb_args_read(const fb_arg *const *tables, int *count, char **words, fb_error *error)
{
	int kept = 0;
	bool all_words = false;
	for (int i = 0; i < *count; i++) {
		char *word = words[i];
		if (all_words || !is_option(word)) {
			words[kept++] = word;
			continue;
		}
		if (!strcmp(word, "--")) {
			all_words = true;
			continue;
		}
		bool lettered = word[1] != '-';
		const char *name = word + 2, *equals = lettered ? NULL : strchr(name, '=');
		size_t len = equals ? (size_t)(equals - name) : strlen(name);
		const fb_arg *arg =
			lettered && word[2] ? NULL : find(tables, name, len, lettered ? word[1] : '\0');
		if (!arg) {
			return fb_fail(error, FB_INVALID, word, "there is no such option");
		}
		bool wants = arg->kind != FB_ARG_FLAG;
		if (!wants && equals) {
			return fb_fail(error, FB_INVALID, word, "takes no value");
		}
		if (wants && !equals && i + 1 == *count) {
			return fb_fail(error, FB_INVALID, word, "needs a value");
		}
		const char *value = !wants ? NULL : equals ? equals + 1 : words[++i];
		char shown[64];
		snprintf(shown, sizeof shown, lettered ? "-%.*s" : "--%.*s", lettered ? 1 : (int)len,
			lettered ? word + 1 : name);
		fb_status status = take(arg, shown, value, error);
		if (status) {
			return status;
		}
	}
	*count = kept;
	return FB_OK;
}

void fb_args_help(const fb_arg *table, FILE *to)
{
	for (const fb_arg *arg = table; arg->name; arg++) {
		char left[64], letter[8] = "";
		if (arg->letter) {
			snprintf(letter, sizeof letter, "-%c, ", arg->letter);
		}
		snprintf(left, sizeof left, "%s--%s%s%s", letter, arg->name, arg->value ? " " : "",
			arg->value ? arg->value : "");
		fprintf(to, "  %-*s  ", DOC_COLUMN, left);
		for (const char *c = arg->doc; *c; c++) {
			fputc(*c, to);
			if (*c == '\n') {
				fprintf(to, "  %*s  ", DOC_COLUMN, "");
			}
		}
		fputc('\n', to);
	}
}
