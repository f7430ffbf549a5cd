/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How a station does: its guard, what it takes of the time, which node failed last. What the audio
	audio thread has counted is looked at here, told, and put into the audit where a person should
	know it. */
#include "server.h"

#include <stdio.h>
#include <string.h>

enum { ADDRESS_LEN = 128, TEXT_LEN = 256 };

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

static fb_value number(double f)
{
	return (fb_value){.tag = 'f', .f = f};
}

static fb_value truth(bool on)
{
	return (fb_value){.tag = on ? 'T' : 'F'};
}

/* --- leaves */

#define GETTER(name, expression)                                                                   \
	static void name(void *ctx, uint32_t index, fb_value *value)                                   \
	{                                                                                              \
		fb_channel *channel = ctx;                                                                 \
		(void)index;                                                                               \
		*value = (expression);                                                                     \
	}

GETTER(get_guard, truth(fb_station_switched(channel->station, FB_SWITCH_GUARD)))
GETTER(get_ceiling, number(channel->watch.ceiling_db))
GETTER(get_reduction, number(health_of(channel).guard_db))
GETTER(get_active, truth(health_of(channel).guard_db > 0.0))
GETTER(get_mean, number(health_of(channel).time.mean_us))
GETTER(get_worst, number(health_of(channel).time.worst_us))
GETTER(get_share, number(100.0 * health_of(channel).time.mean_share))
GETTER(get_worst_share, number(100.0 * health_of(channel).time.worst_share))
GETTER(get_budget, number(channel->watch.budget_pc))
GETTER(get_over, ((fb_value){.tag = 'i', .i = (int64_t)health_of(channel).over}))
GETTER(get_alarm, truth(channel->watch.alarm))
GETTER(get_faulty, ((fb_value){.tag = 's', .s = channel->watch.faulty}))

#define SETTER(name, statement)                                                                    \
	static fb_status name(void *ctx, uint32_t index, const fb_value *value,                        \
		const fb_origin *origin, fb_error *error)                                                  \
	{                                                                                              \
		fb_channel *channel = ctx;                                                                 \
		(void)index, (void)origin, (void)error;                                                    \
		statement;                                                                                 \
		return FB_OK;                                                                              \
	}

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

SETTER(set_guard, fb_station_switch(channel->station, FB_SWITCH_GUARD, value->tag == 'T'))
SETTER(set_ceiling, set_ceiling_db(channel, value->f))
SETTER(set_budget, set_budget_pc(channel, value->f))

#define READ(name)                                                                                 \
	&(const fb_leaf_ops)                                                                           \
	{                                                                                              \
		.get = get_##name                                                                          \
	}
#define READ_WRITE(name)                                                                           \
	&(const fb_leaf_ops)                                                                           \
	{                                                                                              \
		.get = get_##name, .set = set_##name                                                       \
	}

static const struct {
	const char *leaf;
	fb_leaf_kind kind;
	int access;
	const char *label, *unit, *doc;
	double min, max, def;
	const fb_leaf_ops *ops;
} leaves[] = {
	{"guard/on", FB_LEAF_BOOL, FB_READ_WRITE, "Guard", "",
		"Hold the output at the ceiling, whatever runs away; below it not a bit is changed.", 0, 1,
		1, READ_WRITE(guard)},
	{"guard/ceiling", FB_LEAF_FLOAT, FB_READ_WRITE, "Guard ceiling", "dB",
		"The most that leaves the station, in dBFS.", FB_CEILING_MIN_DB, FB_CEILING_MAX_DB,
		FB_CEILING_DB, READ_WRITE(ceiling)},
	{"guard/reduction", FB_LEAF_FLOAT, FB_READ, "Guard reduction", "dB",
		"By which the guard turns the output down now.", 0, 120, 0, READ(reduction)},
	{"guard/active", FB_LEAF_BOOL, FB_READ, "Guard acts", "",
		"The output is above the ceiling, or was a moment ago.", 0, 1, 0, READ(active)},
	{"cpu/mean", FB_LEAF_FLOAT, FB_READ, "Time", "us",
		"What the station takes for a tick of 32 frames, lately.", 0, 1e6, 0, READ(mean)},
	{"cpu/worst", FB_LEAF_FLOAT, FB_READ, "Worst time", "us",
		"The most it took, per tick of a period, since /server/cpu/reset.", 0, 1e6, 0, READ(worst)},
	{"cpu/share", FB_LEAF_FLOAT, FB_READ, "Share", "%",
		"Of the time there is, what the station takes lately.", 0, 1e4, 0, READ(share)},
	{"cpu/worst_share", FB_LEAF_FLOAT, FB_READ, "Worst share", "%",
		"Of the time there is, the most it took since /server/cpu/reset.", 0, 1e4, 0,
		READ(worst_share)},
	{"cpu/budget", FB_LEAF_FLOAT, FB_READ_WRITE, "Budget", "%",
		"Of the time there is, what the station may take before it is told on.", 0, 100, BUDGET_PC,
		READ_WRITE(budget)},
	{"cpu/over", FB_LEAF_INT, FB_READ, "Over budget", "periods",
		"Periods in which it took more than its budget, since start.", 0, 1e15, 0, READ(over)},
	{"cpu/alarm", FB_LEAF_BOOL, FB_READ, "Takes too long", "",
		"It is over its budget time and again; ends when it has kept it for 5 s.", 0, 1, 0,
		READ(alarm)},
	{"out/faulty", FB_LEAF_TEXT, FB_READ, "Failed node", "",
		"The node that last yielded NaN or infinity and was reset, as an address; empty if none "
		"has.",
		0, 0, 0, READ(faulty)},
};

