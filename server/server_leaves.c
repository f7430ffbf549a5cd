/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of the server itself: what it is, how it does. */
#include "announce.h"
#include "meters.h"
#include "server.h"

#include <malloc.h>
#include <stdio.h>

static fb_value int_value(uint64_t n)
{
	return (fb_value){.tag = 'i', .i = (int64_t)n};
}

static fb_value float_value(double f)
{
	return (fb_value){.tag = 'f', .f = f};
}

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

static fb_osc_stats osc_stats(const fb_server *server)
{
	fb_osc_stats stats;
	fb_osc_get_stats(server->osc, &stats);
	return stats;
}

#define GETTER(name, expression)                                                                   \
	static void name(void *ctx, uint32_t index, fb_value *value)                                   \
	{                                                                                              \
		fb_server *server = ctx;                                                                   \
		(void)index, (void)server;                                                                 \
		*value = (expression);                                                                     \
	}

static fb_value announced(const fb_server *server)
{
	static char name[64]; /* borrowed by the reader until the next call; one thread reads */
	fb_announce_name(server->announce, name, sizeof name);
	return (fb_value){.tag = 's', .s = name};
}

GETTER(get_announced, announced(server))
GETTER(get_version, ((fb_value){.tag = 's', .s = FB_VERSION}))
GETTER(get_stations, int_value(server->n_channels))
GETTER(get_uptime, float_value(fb_now_s() - server->started_s))
GETTER(get_start, float_value(server->start_ms))
GETTER(get_heap, int_value(heap_bytes()))
GETTER(get_heartbeat, int_value((uint64_t)(fb_now_s() - server->started_s)))
GETTER(get_frame, float_value((double)fb_engine_frame(server->engine)))
GETTER(get_late, int_value(engine_counts(server).events_late))
GETTER(get_latest,
	float_value(1e3 * (double)engine_counts(server).latest / fb_engine_rate(server->engine)))
GETTER(get_threads, int_value(server->options.threads))
GETTER(get_absences, int_value(engine_counts(server).absences))
GETTER(get_replies, int_value(engine_counts(server).replies_lost))
GETTER(get_lost, int_value(engine_counts(server).events_lost))
GETTER(get_orphans, int_value(engine_counts(server).events_orphan))
GETTER(get_bad, int_value(engine_counts(server).bad_samples))
GETTER(get_faults, int_value(engine_counts(server).faults))
GETTER(get_taps_lost, int_value(taps_lost(server)))
GETTER(get_dropped, int_value(server->taps_dropped))
GETTER(get_recording, ((fb_value){.tag = store_status(server).recording ? 'T' : 'F'}))
GETTER(get_rows, int_value(store_status(server).rows))
GETTER(get_unkept, int_value(store_status(server).lost))
GETTER(get_osc_clients, int_value(osc_stats(server).clients))
GETTER(get_osc_connections, int_value(osc_stats(server).connections))
GETTER(get_osc_subscriptions, int_value(osc_stats(server).subscriptions))
GETTER(get_osc_messages, int_value(osc_stats(server).messages))
GETTER(get_osc_refused, int_value(osc_stats(server).refused))
GETTER(get_osc_malformed, int_value(osc_stats(server).malformed))
GETTER(get_osc_dropped, int_value(osc_stats(server).dropped))
GETTER(get_osc_lost, int_value(osc_stats(server).lost))

enum { PLAIN, COUNTS = 1, ALARMS = 2 };

