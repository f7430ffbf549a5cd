/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traffic as text, for whoever finds out why a surface does nothing: /dump. thread: control */
#include "server_private.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum { LINES_PER_SECOND = 200 };

/** May a line be written now? Of a flood only the beginning of each second is. */
static bool room_for_line(fb_osc_dump *dump, int64_t now_us)
{
	if (now_us - dump->second_us >= 1000000) {
		if (dump->left_out) {
			fprintf(
				stderr, "osc: %llu messages were left out\n", (unsigned long long)dump->left_out);
		}
		*dump = (fb_osc_dump){.on = true, .second_us = now_us};
	}
	if (dump->lines == LINES_PER_SECOND) {
		dump->left_out++;
		return false;
	}
	dump->lines++;
	return true;
}

void fb_osc_dump_message(fb_osc *osc, const char *origin, const fb_osc_message *message)
{
	char text[1024] = "";
	size_t n = 0;
	if (!room_for_line(&osc->dump, osc->now_us)) {
		return;
	}
	for (uint32_t i = 0; i < message->argc && n + 2 < sizeof text; i++) {
		const fb_value *value = &message->argv[i];
		bool unclean = value->tag == 's' && !fb_text_is_clean(value->s);
		fb_value shown = unclean ? (fb_value){.tag = 's', .s = "(not text)"} : *value;
		text[n++] = ' ';
		n += fb_value_text(&shown, text + n, sizeof text - n);
	}
	for (char *c = text; *c; c++) { /* a line stays a line */
		*c = *c == '\n' || *c == '\r' ? ' ' : *c;
	}
	bool clean = fb_text_is_clean(message->address) && !strpbrk(message->address, "\r\n");
	fprintf(stderr, "%s: %s %s%s\n", origin, clean ? message->address : "(not text)",
		fb_text_is_clean(message->tags) ? message->tags : "", text);
}
