/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How a station does: its guard, what it takes of the time, which node failed last. What the audio
	thread has counted is looked at here, told, and put into the audit where a person should know
	it. */
#include "server.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_LEN = 256 };

#define TOO_OFTEN 8  /**< segments over budget in a second: more than a busy machine's hiccups */
#define QUIET_S 5.0  /**< without any the alarm ends */
#define FAULT_S 1.0  /**< between two rows of the audit on faults of one station */
#define GUARD_S 10.0 /**< between two on its guard */
#define BUDGET_PC 25.0

static const fb_origin engine_origin = {"engine", NULL};

static fb_health health_of(const fb_channel *channel)
{
	fb_health health;
	fb_engine_health(channel->server->engine, channel->index, &health);
	return health;
}

/* --- leaves */

FB_GETTER(fb_channel, get_ceiling, fb_float_value(self->watch.ceiling_db))
FB_GETTER(fb_channel, get_reduction, fb_float_value(health_of(self).guard_db))
FB_GETTER(fb_channel, get_active, fb_bool_value(health_of(self).guard_db > 0.0))
FB_GETTER(fb_channel, get_mean, fb_float_value(health_of(self).time.mean_us))
FB_GETTER(fb_channel, get_worst, fb_float_value(health_of(self).time.worst_us))
FB_GETTER(fb_channel, get_share, fb_float_value(100.0 * health_of(self).time.mean_share))
FB_GETTER(fb_channel, get_worst_share, fb_float_value(100.0 * health_of(self).time.worst_share))
FB_GETTER(fb_channel, get_budget, fb_float_value(self->watch.budget_pc))
FB_GETTER(fb_channel, get_over, fb_int_value(health_of(self).over))
FB_GETTER(fb_channel, get_alarm, fb_bool_value(self->watch.alarm))
FB_GETTER(fb_channel, get_faulty, fb_text_value(self->watch.faulty))

static void set_ceiling_db(fb_channel *channel, double db)
{
	channel->watch.ceiling_db = db;
	fb_engine_set_ceiling(channel->server->engine, channel->index, db);
}

static void set_budget_pc(fb_channel *channel, double percent)
{
	channel->watch.budget_pc = percent;
	fb_engine_set_budget(channel->server->engine, channel->index, percent / 100.0);
}

FB_SETTER(fb_channel, set_ceiling, set_ceiling_db(self, value->f))
FB_SETTER(fb_channel, set_budget, set_budget_pc(self, value->f))

static const fb_leaf_row leaves[] = {
	FB_ROW("guard/on", .kind = FB_LEAF_BOOL, .label = "Guard",
		.doc = "Hold the output at the ceiling, whatever runs away; below it not a bit is changed.",
		.max = 1, .def = 1, .ops = &fb_switch_ops, .index = FB_SWITCH_GUARD),
	FB_ROW("guard/ceiling", .kind = FB_LEAF_FLOAT, .label = "Guard ceiling", .unit = "dB",
		.doc = "The most that leaves the station, in dBFS.", .min = FB_CEILING_MIN_DB,
		.max = FB_CEILING_MAX_DB, .def = FB_CEILING_DB,
		.ops = FB_OPS(.get = get_ceiling, .set = set_ceiling)),
	FB_ROW("guard/reduction", .kind = FB_LEAF_FLOAT, .label = "Guard reduction", .unit = "dB",
		.doc = "By which the guard turns the output down now.", .max = 120, .meter = true,
		.ops = FB_OPS(.get = get_reduction)),
	FB_ROW("guard/active", .kind = FB_LEAF_BOOL, .label = "Guard acts",
		.doc = "The output is above the ceiling, or was a moment ago.", .max = 1, .meter = true,
		.alarm = FB_ALARM_ON, .ops = FB_OPS(.get = get_active)),
	FB_ROW("cpu/mean", .kind = FB_LEAF_FLOAT, .label = "Time", .unit = "us",
		.doc = "What the station takes for a tick of 32 frames, lately.", .max = 1e6, .meter = true,
		.ops = FB_OPS(.get = get_mean)),
	FB_ROW("cpu/worst", .kind = FB_LEAF_FLOAT, .label = "Worst time", .unit = "us",
		.doc = "The most it took, per tick of a period, since /server/cpu/reset.", .max = 1e6,
		.meter = true, .ops = FB_OPS(.get = get_worst)),
	FB_ROW("cpu/share", .kind = FB_LEAF_FLOAT, .label = "Share", .unit = "%",
		.doc = "Of the time there is, what the station takes lately.", .max = 1e4, .meter = true,
		.ops = FB_OPS(.get = get_share)),
	FB_ROW("cpu/worst_share", .kind = FB_LEAF_FLOAT, .label = "Worst share", .unit = "%",
		.doc = "Of the time there is, the most it took since /server/cpu/reset.", .max = 1e4,
		.meter = true, .ops = FB_OPS(.get = get_worst_share)),
	FB_ROW("cpu/budget", .kind = FB_LEAF_FLOAT, .label = "Budget", .unit = "%",
		.doc = "Of the time there is, what the station may take before it is told on.", .max = 100,
		.def = BUDGET_PC, .ops = FB_OPS(.get = get_budget, .set = set_budget)),
	FB_ROW("cpu/over", .kind = FB_LEAF_INT, .label = "Over budget", .unit = "periods",
		.doc = "Periods in which it took more than its budget, since start.", .max = 1e15,
		.meter = true, .counter = true, .ops = FB_OPS(.get = get_over)),
	FB_ROW("cpu/alarm", .kind = FB_LEAF_BOOL, .label = "Takes too long",
		.doc = "It is over its budget time and again; ends when it has kept it for 5 s.", .max = 1,
		.meter = true, .alarm = FB_ALARM_ON, .ops = FB_OPS(.get = get_alarm)),
	FB_ROW("out/faulty", .kind = FB_LEAF_TEXT, .label = "Failed node",
		.doc = "The node that last yielded NaN or infinity and was reset, as an address; empty if "
			   "none has.",
		.ops = FB_OPS(.get = get_faulty)),
};

