/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a model's server answered: from the body of a chat completion to the model's own text. All
	of it is data from outside. */
#ifndef FB_REPLY_H
#define FB_REPLY_H

enum { FB_FAULT_MAX = 320 };

typedef struct fb_reply {
	char *text;                   ///< what the model wrote; NULL: nothing that is of use
	char fault[FB_FAULT_MAX];     ///< why not, printable
	double tokens_in, tokens_out; ///< as the server counts them; < 0: it does not say
} fb_reply;

/** Read a body. Everything that may be wrong with it ends in `fault`. */
void fb_reply_read(fb_reply *reply, const char *body);
void fb_reply_finish(fb_reply *reply);

#endif
