/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "markdown.h"

#include <string.h>

void fb_markdown_put(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<>*_`[\\", *text)) {
			fputc('\\', to);
		}
		fputc(*text == '\n' ? ' ' : *text, to);
	}
}
