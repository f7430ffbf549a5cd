/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of the server itself: what it is, how it does. */
#include "announce.h"
#include "http.h"
#include "meters.h"
#include "server.h"

#include <malloc.h>
#include <stdio.h>

static fb_engine_counts engine_counts(const fb_server *server)
{
	fb_engine_counts counts;
	fb_engine_count(server->engine, &counts);
	return counts;
}

static fb_store_status store_status(fb_server *server)
{
	fb_store_status status;
	fb_store_health(server->store, &status);
	return status;
}

/** All arenas, and what is mapped for large blocks: what this program asked for and has not freed,
	whatever the allocator keeps beside it. */
static uint64_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static uint64_t taps_lost(const fb_server *server)
{
	uint64_t lost = 0;
	for (uint32_t i = 0; i < server->n_channels; i++) {
		lost += fb_meters_lost(server->meters, i);
	}
	return lost;
}

static fb_http_stats http_stats(const fb_server *server)
{
	fb_http_stats stats = {0};
	if (server->http) {
		fb_http_get_stats(server->http, &stats);
	}
	return stats;
}

static fb_osc_stats osc_stats(const fb_server *server)
{
	fb_osc_stats stats;
	fb_osc_get_stats(server->osc, &stats);
	return stats;
}

static fb_value announced(const fb_server *server)
{
	static char name[64]; /* borrowed by the reader until the next call; one thread reads */
	fb_announce_name(server->announce, name, sizeof name);
	return fb_text_value(name);
}

FB_GETTER(fb_server, get_announced, announced(self))
FB_GETTER(fb_server, get_version, fb_text_value(FB_VERSION))
FB_GETTER(fb_server, get_stations, fb_int_value(self->n_channels))
FB_GETTER(fb_server, get_uptime, fb_float_value(fb_now_s() - self->started_s))
FB_GETTER(fb_server, get_start, fb_float_value(self->start_ms))
FB_GETTER(fb_server, get_heap, fb_int_value(heap_bytes()))
FB_GETTER(fb_server, get_heartbeat, fb_int_value((uint64_t)(fb_now_s() - self->started_s)))
FB_GETTER(fb_server, get_frame, fb_float_value((double)fb_engine_frame(self->engine)))
FB_GETTER(fb_server, get_late, fb_int_value(engine_counts(self).events_late))
FB_GETTER(fb_server, get_latest,
	fb_float_value(1e3 * (double)engine_counts(self).latest / fb_engine_rate(self->engine)))
FB_GETTER(fb_server, get_threads, fb_int_value(self->options.threads))
FB_GETTER(fb_server, get_absences, fb_int_value(engine_counts(self).absences))
FB_GETTER(fb_server, get_replies, fb_int_value(engine_counts(self).replies_lost))
FB_GETTER(fb_server, get_lost, fb_int_value(engine_counts(self).events_lost))
FB_GETTER(fb_server, get_orphans, fb_int_value(engine_counts(self).events_orphan))
FB_GETTER(fb_server, get_bad, fb_int_value(engine_counts(self).bad_samples))
FB_GETTER(fb_server, get_faults, fb_int_value(engine_counts(self).faults))
FB_GETTER(fb_server, get_taps_lost, fb_int_value(taps_lost(self)))
FB_GETTER(fb_server, get_dropped, fb_int_value(self->taps_dropped))
FB_GETTER(fb_server, get_recording, fb_bool_value(store_status(self).recording))
FB_GETTER(fb_server, get_rows, fb_int_value(store_status(self).rows))
FB_GETTER(fb_server, get_unkept, fb_int_value(store_status(self).lost))
FB_GETTER(fb_server, get_http_connections, fb_int_value(http_stats(self).connections))
FB_GETTER(fb_server, get_http_waiting, fb_int_value(http_stats(self).waiting))
FB_GETTER(fb_server, get_http_refused, fb_int_value(http_stats(self).refused))
FB_GETTER(fb_server, get_http_dropped, fb_int_value(http_stats(self).dropped))
FB_GETTER(fb_server, get_osc_clients, fb_int_value(osc_stats(self).clients))
FB_GETTER(fb_server, get_osc_connections, fb_int_value(osc_stats(self).connections))
FB_GETTER(fb_server, get_osc_subscriptions, fb_int_value(osc_stats(self).subscriptions))
FB_GETTER(fb_server, get_osc_messages, fb_int_value(osc_stats(self).messages))
FB_GETTER(fb_server, get_osc_refused, fb_int_value(osc_stats(self).refused))
FB_GETTER(fb_server, get_osc_malformed, fb_int_value(osc_stats(self).malformed))
FB_GETTER(fb_server, get_osc_dropped, fb_int_value(osc_stats(self).dropped))
FB_GETTER(fb_server, get_osc_lost, fb_int_value(osc_stats(self).lost))

