/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Command lines: one table of options is parsed and printed as help, so that the two agree.

	Options are --name, --name VALUE, --name=VALUE and, where there is one, -l; all else are words,
	negative numbers too. What follows "--" are words. Options may stand anywhere. */
#ifndef FB_ARGS_H
#define FB_ARGS_H

#include "../../graph/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum fb_arg_kind {
	FB_ARG_FLAG,  ///< bool
	FB_ARG_TEXT,  ///< const char *
	FB_ARG_INT,   ///< long, min..max
	FB_ARG_FLOAT, ///< double, min..max
	FB_ARG_LIST,  ///< fb_arg_list: may be given again and again
} fb_arg_kind;

enum { FB_ARG_LIST_MAX = 256 };

typedef struct fb_arg_list {
	const char *item[FB_ARG_LIST_MAX]; ///< borrowed from the command line
	size_t count;
} fb_arg_list;

typedef struct fb_arg {
	const char *name;  ///< without its dashes; NULL ends a table
	const char *value; ///< what its value is called in the help, NULL for a flag
	const char *doc;
	fb_arg_kind kind;
	char letter;     ///< short form, 0 if none
	void *target;    ///< what `kind` says; keeps its value when the option is not given
	double min, max; ///< FB_ARG_INT and FB_ARG_FLOAT
} fb_arg;

/** Take the options of these tables (NULL at the end of the list) out of words[*count]; the words
	stay, in order. errors: FB_INVALID, `where` naming the option */
FB_MUST_CHECK fb_status fb_args_read(
	const fb_arg *const *tables, int *count, char **words, fb_error *error);

/** A table as help. */
void fb_args_help(const fb_arg *table, FILE *to);

/** A finite number within min..max from the whole of a text. */
bool fb_args_number(const char *text, double min, double max, double *out);

#endif
