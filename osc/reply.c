/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes back to a client. thread: control */
#include "server_private.h"
#include "tree_private.h"

#include <stdio.h>
#include <string.h>

enum {
	ERRORS_AT_ONCE = 20,
	ERRORS_PER_SECOND = 10,
	FIRST = FB_OSC_BUNDLE_HEAD + FB_OSC_ELEMENT_HEAD, /* where a bundle's first message starts */
};

bool fb_osc_send(fb_osc_client *client, const void *data, size_t size)
{
	fb_osc_stats *stats = &client->osc->stats;
	bool sent = client->transport->send(client->ctx, data, size);
	stats->sent += sent;
	stats->send_failed += !sent;
	return sent;
}

void fb_osc_reply_lost(fb_osc_client *client)
{
	if (client->transport->lost) {
		client->transport->lost(client->ctx);
	}
}

static void send_reply(fb_osc_client *client, const void *data, size_t size)
{
	if (!fb_osc_send(client, data, size)) {
		fb_osc_reply_lost(client);
	}
}

void fb_osc_reply(fb_osc_client *client, const char *address, const fb_value *argv, uint32_t argc)
{
	unsigned char *out = client->osc->out;
	size_t size = fb_osc_encode(out, FB_OSC_PACKET_MAX, address, argv, argc);
	if (size) {
		send_reply(client, out, size);
	}
}

bool fb_osc_reply_error(fb_osc_client *client, const fb_osc_message *message, const fb_error *error)
{
	fb_osc *osc = client->osc;
	double more = (double)(osc->now_us - client->error_time_us) * 1e-6 * ERRORS_PER_SECOND;
	client->error_time_us = osc->now_us;
	client->error_tokens += more;
	if (client->error_tokens > ERRORS_AT_ONCE) {
		client->error_tokens = ERRORS_AT_ONCE;
	}
	if (client->error_tokens < 1.0) {
		osc->stats.errors_withheld++;
		client->withheld++;
		return false;
	}
	client->error_tokens -= 1.0;
	fb_value values[4] = {{.tag = 's', .s = message ? message->address : ""},
		{.tag = 'i', .i = fb_status_code(error->status)}, {.tag = 's', .s = error->text},
		{.tag = 's', .s = message ? message->tags : ""}};
	fb_osc_reply(client, "/error", values, 4);
	return true;
}

void fb_osc_tell_error(fb_osc_client *client, const fb_error *error, int64_t now_us)
{
	client->osc->now_us = now_us;
	fb_osc_message about = {.address = error->where, .tags = ""};
	fb_osc_reply_error(client, &about, error);
}

/** A child's name as it is listed, and its length: with a '/' behind if it has children. */
static size_t listed(const fb_branch *child, char name[FB_ADDRESS_MAX + 2])
{
	const char *slash = fb_branch_first(child) ? "/" : "";
	return (size_t)snprintf(name, FB_ADDRESS_MAX + 2, "%s%s", fb_branch_name(child), slash);
}

/** Strings one after the other, with their type tags: written here and not by fb_osc_encode, for
	there may be thousands. */
typedef struct strings {
	unsigned char *at, *tag;
} strings;

static void put_string(strings *s, const char *text, size_t length)
{
	*s->tag++ = 's';
	memcpy(s->at, text, length);
	s->at += (length / 4 + 1) * 4;
}

bool fb_osc_reply_children(fb_osc_client *client, const char *address, const char *const *first,
	size_t n_first, const fb_branch *branch)
{
	unsigned char *out = client->osc->out;
	char name[FB_ADDRESS_MAX + 2];
	const fb_branch *child = fb_branch_first(branch);
	size_t head = fb_osc_encode(out, FB_OSC_PACKET_MAX, address, NULL, 0) - 4, n = n_first;
	size_t names = 0;
	for (size_t i = 0; i < n_first; i++) {
		names += (strlen(first[i]) / 4 + 1) * 4;
	}
	if (head + (n + 1) / 4 * 4 + 4 + names > FB_OSC_PACKET_MAX) {
		return false;
	}
	for (; child; child = fb_branch_next(child), n++) {
		size_t more = (listed(child, name) / 4 + 1) * 4;
		if (head + (n + 2) / 4 * 4 + 4 + names + more > FB_OSC_PACKET_MAX) {
			break; /* what one packet holds; patterns reach the rest */
		}
		names += more;
	}
	size_t tags_size = ((n + 1) / 4 + 1) * 4;
	strings s = {out + head + tags_size, out + head + 1};
	memset(out + head, 0, tags_size + names);
	out[head] = ',';
	for (size_t i = 0; i < n_first; i++) {
		put_string(&s, first[i], strlen(first[i]));
	}
	child = fb_branch_first(branch);
	for (size_t i = n_first; i < n; i++, child = fb_branch_next(child)) {
		put_string(&s, name, listed(child, name));
	}
	send_reply(client, out, (size_t)(s.at - out));
	return true;
}

/* --- several at once */

void fb_osc_pack_start(fb_osc_pack *pack, fb_osc_client *client)
{
	*pack = (fb_osc_pack){.client = client, .used = FB_OSC_BUNDLE_HEAD};
}

bool fb_osc_pack_add(fb_osc_pack *pack, const fb_branch *leaf)
{
	const fb_osc_client *client = pack->client;
	fb_value value;
	if (pack->count && !client->transport->bundles) {
		return false;
	}
	/* a long text alone may be larger than what is usual */
	size_t limit = pack->count ? client->transport->packet_max : FB_OSC_PACKET_MAX;
	unsigned char *at = client->osc->out + pack->used;
	if (pack->used + FB_OSC_ELEMENT_HEAD > limit) {
		return false;
	}
	fb_tree_get(client->osc->tree, leaf, &value);
	size_t size = fb_osc_encode(at + FB_OSC_ELEMENT_HEAD, limit - pack->used - FB_OSC_ELEMENT_HEAD,
		fb_branch_address(leaf), &value, 1);
	if (size) {
		fb_osc_encode_size(at, (uint32_t)size);
		pack->used += FB_OSC_ELEMENT_HEAD + size;
		pack->count++;
	}
	return size > 0;
}

bool fb_osc_pack_send(fb_osc_pack *pack)
{
	unsigned char *out = pack->client->osc->out;
	bool sent = true;
	if (pack->count == 1) {
		sent = fb_osc_send(pack->client, out + FIRST, pack->used - FIRST);
	} else if (pack->count > 1) {
		fb_osc_encode_bundle_head(out, 1);
		sent = fb_osc_send(pack->client, out, pack->used);
	}
	pack->count = 0;
	pack->used = FB_OSC_BUNDLE_HEAD;
	return sent;
}