enum { LEAVES = sizeof leaves / sizeof *leaves };

fb_status fb_channel_add_health(fb_channel *channel, fb_error *error)
{
	fb_status status = FB_OK;
	channel->watch.ceiling_db = FB_CEILING_DB;
	set_budget_pc(channel, BUDGET_PC);
	for (uint32_t i = 0; i < LEAVES && !status; i++) {
		char address[ADDRESS_LEN];
		snprintf(address, sizeof address, "/station/%u/%s", channel->index + 1, leaves[i].leaf);
		fb_leaf_spec spec = {.kind = leaves[i].kind,
			.access = leaves[i].access,
			.label = leaves[i].label,
			.unit = leaves[i].unit,
			.doc = leaves[i].doc,
			.min = leaves[i].min,
			.max = leaves[i].max,
			.def = leaves[i].def,
			.counter = leaves[i].kind == FB_LEAF_INT,
			.alarm = leaves[i].access == FB_READ && leaves[i].kind == FB_LEAF_BOOL ? FB_ALARM_ON
																				   : FB_ALARM_NEVER,
			.meter = leaves[i].access == FB_READ && leaves[i].kind != FB_LEAF_TEXT,
			.ops = leaves[i].ops,
			.ctx = channel};
		status = fb_tree_add(channel->server->tree, address, &spec, error);
	}
	return status;
}

/* --- watching */

static void station_address(const fb_channel *channel, const char *leaf, char *address)
{
	snprintf(address, ADDRESS_LEN, "/station/%u/%s", channel->index + 1, leaf);
}

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
	station_address(channel, node ? node : health->faulty ? "" : "out", watch->faulty);
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
	fb_audit_note(channel->server, watch->faulty, text);
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
		char text[TEXT_LEN], address[ADDRESS_LEN];
		snprintf(text, sizeof text,
			"the output is %.1f dB above the ceiling of %.1f dB and is held", health->guard_db,
			watch->ceiling_db);
		station_address(channel, "guard/active", address);
		fb_log("%s (%s): %s", address, channel->name, text);
		fb_audit_note(channel->server, address, text);
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
	char text[TEXT_LEN], address[ADDRESS_LEN];
	station_address(channel, "cpu/alarm", address);
	watch->alarm = on;
	fb_channel_touch(channel, "cpu/alarm", &engine_origin);
	if (on) {
		double share;
		const char *node = dearest(channel, &share);
		snprintf(text, sizeof text,
			"over its budget of %.4g %% in %llu periods of the last second: takes %.1f %%, most of "
			"it "
			"%s with %.1f %%",
			watch->budget_pc, (unsigned long long)over, 100.0 * health->time.mean_share, node,
			100.0 * share);
	} else {
		snprintf(text, sizeof text, "has kept its budget of %.4g %% for %.0f s", watch->budget_pc,
			QUIET_S);
	}
	fb_log("%s (%s): %s", address, channel->name, text);
	fb_audit_note(channel->server, address, text);
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
