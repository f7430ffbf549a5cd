/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "later.h"

#include "server_private.h"
#include "tree_private.h"

#include <stdio.h>
#include <stdlib.h>

struct fb_later {
	fb_osc_client *client; /* NULL: nobody waits, or who did has gone */
	LIST_ENTRY(fb_later) in_client;
	char address[FB_ADDRESS_MAX + 1];
};

fb_later *fb_later_create(void)
{
	return calloc(1, sizeof(fb_later));
}

void fb_osc_later(fb_osc_client *client, fb_later *later, const char *address)
{
	later->client = client;
	snprintf(later->address, sizeof later->address, "%s", address);
	LIST_INSERT_HEAD(&client->waits, later, in_client);
}

void fb_osc_later_forget(fb_osc_client *client)
{
	fb_later *later;
	while ((later = LIST_FIRST(&client->waits))) {
		LIST_REMOVE(later, in_client);
		later->client = NULL;
	}
}

void fb_later_end(fb_later *take, const char *what, const fb_error *error)
{
	if (take && take->client) {
		fb_value values[3] = {{.tag = 's', .s = take->address},
			{.tag = 's', .s = error ? error->text : what}, {.tag = 's', .s = what}};
		LIST_REMOVE(take, in_client);
		fb_osc_reply(take->client, error ? "/fail" : "/done", values, error ? 3 : 2);
	}
	free(take);
}
