/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ring.h"

#include "node.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct fb_ring {
	size_t mask, record_size;
	/* written by the writer */
	_Alignas(FB_ALIGN) _Atomic size_t head;
	_Atomic uint64_t lost;
	size_t put;       /* head plus what is put but not published; the writer's alone */
	size_t tail_seen; /* as last looked at: a look takes the line from the reader's cache */
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

void *fb_ring_claim(fb_ring *ring)
{
	if (is_full(ring)) {
		atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
		return NULL;
	}
	return record_at(ring, ring->put++);
}

bool fb_ring_put(fb_ring *ring, const void *record)
{
	void *room = fb_ring_claim(ring);
	if (!room) {
		return false;
	}
	memcpy(room, record, ring->record_size);
	return true;
}

void fb_ring_publish(fb_ring *ring)
{
	atomic_store_explicit(&ring->head, ring->put, memory_order_release);
}

void fb_ring_rollback(fb_ring *ring)
{
	ring->put = atomic_load_explicit(&ring->head, memory_order_relaxed);
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