static const fb_leaf_row leaves[] = {
	FB_ROW("/server/version", .kind = FB_LEAF_TEXT, .label = "Version", .doc = "Of foldbackd.",
		.ops = FB_OPS(.get = get_version)),
	FB_ROW("/server/announced", .kind = FB_LEAF_TEXT, .label = "Announced as",
		.doc = "The name on the local network (mDNS); empty while there is none.",
		.ops = FB_OPS(.get = get_announced)),
	FB_ROW("/server/stations", .kind = FB_LEAF_INT, .label = "Stations",
		.doc = "How many there are.", .max = FB_STATIONS_MAX, .ops = FB_OPS(.get = get_stations)),
	FB_ROW("/server/threads", .kind = FB_LEAF_INT, .label = "Threads", .doc = "That run stations.",
		.max = FB_THREADS_MAX, .ops = FB_OPS(.get = get_threads)),
	FB_ROW("/server/threads/late", .kind = FB_LEAF_INT, .label = "Late threads",
		.doc = "Times a station was silent because the thread that had it did not come in time.",
		.max = 1e15, .meter = true, .counter = true, .alarm = FB_ALARM_WRONG,
		.ops = FB_OPS(.get = get_absences)),
	FB_ROW("/server/events/replies_late", .kind = FB_LEAF_INT, .label = "Late replies",
		.doc = "Times an edit's old plan had to wait for room on its way back.", .max = 1e15,
		.meter = true, .counter = true, .ops = FB_OPS(.get = get_replies)),
	FB_ROW("/server/start", .kind = FB_LEAF_FLOAT, .label = "Start", .unit = "ms",
		.doc =
			"From JACK's answer (without JACK: from the program's start) to when it could be used.",
		.max = 1e9, .ops = FB_OPS(.get = get_start)),
	FB_ROW("/server/uptime", .kind = FB_LEAF_FLOAT, .label = "Uptime", .unit = "s",
		.doc = "Since start.", .max = 1e9, .meter = true, .ops = FB_OPS(.get = get_uptime)),
	FB_ROW("/server/heap", .kind = FB_LEAF_INT, .label = "Heap", .unit = "bytes",
		.doc = "Memory in use.", .max = 1e12, .meter = true, .ops = FB_OPS(.get = get_heap)),
	FB_ROW("/server/heartbeat", .kind = FB_LEAF_INT, .label = "Heartbeat", .unit = "s",
		.doc = "Counts the seconds: a surface that subscribes to it knows that foldback lives.",
		.max = 1e9, .meter = true, .ops = FB_OPS(.get = get_heartbeat)),
	FB_ROW("/server/frame", .kind = FB_LEAF_FLOAT, .label = "Frame", .unit = "frames",
		.doc = "Frames processed since start.", .max = 1e15, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_frame)),
	FB_ROW("/server/events/late", .kind = FB_LEAF_INT, .label = "Late events",
		.doc = "Arrived after their frame.", .max = 1e9, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_late)),
	FB_ROW("/server/events/worst", .kind = FB_LEAF_FLOAT, .label = "Latest event", .unit = "ms",
		.doc = "How late the latest event came, since /server/cpu/reset.", .max = 1e9,
		.meter = true, .ops = FB_OPS(.get = get_latest)),
	FB_ROW("/server/events/lost", .kind = FB_LEAF_INT, .label = "Events put off",
		.doc = "Found the ring to the audio full and were sent again.", .max = 1e9, .meter = true,
		.counter = true, .ops = FB_OPS(.get = get_lost)),
	FB_ROW("/server/events/orphan", .kind = FB_LEAF_INT, .label = "Orphan events",
		.doc = "Meant a node that had gone when they arrived.", .max = 1e9, .meter = true,
		.counter = true, .ops = FB_OPS(.get = get_orphans)),
	FB_ROW("/server/bad_input", .kind = FB_LEAF_INT, .label = "Bad input", .unit = "ticks",
		.doc = "Ticks of input that held NaN or infinity and were silenced.", .max = 1e9,
		.meter = true, .counter = true, .alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_bad)),
	FB_ROW("/server/faults", .kind = FB_LEAF_INT, .label = "Node faults", .unit = "ticks",
		.doc = "Ticks in which a node yielded NaN or infinity and was reset.", .max = 1e9,
		.meter = true, .counter = true, .alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_faults)),
	FB_ROW("/server/taps_lost", .kind = FB_LEAF_INT, .label = "Taps lost", .unit = "ticks",
		.doc = "Ticks that the meters were too slow to take.", .max = 1e9, .meter = true,
		.counter = true, .alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_taps_lost)),
	FB_ROW("/server/taps_dropped", .kind = FB_LEAF_INT, .label = "Listeners dropped",
		.doc = "Clients of an audio tap that were slower than the audio.", .max = 1e9,
		.meter = true, .counter = true, .ops = FB_OPS(.get = get_dropped)),
	FB_ROW("/server/http/connections", .kind = FB_LEAF_INT, .label = "HTTP connections",
		.doc = "With WebSockets, and those that have not asked anything yet.", .max = 1e9,
		.meter = true, .ops = FB_OPS(.get = get_http_connections)),
	FB_ROW("/server/http/waiting", .kind = FB_LEAF_INT, .label = "HTTP waiting",
		.doc = "Requests that stand in line.", .max = 1e9, .meter = true,
		.ops = FB_OPS(.get = get_http_waiting)),
	FB_ROW("/server/http/refused", .kind = FB_LEAF_INT, .label = "HTTP refused",
		.doc = "Requests and connections answered that there are too many, or that they are none.",
		.max = 1e15, .meter = true, .counter = true, .ops = FB_OPS(.get = get_http_refused)),
	FB_ROW("/server/http/dropped", .kind = FB_LEAF_INT, .label = "HTTP dropped",
		.doc = "Connections ended: too many, or too slow.", .max = 1e15, .meter = true,
		.counter = true, .ops = FB_OPS(.get = get_http_dropped)),
	FB_ROW("/server/osc/clients", .kind = FB_LEAF_INT, .label = "OSC clients",
		.doc = "Known by transport, address and port.", .max = 1e9, .meter = true,
		.ops = FB_OPS(.get = get_osc_clients)),
	FB_ROW("/server/osc/connections", .kind = FB_LEAF_INT, .label = "OSC connections",
		.doc = "Over TCP.", .max = 1e9, .meter = true, .ops = FB_OPS(.get = get_osc_connections)),
	FB_ROW("/server/osc/subscriptions", .kind = FB_LEAF_INT, .label = "OSC subscriptions",
		.doc = "Of all clients.", .max = 1e9, .meter = true,
		.ops = FB_OPS(.get = get_osc_subscriptions)),
	FB_ROW("/server/osc/messages", .kind = FB_LEAF_INT, .label = "OSC messages",
		.doc = "Taken in since start.", .max = 1e15, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_osc_messages)),
	FB_ROW("/server/osc/refused", .kind = FB_LEAF_INT, .label = "OSC refused",
		.doc = "Messages that were refused.", .max = 1e15, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_osc_refused)),
	FB_ROW("/server/osc/malformed", .kind = FB_LEAF_INT, .label = "OSC malformed",
		.doc = "Packets that were not OSC.", .max = 1e15, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_osc_malformed)),
	FB_ROW("/server/osc/dropped", .kind = FB_LEAF_INT, .label = "OSC dropped",
		.doc = "TCP connections ended: too many, or too slow to take replies.", .max = 1e9,
		.meter = true, .counter = true, .ops = FB_OPS(.get = get_osc_dropped)),
	FB_ROW("/server/osc/lost", .kind = FB_LEAF_INT, .label = "OSC lost",
		.doc = "UDP packets that the system dropped because they were not read in time, or of who "
			   "floods.",
		.max = 1e15, .meter = true, .counter = true, .ops = FB_OPS(.get = get_osc_lost)),
	FB_ROW("/server/audit/recording", .kind = FB_LEAF_BOOL, .label = "Recording",
		.doc = "False while the database cannot be written.", .max = 1, .meter = true,
		.alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_recording)),
	FB_ROW("/server/audit/rows", .kind = FB_LEAF_INT, .label = "Audit rows",
		.doc = "Written since start.", .max = 1e9, .meter = true, .counter = true,
		.ops = FB_OPS(.get = get_rows)),
	FB_ROW("/server/audit/lost", .kind = FB_LEAF_INT, .label = "Audit lost",
		.doc = "Entries that could not be kept.", .max = 1e9, .meter = true, .counter = true,
		.alarm = FB_ALARM_WRONG, .ops = FB_OPS(.get = get_unkept)),
};

fb_status fb_server_add_leaves(fb_server *server, fb_error *error)
{
	fb_status status = fb_leaves_add(server->tree, "", FB_ROWS(leaves), server, error);
	return status ? status : fb_server_add_switches(server, error);
}
