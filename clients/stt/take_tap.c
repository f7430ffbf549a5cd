/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Recording from a server's audio tap: a WebSocket that sends a JSON header, then packets of an
	8-byte frame number and interleaved floats. */
#include "take.h"

#include <jansson.h>
#include <libwebsockets.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_MAX = 1 << 20, CHANNELS_MAX = 64, SLACK_S = 10, TICK_US = 100000 };

typedef struct recording {
	const fb_take_tap *tap;
	double seconds, rate_hz;
	size_t channels; ///< 0: the header has not come
	float *mono;
	size_t want, n;
	uint64_t first; ///< frame number of mono[0]
	unsigned char *packet;
	size_t len;
	int ticks; ///< tenths of a second since the start
	bool ended;
	fb_status status; ///< why it ended early
	fb_error *error;
	struct lws_context *context;
	lws_sorted_usec_list_t timer;
} recording;

static int end(recording *rec, fb_status status, const char *text)
{
	if (!rec->ended) {
		char where[256];
		snprintf(where, sizeof where, "%s:%d, station %d", rec->tap->host, rec->tap->http_port,
			rec->tap->station);
		rec->status = status ? fb_fail(rec->error, status, where, "%s", text) : FB_OK;
		rec->ended = true;
	}
	return -1;
}

static int read_header(recording *rec)
{
	json_t *header = json_loadb((const char *)rec->packet, rec->len, 0, NULL);
	double rate_hz = json_number_value(json_object_get(header, "sample_rate"));
	json_int_t channels = json_integer_value(json_object_get(header, "channels"));
	const char *format = json_string_value(json_object_get(header, "format"));
	bool good = format && !strcmp(format, "f32le") && rate_hz >= 1000.0 && rate_hz <= 1e6 &&
				channels >= 1 && channels <= CHANNELS_MAX;
	json_decref(header);
	if (!good) {
		return end(rec, FB_IO, "the tap does not begin with a header that is known here");
	}
	rec->rate_hz = rate_hz;
	rec->channels = (size_t)channels;
	rec->want = (size_t)ceil(rec->seconds * rate_hz);
	rec->mono = malloc(rec->want * sizeof *rec->mono);
	return rec->mono ? 0 : end(rec, FB_NO_MEMORY, "out of memory");
}

static float mean_of(const unsigned char *frame, size_t channels)
{
	float sum = 0.0f;
	for (size_t c = 0; c < channels; c++) {
		float x;
		memcpy(&x, frame + c * sizeof x, sizeof x);
		sum += isfinite(x) ? x : 0.0f;
	}
	return sum / (float)channels;
}

static int read_audio(recording *rec)
{
	size_t size = rec->channels * sizeof(float);
	uint64_t frame = 0;
	if (!size || rec->len < 8 || (rec->len - 8) % size) {
		return end(rec, FB_IO, "the tap sent a packet that is none");
	}
	for (int i = 7; i >= 0; i--) {
		frame = frame << 8 | rec->packet[i];
	}
	if (!rec->n || frame != rec->first + rec->n) {
		rec->first = frame;
		rec->n = 0;
	}
	const unsigned char *at = rec->packet + 8;
	for (size_t left = (rec->len - 8) / size; left && rec->n < rec->want; left--, at += size) {
		rec->mono[rec->n++] = mean_of(at, rec->channels);
	}
	return rec->n == rec->want ? end(rec, FB_OK, "") : 0;
}

/** A piece of a packet. */
static int receive(recording *rec, struct lws *wsi, const void *in, size_t len)
{
	if (lws_is_first_fragment(wsi)) {
		rec->len = 0;
	}
	if (len > PACKET_MAX - rec->len) {
		return end(rec, FB_IO, "the tap sent a packet that is too large");
	}
	memcpy(rec->packet + rec->len, in, len);
	rec->len += len;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) {
		return 0;
	}
	return lws_frame_is_binary(wsi) ? read_audio(rec) : rec->channels ? 0 : read_header(rec);
}

static int on_tap(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	recording *rec = lws_context_user(lws_get_context(wsi));
	(void)user;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		return end(rec, FB_UNAVAILABLE, "there is no audio tap to listen to");
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return rec->ended ? -1 : receive(rec, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CLOSED:
		end(rec, FB_UNAVAILABLE, "the tap ended before the take was whole");
		return 0;
	default:
		return 0;
	}
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
	recording *rec = lws_container_of(timer, recording, timer);
	if (!rec->tap->go_on()) {
		end(rec, FB_UNAVAILABLE, "given up");
	} else if (++rec->ticks > (int)((rec->seconds + SLACK_S) * 1e6 / TICK_US)) {
		end(rec, FB_UNAVAILABLE, "the tap sends nothing, or not in time");
	} else {
		lws_sul_schedule(rec->context, 0, timer, on_timer, TICK_US);
	}
}

static void run(recording *rec)
{
	static const struct lws_protocols protocols[] = {
		{"tap", on_tap, 0, 0, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .user = rec};
	char path[96], host[300];
	snprintf(path, sizeof path, "/api/stations/%d/audio-tap?point=%s", rec->tap->station,
		rec->tap->point);
	snprintf(host, sizeof host, "%s:%d", rec->tap->host, rec->tap->http_port);
	lws_set_log_level(0, NULL);
	rec->context = lws_create_context(&info);
	if (!rec->context) {
		end(rec, FB_NO_MEMORY, "no WebSocket can be opened");
		return;
	}
	struct lws_client_connect_info to = {.context = rec->context,
		.address = rec->tap->host,
		.port = rec->tap->http_port,
		.path = path,
		.host = host,
		.local_protocol_name = "tap"};
	lws_sul_schedule(rec->context, 0, &rec->timer, on_timer, TICK_US);
	if (!lws_client_connect_via_info(&to)) {
		end(rec, FB_UNAVAILABLE, "there is no audio tap to listen to");
	}
	while (!rec->ended && lws_service(rec->context, 0) >= 0) {
	}
	end(rec, FB_IO, "the WebSocket broke");
	lws_context_destroy(rec->context);
}

fb_status fb_take_tap_record(const fb_take_tap *tap, double seconds, fb_take *take, fb_error *error)
{
	recording rec = {.tap = tap, .seconds = seconds, .error = error};
	rec.packet = malloc(PACKET_MAX);
	if (!rec.packet) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	run(&rec);
	free(rec.packet);
	fb_status status = rec.status;
	if (!status) {
		*take = (fb_take){.start_s = (double)rec.first / rec.rate_hz};
		status = fb_take_make(rec.mono, rec.n, rec.rate_hz, take, error);
	}
	free(rec.mono);
	return status;
}
