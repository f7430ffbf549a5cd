/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ring.h"

#include "node.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { STAGE = 4096, SMALL = 64 }; /* bytes */

struct fb_ring {
	size_t mask, record_size;
	size_t stage_room; /* records; 0: they are large, and put where they belong at once */
	/* written by the writer */
	_Alignas(FB_ALIGN) _Atomic size_t head;
	_Atomic uint64_t lost;
	size_t put;       /* head plus what is put but not published; the writer's alone */
	size_t staged;    /* of these, the last ones, which are not in `data` yet */
	size_t tail_seen; /* as last looked at: a look takes the line from the reader's cache */
	/* Where records are put first: what the reader has read has to be fetched out of its cache
	   before it can be written to, which takes long for one line and hardly longer for many. */
	_Alignas(FB_ALIGN) unsigned char stage[STAGE];
	/* written by the reader */
	_Alignas(FB_ALIGN) _Atomic size_t tail;
	size_t head_seen; /* likewise */
	_Alignas(FB_ALIGN) unsigned char data[];
};

fb_ring *fb_ring_create(size_t records, size_t record_size)
{
	size_t n = 1;
	while (n < records) {
		n *= 2;
	}
	size_t bytes = sizeof(fb_ring) + n * record_size;
	bytes = (bytes + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	fb_ring *ring = aligned_alloc(FB_ALIGN, bytes);
	if (!ring) {
		return NULL;
	}
	memset(ring, 0, bytes); /* also touches every page, so that audio never faults one in */
	ring->mask = n - 1;
	ring->record_size = record_size;
	ring->stage_room = record_size <= SMALL ? STAGE / record_size : 0;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->lost, 0);
	return ring;
}

void fb_ring_destroy(fb_ring *ring)
{
	free(ring);
}

static unsigned char *record_at(fb_ring *ring, size_t index)
{
	return ring->data + (index & ring->mask) * ring->record_size;
}

size_t fb_ring_space(const fb_ring *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	return ring->mask + 1 - (ring->put - tail);
}

/** Looks at the other side only when it seems full. */
static bool is_full(fb_ring *ring)
{
	if (ring->put - ring->tail_seen <= ring->mask) {
		return false;
	}
	ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
	return ring->put - ring->tail_seen > ring->mask;
}

/** From the stage to where the reader looks. */
static void unload(fb_ring *ring)
{
	size_t size = ring->record_size, from = ring->put - ring->staged;
	size_t until_end = ring->mask + 1 - (from & ring->mask);
	size_t first = ring->staged < until_end ? ring->staged : until_end;
	memcpy(record_at(ring, from), ring->stage, first * size);
	memcpy(ring->data, ring->stage + first * size, (ring->staged - first) * size);
	ring->staged = 0;
}

void *fb_ring_claim(fb_ring *ring)
{
	if (is_full(ring)) {
		atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
		return NULL;
	}
	if (!ring->stage_room) {
		return record_at(ring, ring->put++);
	}
	if (ring->staged == ring->stage_room) {
		unload(ring);
	}
	ring->put++;
	return ring->stage + ring->staged++ * ring->record_size;
}

bool fb_ring_put(fb_ring *ring, const void *record)
{
	void *room = fb_ring_claim(ring);
	if (room) {
		memcpy(room, record, ring->record_size);
	}
	return room;
}

void fb_ring_publish(fb_ring *ring)
{
	unload(ring);
	atomic_store_explicit(&ring->head, ring->put, memory_order_release);
}

void fb_ring_rollback(fb_ring *ring)
{
	ring->put = atomic_load_explicit(&ring->head, memory_order_relaxed);
	ring->staged = 0;
}

bool fb_ring_write(fb_ring *ring, const void *record)
{
	if (!fb_ring_put(ring, record)) {
		return false;
	}
	fb_ring_publish(ring);
	return true;
}

size_t fb_ring_count(const fb_ring *ring)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	return head - atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

const void *fb_ring_peek(fb_ring *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	if (tail == ring->head_seen) {
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
	}
	return tail == ring->head_seen ? NULL : record_at(ring, tail);
}

void fb_ring_drop(fb_ring *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

bool fb_ring_read(fb_ring *ring, void *record)
{
	const void *oldest = fb_ring_peek(ring);
	if (!oldest) {
		return false;
	}
	memcpy(record, oldest, ring->record_size);
	fb_ring_drop(ring);
	return true;
}

uint64_t fb_ring_lost(const fb_ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}
