/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of the audio's way in and out: driver, JACK, transport, xruns. */
#include "server.h"

#include <stdio.h>
#include <time.h>

static fb_driver_state now(const fb_server *server)
{
	fb_driver_state state;
	server->driver->ops->state(server->driver, &state);
	return state;
}

static const char *link_text(const fb_server *server)
{
	fb_driver_state state = now(server);
	return !server->driver->ops->returned ? "none" : state.running ? "running" : "waiting";
}

/* --- xruns as text: "2026-11-20T21:14:03.125Z 1.3 ms" */

enum { TIME_LEN = 32 };

static void print_time(char text[TIME_LEN], int64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	size_t len = strftime(text, TIME_LEN, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, TIME_LEN - len, ".%03dZ", (int)(time_us / 1000 % 1000));
}

static fb_value xrun_time(const fb_server *server)
{
	static char text[TIME_LEN]; /* control's alone, as every value that a leaf lends */
	text[0] = '\0';
	if (server->audio.xruns) {
		print_time(text, server->audio.xrun[0].time_us);
	}
	return fb_text_value(text);
}

static fb_value xrun_last(const fb_server *server)
{
	enum { KEPT = sizeof server->audio.xrun / sizeof *server->audio.xrun };
	static char text[KEPT * (TIME_LEN + 16)];
	size_t len = 0;
	text[0] = '\0';
	for (uint64_t i = 0; i < KEPT && i < server->audio.xruns; i++) {
		char when[TIME_LEN];
		print_time(when, server->audio.xrun[i].time_us);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %.1f ms", i ? ", " : "", when,
			server->audio.xrun[i].late_ms);
		if (len >= sizeof text) {
			break;
		}
	}
	return fb_text_value(text);
}

/* --- the table */

FB_GETTER(fb_server, get_driver, fb_text_value(self->driver->kind))
FB_GETTER(fb_server, get_running, fb_bool_value(now(self).running))
FB_GETTER(fb_server, get_rate, fb_float_value(fb_engine_rate(self->engine)))
FB_GETTER(fb_server, get_period, fb_int_value(now(self).period))
FB_GETTER(fb_server, get_load, fb_float_value(now(self).dsp_load))
FB_GETTER(fb_server, get_freewheel, fb_bool_value(now(self).freewheel))
FB_GETTER(fb_server, get_jack, fb_text_value(link_text(self)))
FB_GETTER(fb_server, get_connections, fb_int_value(now(self).connections))
FB_GETTER(fb_server, get_missing, fb_int_value(now(self).missing))
FB_GETTER(fb_server, get_restore, fb_bool_value(now(self).restore))
FB_GETTER(fb_server, get_rolling, fb_bool_value(now(self).rolling))
FB_GETTER(fb_server, get_bpm, fb_float_value(now(self).bpm))
FB_GETTER(fb_server, get_xruns, fb_int_value(self->audio.xruns + fb_ring_lost(self->driver->xruns)))
FB_GETTER(fb_server, get_xrun_time, xrun_time(self))
FB_GETTER(fb_server, get_xrun_frame, fb_float_value((double)self->audio.xrun[0].frame))
FB_GETTER(fb_server, get_xrun_late, fb_float_value(self->audio.xrun[0].late_ms))
FB_GETTER(fb_server, get_xrun_last, xrun_last(self))

static fb_status set_restore(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	fb_driver *driver = ((fb_server *)ctx)->driver;
	if (!driver->ops->set_restore) {
		return fb_fail(error, FB_UNAVAILABLE, "/server/jack/restore", "there is no JACK");
	}
	driver->ops->set_restore(driver, value->tag == 'T');
	return FB_OK;
}

static fb_status call_forget(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)origin, (void)answer;
	fb_driver *driver = ((fb_server *)ctx)->driver;
	if (!driver->ops->forget) {
		return fb_fail(error, FB_UNAVAILABLE, "/server/jack/forget", "there is no JACK");
	}
	driver->ops->forget(driver);
	return FB_OK;
}

static bool has_tempo(void *ctx, uint32_t index)
{
	(void)index;
	return now(ctx).bpm > 0.0;
}

static bool has_xrun(void *ctx, uint32_t index)
{
	(void)index;
	return ((const fb_server *)ctx)->audio.xruns > 0;
}

