/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of the audio's way in and out: driver, JACK, transport, xruns. */
#include "server.h"

#include <stdio.h>
#include <time.h>

static fb_value int_value(uint64_t n)
{
	return (fb_value){.tag = 'i', .i = (int64_t)n};
}

static fb_value float_value(double f)
{
	return (fb_value){.tag = 'f', .f = f};
}

static fb_value bool_value(bool on)
{
	return (fb_value){.tag = on ? 'T' : 'F'};
}

static fb_value text_value(const char *text)
{
	return (fb_value){.tag = 's', .s = text};
}

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
	return text_value(text);
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
	return text_value(text);
}

/* --- the table */

#define GETTER(name, expression)                                                                   \
	static void name(void *ctx, uint32_t index, fb_value *value)                                   \
	{                                                                                              \
		fb_server *server = ctx;                                                                   \
		(void)index;                                                                               \
		*value = (expression);                                                                     \
	}

GETTER(get_driver, text_value(server->driver->kind))
GETTER(get_running, bool_value(now(server).running))
GETTER(get_rate, float_value(fb_engine_rate(server->engine)))
GETTER(get_period, int_value(now(server).period))
GETTER(get_load, float_value(now(server).dsp_load))
GETTER(get_freewheel, bool_value(now(server).freewheel))
GETTER(get_jack, text_value(link_text(server)))
GETTER(get_connections, int_value(now(server).connections))
GETTER(get_missing, int_value(now(server).missing))
GETTER(get_restore, bool_value(now(server).restore))
GETTER(get_rolling, bool_value(now(server).rolling))
GETTER(get_bpm, float_value(now(server).bpm))
GETTER(get_xruns, int_value(server->audio.xruns + fb_ring_lost(server->driver->xruns)))
GETTER(get_xrun_time, xrun_time(server))
GETTER(get_xrun_frame, float_value((double)server->audio.xrun[0].frame))
GETTER(get_xrun_late, float_value(server->audio.xrun[0].late_ms))
GETTER(get_xrun_last, xrun_last(server))

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

enum { PLAIN, COUNTS = 1, ALARMS = 2 };

static const struct {
	const char *address;
	fb_leaf_kind kind;
	const char *label, *unit, *doc;
	double max;
	bool meter;
	fb_leaf_ops ops;
	int is; ///< PLAIN, or what fb_leaf_spec calls it
} leaves[] = {
	{"/server/driver", FB_LEAF_TEXT, "Driver", "", "jack or dummy.", 0, false, {.get = get_driver},
		PLAIN},
	{"/server/running", FB_LEAF_BOOL, "Audio runs", "", "False while there is no JACK server.", 1,
		false, {.get = get_running}, ALARMS},
	{"/server/sample_rate", FB_LEAF_FLOAT, "Sample rate", "Hz", "Of the audio.", 192000, false,
		{.get = get_rate}, PLAIN},
	{"/server/period", FB_LEAF_INT, "Period", "frames", "Frames the driver asks for at once.", 8192,
		false, {.get = get_period}, PLAIN},
	{"/server/dsp_load", FB_LEAF_FLOAT, "DSP load", "%", "Share of a period that processing takes.",
		100, true, {.get = get_load}, PLAIN},
	{"/server/freewheel", FB_LEAF_BOOL, "Freewheel", "",
		"JACK runs as fast as it can, for a bounce.", 1, false, {.get = get_freewheel}, PLAIN},
	{"/server/jack", FB_LEAF_TEXT, "JACK", "",
		"running, waiting for a JACK server, or none with another driver.", 0, false,
		{.get = get_jack}, PLAIN},
	{"/server/jack/connections", FB_LEAF_INT, "Connections", "", "Of foldback's ports.", 65536,
		false, {.get = get_connections}, PLAIN},
	{"/server/jack/missing", FB_LEAF_INT, "Missing connections", "",
		"Remembered, and made when their other end comes back.", 65536, false, {.get = get_missing},
		PLAIN},
	{"/server/jack/restore", FB_LEAF_BOOL, "Restore connections", "",
		"Keep connections for when their other end comes back, and for the next start.", 1, false,
		{.get = get_restore, .set = set_restore}, PLAIN},
	{"/server/jack/forget", FB_LEAF_COMMAND, "Forget connections", "",
		"Forget the missing connections.", 0, false, {.call = call_forget}, PLAIN},
	{"/server/transport/rolling", FB_LEAF_BOOL, "Transport rolls", "", "JACK's transport.", 1,
		false, {.get = get_rolling}, PLAIN},
	{"/server/transport/bpm", FB_LEAF_FLOAT, "Tempo", "bpm",
		"Of JACK's transport; invalid while nobody gives one.", 10000, false,
		{.get = get_bpm, .valid = has_tempo}, PLAIN},
	{"/server/xruns", FB_LEAF_INT, "Xruns", "", "Periods that came too late, since start.", 1e9,
		true, {.get = get_xruns}, COUNTS | ALARMS},
	{"/server/xrun/time", FB_LEAF_TEXT, "Last xrun", "", "When, in UTC; empty: there was none.", 0,
		false, {.get = get_xrun_time}, PLAIN},
	{"/server/xrun/frame", FB_LEAF_FLOAT, "Frame of the last xrun", "frames", "As /server/frame.",
		1e15, false, {.get = get_xrun_frame, .valid = has_xrun}, PLAIN},
	{"/server/xrun/late", FB_LEAF_FLOAT, "Lateness of the last xrun", "ms",
		"How late the period was; 0 where JACK does not tell.", 1e6, false,
		{.get = get_xrun_late, .valid = has_xrun}, PLAIN},
	{"/server/xrun/last", FB_LEAF_TEXT, "Last xruns", "",
		"Time and lateness of the last eight, the newest first.", 0, false, {.get = get_xrun_last},
		PLAIN},
};

fb_status fb_audio_add_leaves(fb_server *server, fb_error *error)
{
	fb_status status = FB_OK;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves && !status; i++) {
		bool command = leaves[i].kind == FB_LEAF_COMMAND;
		fb_leaf_spec spec = {.kind = leaves[i].kind,
			.access = command             ? FB_WRITE
					  : leaves[i].ops.set ? FB_READ_WRITE
										  : FB_READ,
			.label = leaves[i].label,
			.unit = leaves[i].unit,
			.doc = leaves[i].doc,
			.max = leaves[i].max,
			.args = command ? "" : NULL,
			.meter = leaves[i].meter,
			.counter = (leaves[i].is & COUNTS) != 0,
			.alarm = leaves[i].is & ALARMS ? FB_ALARM_WRONG : FB_ALARM_NEVER,
			.ops = &leaves[i].ops,
			.ctx = server};
		status = fb_tree_add(server->tree, leaves[i].address, &spec, error);
	}
	return status;
}
