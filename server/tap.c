/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tap.h"

#include "meters.h"

#include <libwebsockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS_MAX = 64, FRAME_BYTES = 2 * sizeof(float) };

struct fb_tap {
	fb_server *server;
	struct lws *wsi;
	fb_listener *listener;
	bool greeted;
	fb_tap *next;
	unsigned char packet[LWS_PRE + 8 + TICKS_MAX * FB_TICK * FRAME_BYTES];
};

bool fb_tap_path(
	const fb_server *server, const char *path, const char *query, uint32_t *station, bool *output)
{
	int end = 0;
	unsigned n = 0;
	if (sscanf(path, "/api/stations/%u/audio-tap%n", &n, &end) != 1 || !end || path[end] || n < 1 ||
		n > server->n_channels) {
		return false;
	}
	*station = n - 1;
	*output = strcmp(query, "point=in") != 0;
	return *output ? !*query || !strcmp(query, "point=out") : true;
}

static void close_tap(void *ctx)
{
	fb_tap *tap = ctx;
	for (fb_tap **at = &tap->server->taps; *at; at = &(*at)->next) {
		if (*at == tap) {
			*at = tap->next;
			break;
		}
	}
	tap->server->taps_dropped += fb_ring_lost(tap->listener->ring) > 0;
	fb_meters_unlisten(tap->server->meters, tap->listener);
	free(tap);
}

static int greet(fb_tap *tap)
{
	char *text = (char *)tap->packet + LWS_PRE;
	int len = snprintf(text, 256,
		"{\"station_id\":%u,\"point\":\"%s\",\"sample_rate\":%g,\"channels\":2,\"format\":"
		"\"f32le\"}",
		tap->listener->station + 1, tap->listener->output ? "out" : "in",
		fb_engine_rate(tap->server->engine));
	tap->greeted = true;
	return lws_write(tap->wsi, (unsigned char *)text, (size_t)len, LWS_WRITE_TEXT) < 0;
}

/** One binary frame of as many ticks in a row as there are and fit. */
static size_t pack(fb_tap *tap)
{
	unsigned char *data = tap->packet + LWS_PRE;
	const fb_listener_block *block;
	uint64_t first = 0;
	size_t n = 0;
	while (n < TICKS_MAX && (block = fb_ring_peek(tap->listener->ring)) &&
		   (!n || block->frame == first + n * FB_TICK)) {
		if (!n) {
			first = block->frame;
			memcpy(data, &first, 8);
		}
		memcpy(data + 8 + n * sizeof block->samples, block->samples, sizeof block->samples);
		fb_ring_drop(tap->listener->ring);
		n++;
	}
	return n ? 8 + n * sizeof block->samples : 0;
}

static int write_tap(void *ctx)
{
	fb_tap *tap = ctx;
	if (!tap->greeted) {
		return greet(tap);
	}
	if (fb_ring_lost(tap->listener->ring)) {
		return -1;
	}
	size_t len = pack(tap);
	return len && lws_write(tap->wsi, tap->packet + LWS_PRE, len, LWS_WRITE_BINARY) < 0;
}

int fb_tap_open(fb_request *request, struct lws *wsi, uint32_t station, bool output)
{
	static const fb_stream_ops ops = {.write = write_tap, .close = close_tap};
	fb_server *server = request->http->server;
	fb_tap *tap = calloc(1, sizeof *tap);
	if (!tap) {
		return 503;
	}
	tap->server = server;
	tap->wsi = wsi;
	tap->listener = fb_meters_listen(server->meters, station, output, tap);
	if (!tap->listener) {
		free(tap);
		return 503;
	}
	tap->next = server->taps;
	server->taps = tap;
	request->stream = &ops;
	request->stream_ctx = tap;
	lws_callback_on_writable(wsi);
	return 0;
}

void fb_taps_service(fb_server *server)
{
	for (fb_tap *tap = server->taps; tap; tap = tap->next) {
		if (fb_ring_lost(tap->listener->ring)) {
			/* its socket may never take data again: end it from here; its closing counts it */
			lws_set_timeout(tap->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
		} else if (fb_ring_count(tap->listener->ring)) {
			lws_callback_on_writable(tap->wsi);
		}
	}
}

void fb_taps_end(fb_server *server)
{
	for (fb_tap *tap = server->taps; tap; tap = tap->next) {
		lws_set_timeout(tap->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	}
}
