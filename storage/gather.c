/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 2 * FB_GATHER_RIDES, TEXT = 32 };

/** A ride that goes on. Its newest set is kept as a number until somebody has to read it. */
typedef struct slot {
	fb_ride *ride;
	const char *address; ///< as it came; equal ones are mostly the same place in memory
	double after;
	char tag;
} slot;

struct fb_gather {
	fb_store_text *text;
	uint32_t first, end; ///< slots in use: those from `first` on wait
	slot slot[FB_GATHER_RIDES];
	uint16_t bucket[BUCKETS]; ///< index of a slot + 1; 0: free
};

fb_gather *fb_gather_create(fb_store_text *text)
{
	fb_gather *gather = calloc(1, sizeof *gather);
	if (gather) {
		gather->text = text;
	}
	return gather;
}

void fb_gather_destroy(fb_gather *gather)
{
	while (gather && gather->first < gather->end) {
		fb_ride_destroy(gather->slot[gather->first++].ride);
	}
	free(gather);
}

static uint16_t *find(fb_gather *gather, const char *address)
{
	uint64_t h = (uint64_t)(uintptr_t)address * 0x9E3779B97F4A7C15u;
	for (uint32_t i = (uint32_t)(h >> 48);; i++) {
		uint16_t *at = &gather->bucket[i % BUCKETS];
		if (!*at || gather->slot[*at - 1].address == address) {
			return at;
		}
	}
}

/** A place for the newest set: room for its text, which is written last. */
static fb_ride *newest(void)
{
	fb_ride *last = calloc(1, sizeof *last + TEXT);
	if (last) {
		last->after = last->text;
	}
	return last;
}

/** Memory that an address stood in may hold another by now. */
static bool goes_on(const slot *s, const fb_audit_set *set)
{
	const fb_ride *ride = s->ride;
	int64_t gap_us = set->time_us - ride->last->time_us;
	return s->tag == set->tag && gap_us <= FB_RIDE_GAP_US && gap_us >= -FB_RIDE_GAP_US &&
		   !strcmp(ride->origin, set->origin) && !strcmp(ride->address, set->address);
}

static bool merge(slot *s, const fb_audit_set *set)
{
	fb_ride *ride = s->ride;
	if (ride->last == ride) {
		fb_ride *last = newest();
		if (!last) {
			return false;
		}
		ride->last = last;
	}
	double value = set->after + 0.0; /* no negative zero: as fb_ride_create() */
	ride->last->time_us = set->time_us;
	ride->last->frame = set->frame;
	s->after = set->after;
	ride->count++;
	ride->least = fmin(ride->least, value);
	ride->greatest = fmax(ride->greatest, value);
	return true;
}

static bool begin(fb_gather *gather, uint16_t *at, const fb_audit_set *set)
{
	char before[TEXT], after[TEXT];
	gather->text(set->tag, set->before, before, sizeof before);
	gather->text(set->tag, set->after, after, sizeof after);
	fb_ride *ride = fb_ride_create(&(fb_audit_entry){.time_us = set->time_us,
		.frame = set->frame,
		.origin = set->origin,
		.address = set->address,
		.before = before,
		.after = after,
		.outcome = "ok",
		.mergeable = true,
		.value = set->after});
	if (!ride) {
		return false;
	}
	gather->slot[gather->end++] =
		(slot){.ride = ride, .address = set->address, .after = set->after, .tag = set->tag};
	*at = (uint16_t)gather->end;
	return true;
}

bool fb_gather_add(fb_gather *gather, const fb_audit_set *set)
{
	uint16_t *at = find(gather, set->address);
	if (*at) {
		slot *s = &gather->slot[*at - 1];
		return goes_on(s, set) && merge(s, set);
	}
	return gather->end < FB_GATHER_RIDES && begin(gather, at, set);
}

uint32_t fb_gather_count(const fb_gather *gather)
{
	return gather->end - gather->first;
}

fb_ride *fb_gather_take(fb_gather *gather)
{
	if (gather->first == gather->end) {
		return NULL;
	}
	slot *s = &gather->slot[gather->first++];
	fb_ride *ride = s->ride;
	if (ride->last != ride) {
		gather->text(s->tag, s->after, ride->last->text, TEXT);
	}
	if (gather->first == gather->end) {
		gather->first = gather->end = 0;
		memset(gather->bucket, 0, sizeof gather->bucket);
	}
	return ride;
}
