/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ws.h"

#include "../../osc/command.h"
#include "../../osc/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	MESSAGE_MAX = 65536,     ///< bytes of one message, either way
	OUT_MAX = 32 * 1024,     ///< bytes that may wait for a client; one larger message may alone
	MESSAGES_PER_TICK = 512, ///< taken of all before others than WebSockets have their turn
	FLUSH_US = 1000          ///< not more often
};

/** Before each message that waits. */
typedef struct head {
	uint32_t size;
	uint32_t text;
} head;

typedef struct fb_ws {
	fb_ws_hub *hub;
	struct lws *wsi;
	fb_osc_client *client;
	struct fb_ws *next;
	unsigned char *in; ///< [MESSAGE_MAX]: the message that is coming in
	size_t in_size;
	unsigned char *out; ///< what waits, from out_first on
	size_t out_first, out_size;
	uint32_t credit; ///< messages it may send before the next tick
	bool paused;
	bool reload; ///< it was not told of all edits
} fb_ws;

typedef enum edit_kind { ADDED, REMOVED, CHANGED } edit_kind;

typedef struct edit {
	edit_kind kind;
	char *address;
} edit;

struct fb_ws_hub {
	fb_server *server;
	fb_tree_watcher watcher;
	fb_ws *clients; ///< list
	uint32_t n_clients;
	edit *edits; ///< not yet told
	size_t n_edits, room;
	int64_t flush_us; ///< not before
	bool too_many;    ///< to tell one by one: everything has to be read again
	unsigned char frame[LWS_PRE + MESSAGE_MAX];
};

/* --- what waits for a client */

static bool push(fb_ws *ws, const void *data, size_t size, bool text)
{
	const head h = {(uint32_t)size, text};
	size_t more = sizeof h + size;
	if (size > MESSAGE_MAX || (ws->out_size && ws->out_size + more > OUT_MAX)) {
		return false;
	}
	if (!ws->out_size) {
		ws->out_first = 0;
	} else if (ws->out_first + ws->out_size + more > MESSAGE_MAX + sizeof h) {
		memmove(ws->out, ws->out + ws->out_first, ws->out_size);
		ws->out_first = 0;
	}
	unsigned char *at = ws->out + ws->out_first + ws->out_size;
	memcpy(at, &h, sizeof h);
	memcpy(at + sizeof h, data, size);
	ws->out_size += more;
	lws_callback_on_writable(ws->wsi);
	return true;
}