static const struct {
	const char *address;
	fb_leaf_kind kind;
	const char *label, *unit, *doc;
	double max;
	bool meter;
	void (*get)(void *, uint32_t, fb_value *);
	int is; ///< PLAIN, or what fb_leaf_spec calls it
} leaves[] = {
	{"/server/version", FB_LEAF_TEXT, "Version", "", "Of foldbackd.", 0, false, get_version, PLAIN},
	{"/server/announced", FB_LEAF_TEXT, "Announced as", "",
		"The name on the local network (mDNS); empty while there is none.", 0, false, get_announced,
		PLAIN},
	{"/server/stations", FB_LEAF_INT, "Stations", "", "How many there are.", FB_STATIONS_MAX, false,
		get_stations, PLAIN},
	{"/server/threads", FB_LEAF_INT, "Threads", "", "That run stations.", FB_THREADS_MAX, false,
		get_threads, PLAIN},
	{"/server/threads/late", FB_LEAF_INT, "Late threads", "",
		"Times a station was silent because the thread that had it did not come in time.", 1e15,
		true, get_absences, COUNTS | ALARMS},
	{"/server/events/replies_late", FB_LEAF_INT, "Late replies", "",
		"Times an edit's old plan had to wait for room on its way back.", 1e15, true, get_replies,
		COUNTS},
	{"/server/start", FB_LEAF_FLOAT, "Start", "ms",
		"From JACK's answer (without JACK: from the program's start) to when it could be used.",
		1e9, false, get_start, PLAIN},
	{"/server/uptime", FB_LEAF_FLOAT, "Uptime", "s", "Since start.", 1e9, true, get_uptime, PLAIN},
	{"/server/heap", FB_LEAF_INT, "Heap", "bytes", "Memory in use.", 1e12, true, get_heap, PLAIN},
	{"/server/heartbeat", FB_LEAF_INT, "Heartbeat", "s",
		"Counts the seconds: a surface that subscribes to it knows that foldback lives.", 1e9, true,
		get_heartbeat, PLAIN},
	{"/server/frame", FB_LEAF_FLOAT, "Frame", "frames", "Frames processed since start.", 1e15, true,
		get_frame, COUNTS},
	{"/server/events/late", FB_LEAF_INT, "Late events", "", "Arrived after their frame.", 1e9, true,
		get_late, COUNTS},
	{"/server/events/worst", FB_LEAF_FLOAT, "Latest event", "ms",
		"How late the latest event came, since /server/cpu/reset.", 1e9, true, get_latest, PLAIN},
	{"/server/events/lost", FB_LEAF_INT, "Events put off", "",
		"Found the ring to the audio full and were sent again.", 1e9, true, get_lost, COUNTS},
	{"/server/events/orphan", FB_LEAF_INT, "Orphan events", "",
		"Meant a node that had gone when they arrived.", 1e9, true, get_orphans, COUNTS},
	{"/server/bad_input", FB_LEAF_INT, "Bad input", "ticks",
		"Ticks of input that held NaN or infinity and were silenced.", 1e9, true, get_bad,
		COUNTS | ALARMS},
	{"/server/faults", FB_LEAF_INT, "Node faults", "ticks",
		"Ticks in which a node yielded NaN or infinity and was reset.", 1e9, true, get_faults,
		COUNTS | ALARMS},
	{"/server/taps_lost", FB_LEAF_INT, "Taps lost", "ticks",
		"Ticks that the meters were too slow to take.", 1e9, true, get_taps_lost, COUNTS | ALARMS},
	{"/server/taps_dropped", FB_LEAF_INT, "Listeners dropped", "",
		"Clients of an audio tap that were slower than the audio.", 1e9, true, get_dropped, COUNTS},
	{"/server/osc/clients", FB_LEAF_INT, "OSC clients", "", "Known by transport, address and port.",
		1e9, true, get_osc_clients, PLAIN},
	{"/server/osc/connections", FB_LEAF_INT, "OSC connections", "", "Over TCP.", 1e9, true,
		get_osc_connections, PLAIN},
	{"/server/osc/subscriptions", FB_LEAF_INT, "OSC subscriptions", "", "Of all clients.", 1e9,
		true, get_osc_subscriptions, PLAIN},
	{"/server/osc/messages", FB_LEAF_INT, "OSC messages", "", "Taken in since start.", 1e15, true,
		get_osc_messages, COUNTS},
	{"/server/osc/refused", FB_LEAF_INT, "OSC refused", "", "Messages that were refused.", 1e15,
		true, get_osc_refused, COUNTS},
	{"/server/osc/malformed", FB_LEAF_INT, "OSC malformed", "", "Packets that were not OSC.", 1e15,
		true, get_osc_malformed, COUNTS},
	{"/server/osc/dropped", FB_LEAF_INT, "OSC dropped", "",
		"TCP connections ended: too many, or too slow to take replies.", 1e9, true, get_osc_dropped,
		COUNTS},
	{"/server/osc/lost", FB_LEAF_INT, "OSC lost", "",
		"UDP packets that the system dropped because they were not read in time.", 1e15, true,
		get_osc_lost, COUNTS},
	{"/server/audit/recording", FB_LEAF_BOOL, "Recording", "",
		"False while the database cannot be written.", 1, true, get_recording, ALARMS},
	{"/server/audit/rows", FB_LEAF_INT, "Audit rows", "", "Written since start.", 1e9, true,
		get_rows, COUNTS},
	{"/server/audit/lost", FB_LEAF_INT, "Audit lost", "", "Entries that could not be kept.", 1e9,
		true, get_unkept, COUNTS | ALARMS},
};

enum { LEAVES = sizeof leaves / sizeof *leaves };

fb_status fb_server_add_leaves(fb_server *server, fb_error *error)
{
	static fb_leaf_ops ops[LEAVES];
	fb_status status = FB_OK;
	for (size_t i = 0; i < LEAVES && !status; i++) {
		ops[i].get = leaves[i].get;
		fb_leaf_spec spec = {.kind = leaves[i].kind,
			.access = FB_READ,
			.label = leaves[i].label,
			.unit = leaves[i].unit,
			.doc = leaves[i].doc,
			.max = leaves[i].max,
			.meter = leaves[i].meter,
			.counter = (leaves[i].is & COUNTS) != 0,
			.alarm = leaves[i].is & ALARMS ? FB_ALARM_WRONG : FB_ALARM_NEVER,
			.ops = &ops[i],
			.ctx = server};
		status = fb_tree_add(server->tree, leaves[i].address, &spec, error);
	}
	return status ? status : fb_server_add_switches(server, error);
}
