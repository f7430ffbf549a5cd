/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A ring of fixed-size records between exactly two threads: one writes, one reads, neither waits.
	A group of records is published in one store, so the reader sees all of it or none.
	Base header: every folder may include it.

	Each side does one acquire load of the other's index, its work, and one release store of its
	own. */
#ifndef FB_RING_H
#define FB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fb_ring fb_ring;

/** shape:  room for at least `records` (rounded up to a power of two) of `record_size` bytes
	errors: NULL when out of memory
	thread: any, before both sides start */
fb_ring *fb_ring_create(size_t records, size_t record_size);
void fb_ring_destroy(fb_ring *ring); ///< NULL is allowed

/** Copy one record in, unpublished until fb_ring_publish(). false when full: counted in
	fb_ring_lost(). thread: the writer; rt: yes */
bool fb_ring_put(fb_ring *ring, const void *record);
void fb_ring_publish(
	fb_ring *ring); ///< make all records put so far visible. thread: the writer; rt: yes
void fb_ring_rollback(
	fb_ring *ring); ///< drop records put but not published. thread: the writer; rt: yes
bool fb_ring_write(
	fb_ring *ring, const void *record);    ///< put and publish one. thread: the writer; rt: yes
size_t fb_ring_space(const fb_ring *ring); ///< records that fit now. thread: the writer; rt: yes

/** Room for one record to be filled before the next call, then published; NULL when full (counted).
	thread: the writer; rt: yes */
void *fb_ring_claim(fb_ring *ring);

bool fb_ring_read(fb_ring *ring, void *record); ///< false when empty. thread: the reader; rt: yes
/** The oldest record in place, NULL when empty; release it with fb_ring_drop(). thread: the reader;
 * rt: yes */
const void *fb_ring_peek(fb_ring *ring);
void fb_ring_drop(fb_ring *ring);          ///< thread: the reader; rt: yes
size_t fb_ring_count(const fb_ring *ring); ///< records waiting. thread: the reader; rt: yes

uint64_t fb_ring_lost(
	const fb_ring *ring); ///< records refused because full, ever. thread: any; rt: yes

#endif
