/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rides.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

typedef struct list {
	fb_ride *head, *tail;
	size_t n;
} list;

struct fb_rides {
	list held;  /* rides, the longest silent first */
	list ended; /* rows to write, in order */
	fb_ride *bucket[BUCKETS];
};

static const char *copy(char **room, const char *text)
{
	if (!text) {
		return NULL;
	}
	char *at = *room;
	size_t size = strlen(text) + 1;
	memcpy(at, text, size);
	*room += size;
	return at;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

fb_ride *fb_ride_create(const fb_audit_entry *entry)
{
	size_t text = size_of(entry->origin) + size_of(entry->address) + size_of(entry->before) +
				  size_of(entry->after) + size_of(entry->outcome);
	fb_ride *ride = malloc(sizeof *ride + text);
	if (!ride) {
		return NULL;
	}
	char *room = ride->text;
	*ride = (fb_ride){.time_us = entry->time_us,
		.frame = entry->frame,
		.origin = copy(&room, entry->origin),
		.address = copy(&room, entry->address),
		.before = copy(&room, entry->before),
		.after = copy(&room, entry->after),
		.outcome = copy(&room, entry->outcome),
		/* + 0.0: SQLite keeps no negative zero, and the hash must match what is read back. */
		.value = entry->value + 0.0,
		.count = 1,
		.last = ride};
	ride->mergeable = entry->mergeable && isfinite(entry->value) && !strcmp(entry->outcome, "ok");
	ride->least = ride->greatest = ride->value;
	return ride;
}

void fb_ride_destroy(fb_ride *ride)
{
	if (ride && ride->last != ride) {
		free(ride->last);
	}
	free(ride);
}

static void append(list *l, fb_ride *ride)
{
	ride->prev = l->tail;
	ride->next = NULL;
	*(l->tail ? &l->tail->next : &l->head) = ride;
	l->tail = ride;
	l->n++;
}

static void take_out(list *l, fb_ride *ride)
{
	*(ride->prev ? &ride->prev->next : &l->head) = ride->next;
	*(ride->next ? &ride->next->prev : &l->tail) = ride->prev;
	l->n--;
}

static void drop_all(list *l)
{
	for (fb_ride *ride = l->head, *next; ride; ride = next) {
		next = ride->next;
		fb_ride_destroy(ride);
	}
	*l = (list){0};
}

fb_rides *fb_rides_create(void)
{
	return calloc(1, sizeof(fb_rides));
}

void fb_rides_destroy(fb_rides *rides)
{
	if (rides) {
		drop_all(&rides->held);
		drop_all(&rides->ended);
	}
	free(rides);
}

/* FNV-1a: addresses are short and none is chosen to collide by who may set them. */
static fb_ride **bucket_of(fb_rides *rides, const char *address)
{
	uint32_t hash = 2166136261u;
	for (const char *c = address; *c; c++) {
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	}
	return &rides->bucket[hash % BUCKETS];
}

/* Where the ride on an address hangs, or the bucket's end. At most one is held on each address. */
static fb_ride **find(fb_rides *rides, const char *address)
{
	fb_ride **at = bucket_of(rides, address);
	while (*at && strcmp((*at)->address, address) != 0) {
		at = &(*at)->chain;
	}
	return at;
}

static void end(fb_rides *rides, fb_ride **at)
{
	fb_ride *ride = *at;
	*at = ride->chain;
	take_out(&rides->held, ride);
	append(&rides->ended, ride);
}

static bool belongs(const fb_ride *ride, const fb_ride *entry, int64_t now_us)
{
	int64_t gap_us = entry->time_us - ride->last->time_us;
	return entry->mergeable && !strcmp(ride->origin, entry->origin) && gap_us <= FB_RIDE_GAP_US &&
		   gap_us >= -FB_RIDE_GAP_US && now_us - ride->begun_us < FB_RIDE_HOLD_US;
}

static void merge(fb_rides *rides, fb_ride *ride, fb_ride *entry)
{
	if (ride->last != ride) {
		free(ride->last);
	}
	ride->last = entry->last;
	ride->count += entry->count;
	ride->least = fmin(ride->least, entry->least);
	ride->greatest = fmax(ride->greatest, entry->greatest);
	if (entry->last != entry) {
		free(entry);
	}
	take_out(&rides->held, ride);
	append(&rides->held, ride);
}

void fb_rides_add(fb_rides *rides, fb_ride *entry, int64_t now_us)
{
	fb_ride **at = find(rides, entry->address);
	if (*at && belongs(*at, entry, now_us)) {
		(*at)->touched_us = now_us;
		merge(rides, *at, entry);
		return;
	}
	if (*at) {
		end(rides, at);
	}
	if (!entry->mergeable) {
		append(&rides->ended, entry);
		return;
	}
	entry->begun_us = entry->touched_us = now_us;
	at = bucket_of(rides, entry->address);
	entry->chain = *at;
	*at = entry;
	append(&rides->held, entry);
}

void fb_rides_expire(fb_rides *rides, int64_t now_us)
{
	while (rides->held.head &&
		   now_us - rides->held.head->touched_us > FB_RIDE_GAP_US + FB_RIDE_LATE_US) {
		end(rides, find(rides, rides->held.head->address));
	}
}

void fb_rides_end_all(fb_rides *rides)
{
	while (rides->held.head) {
		end(rides, find(rides, rides->held.head->address));
	}
}

int64_t fb_rides_due(const fb_rides *rides)
{
	const fb_ride *head = rides->held.head;
	return head ? head->touched_us + FB_RIDE_GAP_US + FB_RIDE_LATE_US + 1 : INT64_MAX;
}

const fb_ride *fb_rides_ended(const fb_rides *rides)
{
	return rides->ended.head;
}

void fb_rides_written(fb_rides *rides)
{
	drop_all(&rides->ended);
}

uint64_t fb_rides_trim(fb_rides *rides, size_t rows)
{
	uint64_t lost = 0;
	while (rides->ended.n > rows) {
		fb_ride *ride = rides->ended.tail;
		lost += ride->count;
		take_out(&rides->ended, ride);
		fb_ride_destroy(ride);
	}
	return lost;
}