static const fb_leaf_row leaves[] = {
	FB_ROW("/server/driver", .kind = FB_LEAF_TEXT, .label = "Driver", .doc = "jack or dummy.",
		.ops = FB_OPS(.get = get_driver)),
	FB_ROW("/server/running", .kind = FB_LEAF_BOOL, .label = "Audio runs",
		.doc = "False while there is no JACK server.", .max = 1, .alarm = FB_ALARM_WRONG,
		.ops = FB_OPS(.get = get_running)),
	FB_ROW("/server/sample_rate", .kind = FB_LEAF_FLOAT, .label = "Sample rate", .unit = "Hz",
		.doc = "Of the audio.", .max = 192000, .ops = FB_OPS(.get = get_rate)),
	FB_ROW("/server/period", .kind = FB_LEAF_INT, .label = "Period", .unit = "frames",
		.doc = "Frames the driver asks for at once.", .max = 8192,
		.ops = FB_OPS(.get = get_period)),
	FB_ROW("/server/dsp_load", .kind = FB_LEAF_FLOAT, .label = "DSP load", .unit = "%",
		.doc = "Share of a period that processing takes.", .max = 100, .meter = true,
		.ops = FB_OPS(.get = get_load)),
	FB_ROW("/server/freewheel", .kind = FB_LEAF_BOOL, .label = "Freewheel",
		.doc = "JACK runs as fast as it can, for a bounce.", .max = 1,
		.ops = FB_OPS(.get = get_freewheel)),
	FB_ROW("/server/jack", .kind = FB_LEAF_TEXT, .label = "JACK",
		.doc = "running, waiting for a JACK server, or none with another driver.",
		.ops = FB_OPS(.get = get_jack)),
	FB_ROW("/server/jack/connections", .kind = FB_LEAF_INT, .label = "Connections",
		.doc = "Of foldback's ports.", .max = 65536, .ops = FB_OPS(.get = get_connections)),
	FB_ROW("/server/jack/missing", .kind = FB_LEAF_INT, .label = "Missing connections",
		.doc = "Remembered, and made when their other end comes back.", .max = 65536,
		.ops = FB_OPS(.get = get_missing)),
	FB_ROW("/server/jack/restore", .kind = FB_LEAF_BOOL, .label = "Restore connections",
		.doc = "Keep connections for when their other end comes back, and for the next start.",
		.max = 1, .ops = FB_OPS(.get = get_restore, .set = set_restore)),
	FB_ROW("/server/jack/forget", .kind = FB_LEAF_COMMAND, .label = "Forget connections",
		.doc = "Forget the missing connections.", .ops = FB_OPS(.call = call_forget)),
	FB_ROW("/server/transport/rolling", .kind = FB_LEAF_BOOL, .label = "Transport rolls",
		.doc = "JACK's transport.", .max = 1, .ops = FB_OPS(.get = get_rolling)),
	FB_ROW("/server/transport/bpm", .kind = FB_LEAF_FLOAT, .label = "Tempo", .unit = "bpm",
		.doc = "Of JACK's transport; invalid while nobody gives one.", .max = 10000,
		.ops = FB_OPS(.get = get_bpm, .valid = has_tempo)),
	FB_ROW("/server/xruns", .kind = FB_LEAF_INT, .label = "Xruns",
		.doc = "Periods that came too late, since start.", .max = 1e9, .meter = true,
		.counter = true, .alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_xruns)),
	FB_ROW("/server/xrun/time", .kind = FB_LEAF_TEXT, .label = "Last xrun",
		.doc = "When, in UTC; empty: there was none.", .ops = FB_OPS(.get = get_xrun_time)),
	FB_ROW("/server/xrun/frame", .kind = FB_LEAF_FLOAT, .label = "Frame of the last xrun",
		.unit = "frames", .doc = "As /server/frame.", .max = 1e15,
		.ops = FB_OPS(.get = get_xrun_frame, .valid = has_xrun)),
	FB_ROW("/server/xrun/late", .kind = FB_LEAF_FLOAT, .label = "Lateness of the last xrun",
		.unit = "ms", .doc = "How late the period was; 0 where JACK does not tell.", .max = 1e6,
		.ops = FB_OPS(.get = get_xrun_late, .valid = has_xrun)),
	FB_ROW("/server/xrun/last", .kind = FB_LEAF_TEXT, .label = "Last xruns",
		.doc = "Time and lateness of the last eight, the newest first.",
		.ops = FB_OPS(.get = get_xrun_last)),
};

fb_status fb_audio_add_leaves(fb_server *server, fb_error *error)
{
	return fb_leaves_add(server->tree, "", FB_ROWS(leaves), server, error);
}
