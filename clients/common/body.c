/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "body.h"

#include <stdlib.h>
#include <string.h>

bool fb_body_add(fb_body *body, const void *data, size_t len, size_t most)
{
	body->too_large = body->too_large || len > most - body->len;
	char *grown = body->too_large ? NULL : realloc(body->text, body->len + len + 1);
	if (!grown) {
		return false;
	}
	memcpy(grown + body->len, data, len);
	body->text = grown;
	body->len += len;
	body->text[body->len] = '\0';
	return true;
}
