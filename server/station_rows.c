/* SPDX-License-Identifier: GPL-3.0-or-later */
/** All measurements of a station as one row of numbers, for surfaces that want them in one message:
	/station/N/meter/. */
#include "meters.h"
#include "server.h"

#include <stdio.h>
#include <string.h>

enum {
	NODE_METERS_MAX = FB_NODE_METERS_MAX,
	ORDER_LEN = 8192,
};

/** Call `each` for every node meter of a station, in the order of the row. */
typedef void meter_fn(void *ctx, const char *stage, const char *symbol, float value);

static void each_meter(const fb_channel *channel, meter_fn *each, void *ctx)
{
	const fb_patch *patch = fb_station_patch(channel->station);
	uint32_t n = 0;
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[i];
		for (uint32_t m = 0; m < stage->type->n_meters && n < NODE_METERS_MAX; m++, n++) {
			each(ctx, stage->id, stage->type->meters[m].symbol,
				fb_station_meter(channel->station, i, m));
		}
	}
}

/* --- the rows */

typedef struct row {
	float values[NODE_METERS_MAX];
	uint32_t count;
} row;

static void put_value(void *ctx, const char *stage, const char *symbol, float value)
{
	row *r = ctx;
	(void)stage, (void)symbol;
	r->values[r->count++] = value;
}

static void nodes_get(void *ctx, uint32_t index, fb_value *value)
{
	static row r; /* borrowed by the value until the next get */
	(void)index;
	r.count = 0;
	each_meter(ctx, put_value, &r);
	*value = (fb_value){.tag = 'v', .count = r.count, .v = r.values};
}

static void metrics_get(void *ctx, uint32_t index, fb_value *value)
{
	static float values[FB_METRICS];
	const fb_channel *channel = ctx;
	(void)index;
	for (int i = 0; i < FB_METRICS; i++) {
		values[i] = (float)channel->metrics.value[i];
	}
	*value = (fb_value){.tag = 'v', .count = FB_METRICS, .v = values};
}

static void put_name(void *ctx, const char *stage, const char *symbol, float value)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)value;
	snprintf(text + n, ORDER_LEN - n, "%s%s/%s", n ? " " : "", stage, symbol);
}

static void order_get(void *ctx, uint32_t index, fb_value *value)
{
	static char text[ORDER_LEN];
	(void)index;
	text[0] = '\0';
	each_meter(ctx, put_name, text);
	*value = (fb_value){.tag = 's', .s = text};
}

static const fb_leaf_row rows[] = {
	FB_ROW("meter/metrics", .kind = FB_LEAF_FLOATS, .label = "All metrics",
		.doc = "All metrics in one message, in the order in which the places below metric are "
			   "listed.",
		.meter = true, .ops = FB_OPS(.get = metrics_get)),
	FB_ROW("meter/nodes", .kind = FB_LEAF_FLOATS, .label = "All node meters",
		.doc = "The meters of all nodes in one message, in the order that meter/order tells.",
		.meter = true, .ops = FB_OPS(.get = nodes_get)),
	FB_ROW("meter/order", .kind = FB_LEAF_TEXT, .label = "Order of node meters",
		.doc = "NODE/METER for each number of meter/nodes, separated by spaces.",
		.ops = FB_OPS(.get = order_get)),
};

fb_status fb_channel_add_rows(fb_channel *channel, fb_error *error)
{
	return fb_channel_add_leaves(channel, FB_ROWS(rows), error);
}

/* --- telling */

void fb_channel_tell_rows(fb_channel *channel, const fb_origin *origin)
{
	row now = {.count = 0};
	each_meter(channel, put_value, &now);
	if (memcmp(now.values, channel->meter_told, now.count * sizeof *now.values) != 0) {
		memcpy(channel->meter_told, now.values, now.count * sizeof *now.values);
		fb_channel_touch(channel, "meter/nodes", origin);
	}
}