fb_status fb_channel_add_health(fb_channel *channel, fb_error *error)
{
	channel->watch.ceiling_db = FB_CEILING_DB;
	set_budget_pc(channel, BUDGET_PC);
	return fb_channel_add_leaves(channel, FB_ROWS(leaves), error);
}

/* --- watching */

/** A node failed: who, in the leaf, and not too often in the audit and the log. */
static void look_for_faults(fb_channel *channel, const fb_health *health, double now_s)
{
	fb_watch *watch = &channel->watch;
	char was[sizeof watch->faulty];
	if (health->faults == watch->faults) {
		return;
	}
	const char *node = fb_station_node(channel->station, health->faulty);
	memcpy(was, watch->faulty, sizeof was);
	fb_channel_address(channel, node ? node : "out", watch->faulty);
	bool other = strcmp(was, watch->faulty) != 0;
	if (other) {
		fb_channel_touch(channel, "out/faulty", &engine_origin);
	}
	if (!other && now_s < watch->fault_told_s + FAULT_S) {
		return; /* its ticks are told with the next row */
	}
	char text[TEXT_LEN];
	uint64_t ticks = health->faults - watch->faults;
	snprintf(text, sizeof text, "NaN or infinity in %llu ticks: %s the station went dry",
		(unsigned long long)ticks,
		node              ? "it was reset,"
		: !health->faulty ? "the sum of its connections,"
						  : "a node that has gone since,");
	fb_log("%s (%s): %s", watch->faulty, channel->name, text);
	fb_audit_note(channel->server, "engine", watch->faulty, text);
	watch->faults = health->faults;
	watch->fault_told_s = now_s;
}

static void look_at_guard(fb_channel *channel, const fb_health *health, double now_s)
{
	fb_watch *watch = &channel->watch;
	bool active = health->guard_db > 0.0;
	if (active != watch->guarding) {
		watch->guarding = active;
		fb_channel_touch(channel, "guard/active", &engine_origin);
	}
	if (health->guard_db != watch->guard_db) {
		watch->guard_db = health->guard_db;
		fb_channel_touch(channel, "guard/reduction", &engine_origin);
	}
	if (active && now_s >= watch->guard_told_s + GUARD_S) {
		char text[TEXT_LEN], address[FB_LEAF_ADDRESS_LEN];
		snprintf(text, sizeof text,
			"the output is %.1f dB above the ceiling of %.1f dB and is held", health->guard_db,
			watch->ceiling_db);
		fb_channel_address(channel, "guard/active", address);
		fb_log("%s (%s): %s", address, channel->name, text);
		fb_audit_note(channel->server, "engine", address, text);
		watch->guard_told_s = now_s;
	}
}

/** The node that takes most. */
static const char *dearest(const fb_channel *channel, double *share)
{
	const fb_patch *patch = fb_station_patch(channel->station);
	const char *name = "the way there and back";
	*share = 0.0;
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		fb_time time;
		if (fb_station_time(channel->station, i, &time) && time.mean_share > *share) {
			*share = time.mean_share;
			name = patch->stage[i].id;
		}
	}
	return name;
}

static void set_alarm(fb_channel *channel, const fb_health *health, uint64_t over, bool on)
{
	fb_watch *watch = &channel->watch;
	char text[TEXT_LEN], address[FB_LEAF_ADDRESS_LEN];
	fb_channel_address(channel, "cpu/alarm", address);
	watch->alarm = on;
	fb_channel_touch(channel, "cpu/alarm", &engine_origin);
	if (on) {
		double share;
		const char *node = dearest(channel, &share);
		snprintf(text, sizeof text,
			"over its budget of %.4g %% in %llu periods of the last second: takes %.1f %%, most of "
			"it %s with %.1f %%",
			watch->budget_pc, (unsigned long long)over, 100.0 * health->time.mean_share, node,
			100.0 * share);
	} else {
		snprintf(text, sizeof text, "has kept its budget of %.4g %% for %.0f s", watch->budget_pc,
			QUIET_S);
	}
	fb_log("%s (%s): %s", address, channel->name, text);
	fb_audit_note(channel->server, "engine", address, text);
}

void fb_channel_watch(fb_channel *channel)
{
	fb_health health = health_of(channel);
	double now_s = fb_now_s();
	look_for_faults(channel, &health, now_s);
	look_at_guard(channel, &health, now_s);
}

void fb_channel_watch_budget(fb_channel *channel)
{
	fb_watch *watch = &channel->watch;
	fb_health health = health_of(channel);
	uint64_t over = health.over - watch->over;
	double now_s = fb_now_s();
	watch->over = health.over;
	watch->over_s = over ? now_s : watch->over_s;
	if (!watch->alarm && over >= TOO_OFTEN) {
		set_alarm(channel, &health, over, true);
	} else if (watch->alarm && now_s >= watch->over_s + QUIET_S) {
		set_alarm(channel, &health, over, false);
	}
}
