/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves that count what went wrong at a station: samples that were none, ticks that nobody
	measured. They only grow. */
#include "meters.h"
#include "server.h"

static uint64_t bad_in(const fb_channel *channel)
{
	return fb_engine_station_bad(channel->server->engine, channel->index);
}

static uint64_t bad_out(const fb_channel *channel)
{
	return channel->metrics.bad_samples;
}

static uint64_t faults(const fb_channel *channel)
{
	return fb_engine_station_faults(channel->server->engine, channel->index);
}

static uint64_t tap_lost(const fb_channel *channel)
{
	return fb_meters_lost(channel->server->meters, channel->index);
}

static const struct {
	const char *leaf, *label, *unit, *doc;
	uint64_t (*count)(const fb_channel *channel);
} counts[FB_CHANNEL_COUNTS] = {
	{"in/bad_samples", "Bad input samples", "samples",
		"Samples of the input that were NaN or infinite, and were silenced.", bad_in},
	{"out/bad_samples", "Bad output samples", "samples",
		"Samples of the output beyond +120 dBFS, measured as that much.", bad_out},
	{"out/faults", "Node faults", "ticks",
		"Ticks in which a node, or the sum of all, was NaN or infinite: the station went dry.",
		faults},
	{"tap/lost", "Ticks not measured", "ticks",
		"Ticks that the meters were too slow to take; the metrics read invalid until they have "
		"passed.",
		tap_lost},
};

FB_GETTER(fb_channel, count_get, fb_int_value(counts[index].count(self)))

fb_status fb_channel_add_counts(fb_channel *channel, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = count_get};
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < FB_CHANNEL_COUNTS && !status; i++) {
		const fb_leaf_row row = FB_ROW(counts[i].leaf, .kind = FB_LEAF_INT, .counter = true,
			.alarm = FB_ALARM_WRONG, .label = counts[i].label, .unit = counts[i].unit,
			.doc = counts[i].doc, .max = 1e9, .meter = true, .ops = &ops, .index = i);
		status = fb_channel_add_leaves(channel, &row, 1, error);
	}
	return status;
}

void fb_channel_tell_counts(fb_channel *channel, const fb_origin *origin)
{
	for (uint32_t i = 0; i < FB_CHANNEL_COUNTS; i++) {
		uint64_t now = counts[i].count(channel);
		if (now != channel->told[i]) {
			channel->told[i] = now;
			fb_channel_touch(channel, counts[i].leaf, origin);
		}
	}
}
