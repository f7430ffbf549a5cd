/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the manual's generated pages share. */
#ifndef FB_CTL_MARKDOWN_H
#define FB_CTL_MARKDOWN_H

#include <stdio.h>

/** Text within a table or a paragraph: what Markdown or HTML would take as its own is escaped. */
void fb_markdown_put(FILE *to, const char *text);

#endif