static int write_ws(void *ctx)
{
	fb_ws *ws = ctx;
	unsigned char *frame = ws->hub->frame + LWS_PRE;
	while (ws->out_size && !lws_send_pipe_choked(ws->wsi)) {
		head h;
		memcpy(&h, ws->out + ws->out_first, sizeof h);
		memcpy(frame, ws->out + ws->out_first + sizeof h, h.size);
		ws->out_first += sizeof h + h.size;
		ws->out_size -= sizeof h + h.size;
		if (lws_write(ws->wsi, frame, h.size, h.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0) {
			return -1;
		}
	}
	if (ws->out_size) {
		lws_callback_on_writable(ws->wsi);
	}
	return 0;
}

static bool send_packet(void *ctx, const void *data, size_t size)
{
	return push(ctx, data, size, false);
}

static fb_account *account(void *ctx, fb_accounts *accounts, int64_t now)
{
	(void)accounts, (void)now;
	return fb_peers_account(((const fb_ws *)ctx)->wsi);
}

static const fb_osc_transport transport = {.send = send_packet,
	.account = account,
	.packet_max = MESSAGE_MAX,
	.bundles = false,
	.reliable = true};

/* --- what a client says */

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

static int take_text(fb_ws *ws)
{
	const fb_server *server = ws->hub->server;
	char token[FB_TOKEN_MAX];
	fb_error error;
	if (fb_oscquery_command(
			server->osc, ws->client, (const char *)ws->in, ws->in_size, token, &error)) {
		fb_osc_tell_error(ws->client, &error, now_us());
	} else if (*token && !fb_is_token(server, token)) {
		lws_close_reason(ws->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
		return -1;
	} else if (*token) {
		fb_osc_client_read_only(ws->client, false);
	}
	return 0;
}

static int take_message(fb_ws *ws, bool text)
{
	int end = 0;
	if (ws->credit && !--ws->credit) {
		ws->paused = true;
		lws_rx_flow_control(ws->wsi, 0);
	}
	if (text) {
		end = take_text(ws);
	} else {
		fb_osc_packet(ws->hub->server->osc, ws->client, ws->in, ws->in_size, now_us());
	}
	ws->in_size = 0;
	return end;
}

static int receive(void *ctx, const void *data, size_t size)
{
	fb_ws *ws = ctx;
	if (size > MESSAGE_MAX - ws->in_size) {
		lws_close_reason(ws->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	if (size) {
		memcpy(ws->in + ws->in_size, data, size);
		ws->in_size += size;
	}
	if (lws_remaining_packet_payload(ws->wsi) || !lws_is_final_fragment(ws->wsi)) {
		return 0;
	}
	int end = take_message(ws, !lws_frame_is_binary(ws->wsi));
	if (now_us() >= ws->hub->flush_us) { /* of a burst, most are sent by the tick */
		fb_osc_flush(ws->hub->server->osc, now_us());
		ws->hub->flush_us = now_us() + FLUSH_US;
	}
	return end;
}

/* --- clients come and go */

static void free_ws(fb_ws *ws)
{
	free(ws->in);
	free(ws->out);
	free(ws);
}

static void close_ws(void *ctx)
{
	fb_ws *ws = ctx;
	fb_ws **at = &ws->hub->clients;
	while (*at != ws) {
		at = &(*at)->next;
	}
	*at = ws->next;
	ws->hub->n_clients--;
	if (ws->hub->server->osc) {
		fb_osc_client_remove(ws->hub->server->osc, ws->client);
	}
	free_ws(ws);
}

int fb_ws_open(fb_request *request, struct lws *wsi)
{
	static const fb_stream_ops ops = {.write = write_ws, .receive = receive, .close = close_ws};
	fb_server *server = request->http->server;
	fb_ws *ws = calloc(1, sizeof *ws);
	if (!ws) {
		return 503;
	}
	fb_keep_fresh(wsi);
	bool may_write = fb_read_peer(wsi, "websocket", request->origin);
	ws->hub = server->ws;
	ws->wsi = wsi;
	ws->credit = 1 + MESSAGES_PER_TICK / FB_WEBSOCKETS_MAX;
	ws->in = malloc(MESSAGE_MAX);
	ws->out = malloc(MESSAGE_MAX + sizeof(head));
	ws->client =
		ws->in && ws->out ? fb_osc_client_add(server->osc, &transport, ws, request->origin) : NULL;
	if (!ws->client) {
		free_ws(ws);
		return 503;
	}
	fb_osc_client_read_only(ws->client, !may_write);
	ws->next = ws->hub->clients;
	ws->hub->clients = ws;
	ws->hub->n_clients++;
	request->stream = &ops;
	request->stream_ctx = ws;
	return 0;
}

/* --- edits */

static void note(fb_ws_hub *hub, edit_kind kind, const char *address, size_t len)
{
	enum { EDITS_MAX = 4096 };
	if (!hub->clients || hub->too_many) {
		return;
	}
	if (hub->n_edits == hub->room) {
		size_t room = hub->room ? hub->room * 2 : 64;
		edit *edits = room <= EDITS_MAX ? realloc(hub->edits, room * sizeof *edits) : NULL;
		if (!edits) {
			hub->too_many = true;
			return;
		}
		hub->edits = edits;
		hub->room = room;
	}
	char *copy = strndup(address, len);
	if (copy) {
		hub->edits[hub->n_edits++] = (edit){kind, copy};
	}
	hub->too_many = !copy;
}

/** Is this place below one that came or went just now? Then that one tells of it. */
static bool is_told(const fb_ws_hub *hub, edit_kind kind, const char *address)
{
	for (size_t i = hub->n_edits; i--;) {
		const edit *e = &hub->edits[i];
		size_t len = strlen(e->address);
		if (e->kind == kind && !strncmp(e->address, address, len) && address[len] == '/') {
			return true;
		}
		if (e->kind != kind) {
			return false;
		}
	}
	return false;
}

static void on_added(void *ctx, fb_branch *branch)
{
	const char *address = fb_branch_address(branch);
	if (!is_told(ctx, ADDED, address)) {
		note(ctx, ADDED, address, strlen(address));
	}
}

static void on_removing(void *ctx, fb_branch *branch)
{
	const char *address = fb_branch_address(branch);
	if (!is_told(ctx, REMOVED, address)) {
		note(ctx, REMOVED, address, strlen(address));
	}
}

/** The places that have to be read again: the parents of what came and went, each once. */
static void note_changed(fb_ws_hub *hub)
{
	size_t n = hub->n_edits;
	for (size_t i = 0; i < n; i++) {
		const char *address = hub->edits[i].address;
		size_t len = (size_t)(strrchr(address, '/') - address);
		bool noted = false;
		for (size_t k = n; k < hub->n_edits && !noted; k++) {
			noted = strlen(hub->edits[k].address) == (len ? len : 1) &&
					!strncmp(hub->edits[k].address, address, len ? len : 1);
		}
		if (!noted) {
			note(hub, CHANGED, address, len ? len : 1);
		}
	}
}

static bool tell(fb_ws *ws, edit_kind kind, const char *address)
{
	static const char *const names[] = {"PATH_ADDED", "PATH_REMOVED", "PATH_CHANGED"};
	fb_json json = {0};
	size_t size = 0;
	fb_json_open(&json, '{');
	fb_json_key(&json, "COMMAND");
	fb_json_string(&json, names[kind]);
	fb_json_key(&json, "DATA");
	fb_json_string(&json, address);
	fb_json_close(&json, '}');
	char *text = fb_json_finish(&json, &size);
	bool told = text && push(ws, text, size, true);
	free(text);
	return told;
}

static void tell_edits(fb_ws *ws)
{
	const fb_ws_hub *hub = ws->hub;
	for (size_t i = 0; i < hub->n_edits && !hub->too_many && !ws->reload; i++) {
		ws->reload = !tell(ws, hub->edits[i].kind, hub->edits[i].address);
	}
	ws->reload = ws->reload || hub->too_many;
	if (ws->reload) {
		ws->reload = !tell(ws, CHANGED, "/");
	}
}

void fb_ws_service(fb_server *server)
{
	fb_ws_hub *hub = server->ws;
	note_changed(hub);
	for (fb_ws *ws = hub->clients; ws; ws = ws->next) {
		tell_edits(ws);
		ws->credit = 1 + MESSAGES_PER_TICK / hub->n_clients;
		if (ws->paused) {
			ws->paused = false;
			lws_rx_flow_control(ws->wsi, 1);
		}
	}
	while (hub->n_edits) {
		free(hub->edits[--hub->n_edits].address);
	}
	hub->too_many = false;
}

fb_status fb_ws_start(fb_server *server, fb_error *error)
{
	fb_ws_hub *hub = calloc(1, sizeof *hub);
	if (hub) {
		hub->server = server;
		hub->watcher = (fb_tree_watcher){.ctx = hub, .added = on_added, .removing = on_removing};
	}
	if (!hub || fb_tree_watch(server->tree, &hub->watcher)) {
		free(hub);
		return fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	}
	server->ws = hub;
	return FB_OK;
}

void fb_ws_stop(fb_server *server)
{
	fb_ws_hub *hub = server->ws;
	if (hub) {
		fb_tree_unwatch(server->tree, &hub->watcher);
		while (hub->n_edits) {
			free(hub->edits[--hub->n_edits].address);
		}
		free(hub->edits);
		free(hub);
	}
}
