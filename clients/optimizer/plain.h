/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Text from outside, made fit to be shown. */
#ifndef FB_PLAIN_H
#define FB_PLAIN_H

#include <stddef.h>

/** Copy as one line of printable UTF-8: white space becomes a space; control characters, broken
	UTF-8, and marks that hide text or turn its direction become '?'. Cut where it is too long,
	never within a character.
	range: size > 0 */
void fb_plain(char *out, size_t size, const char *text);

/** Overwrite every occurrence of a secret with '*', also where its characters are spelled as
	escapes of JSON (\\u0073), in a text within a text or not.
	range: secret: NULL or "" for none */
void fb_plain_hide(char *text, const char *secret);

#endif
