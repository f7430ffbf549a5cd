/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 2 * FB_GATHER_RIDES, TEXT = 32, ORIGIN = 128, LINE = 64 };

/** A ride that goes on: all that a further set looks at, in one line of the cache. */
typedef struct slot {
	_Alignas(LINE) uint64_t place;
	int64_t time_us; ///< of the newest set, as `frame` and `after`
	uint64_t frame;
	double after, least, greatest;
	uint64_t count;
	uint32_t voice; ///< under which its origin was last heard
	char tag;
} slot;

struct fb_gather {
	slot slot[FB_GATHER_RIDES];
	fb_ride *ride[FB_GATHER_RIDES]; ///< of each slot, told its end when it is taken
	fb_store_text *text;
	uint32_t first, end; ///< slots in use: those from `first` on wait
	/* who was heard last: floods come from one hand, and a number is sooner compared than a text */
	char origin[ORIGIN];
	uint32_t voice;
	uint16_t bucket[BUCKETS]; ///< index of a slot + 1; 0: free
};

fb_gather *fb_gather_create(fb_store_text *text)
{
	static_assert(sizeof(slot) == LINE, "a slot is a line");
	fb_gather *gather = aligned_alloc(LINE, sizeof *gather);
	if (gather) {
		memset(gather, 0, sizeof *gather);
		gather->text = text;
	}
	return gather;
}

void fb_gather_destroy(fb_gather *gather)
{
	while (gather && gather->first < gather->end) {
		fb_ride_destroy(gather->ride[gather->first++]);
	}
	free(gather);
}

static uint16_t *find(fb_gather *gather, uint64_t place)
{
	uint64_t h = place * 0x9E3779B97F4A7C15u;
	for (uint32_t i = (uint32_t)(h >> 48);; i++) {
		uint16_t *at = &gather->bucket[i % BUCKETS];
		if (!*at || gather->slot[*at - 1].place == place) {
			return at;
		}
	}
}

/** A number for an origin: equal ones are one origin, but one origin may have several. */
static uint32_t voice_of(fb_gather *gather, const char *origin)
{
	if (strcmp(gather->origin, origin)) {
		strncpy(gather->origin, origin, ORIGIN - 1); /* one that is longer is never the same */
		gather->voice++;
	}
	return gather->voice;
}

static bool same_origin(slot *s, const fb_ride *ride, const fb_audit_set *set, uint32_t voice)
{
	if (s->voice != voice) {
		if (strcmp(ride->origin, set->origin)) {
			return false;
		}
		s->voice = voice;
	}
	return true;
}

/** The newest set of a ride of several: room for its text, which is written when it is taken. */
static fb_ride *newest(void)
{
	fb_ride *last = calloc(1, sizeof *last + TEXT);
	if (last) {
		last->after = last->text;
	}
	return last;
}

static bool goes_on(slot *s, const fb_ride *ride, const fb_audit_set *set, uint32_t voice)
{
	int64_t gap_us = set->time_us - s->time_us;
	return s->tag == set->tag && gap_us <= FB_RIDE_GAP_US && gap_us >= -FB_RIDE_GAP_US &&
		   same_origin(s, ride, set, voice);
}

static bool merge(slot *s, fb_ride **ride, const fb_audit_set *set)
{
	if (s->count == 1) {
		fb_ride *last = newest();
		if (!last) {
			return false;
		}
		(*ride)->last = last;
	}
	double value = set->after + 0.0; /* no negative zero: as fb_ride_create() */
	s->time_us = set->time_us;
	s->frame = set->frame;
	s->after = set->after;
	s->least = value < s->least ? value : s->least;
	s->greatest = value > s->greatest ? value : s->greatest;
	s->count++;
	return true;
}

static bool begin(fb_gather *gather, uint16_t *at, const fb_audit_set *set, uint32_t voice)
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
	gather->ride[gather->end] = ride;
	gather->slot[gather->end++] = (slot){.place = set->place,
		.time_us = set->time_us,
		.frame = set->frame,
		.after = set->after,
		.least = ride->least,
		.greatest = ride->greatest,
		.count = 1,
		.voice = voice,
		.tag = set->tag};
	*at = (uint16_t)gather->end;
	return true;
}

bool fb_gather_add(fb_gather *gather, const fb_audit_set *set)
{
	uint16_t *at = find(gather, set->place);
	uint32_t voice = voice_of(gather, set->origin);
	if (*at) {
		slot *s = &gather->slot[*at - 1];
		fb_ride **ride = &gather->ride[*at - 1];
		return goes_on(s, *ride, set, voice) && merge(s, ride, set);
	}
	return gather->end < FB_GATHER_RIDES && begin(gather, at, set, voice);
}

uint32_t fb_gather_count(const fb_gather *gather)
{
	return gather->end - gather->first;
}

/** What the ride's slot knows of it. */
static void finish(const fb_gather *gather, fb_ride *ride, const slot *s)
{
	if (ride->last != ride) {
		ride->last->time_us = s->time_us;
		ride->last->frame = s->frame;
		gather->text(s->tag, s->after, ride->last->text, TEXT);
	}
	ride->count = s->count;
	ride->least = s->least;
	ride->greatest = s->greatest;
}

fb_ride *fb_gather_take(fb_gather *gather)
{
	if (gather->first == gather->end) {
		return NULL;
	}
	fb_ride *ride = gather->ride[gather->first];
	finish(gather, ride, &gather->slot[gather->first++]);
	if (gather->first == gather->end) {
		gather->first = gather->end = 0;
		memset(gather->bucket, 0, sizeof gather->bucket);
	}
	return ride;
}
