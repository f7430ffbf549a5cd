/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A line of past samples that gives any tick of them as one plain array: the ring's first frames
	are kept a second time behind its end, so that no read wraps and loops over it become vector
	code. Owner: the node instance, whose block also holds the samples. */
#ifndef FB_DSP_DELAY_LINE_H
#define FB_DSP_DELAY_LINE_H

#include "../../graph/node.h"

#include <string.h>

/** Frames kept twice: a tick, and what an interpolator may look at beside it. */
#define FB_DELAY_LINE_GUARD (2 * FB_TICK)

typedef struct fb_delay_line {
	float *ring;     ///< [frames + FB_DELAY_LINE_GUARD]
	uint32_t frames; ///< multiple of FB_TICK
	uint32_t at;     ///< where the tick at hand stands in the ring, multiple of FB_TICK
	uint32_t age;    ///< frames in the line since it was empty, at most `frames`
} fb_delay_line;

/** Frames of a ring that reaches `longest` frames back from every frame of a tick. */
static inline uint32_t fb_delay_line_frames(uint32_t longest)
{
	return (longest + 2 * FB_TICK - 1) / FB_TICK * FB_TICK;
}

/** Floats that fb_delay_line_init() wants for a ring of so many frames, a multiple of 16. */
static inline size_t fb_delay_line_room(uint32_t frames)
{
	return (size_t)frames + FB_DELAY_LINE_GUARD;
}

/** room: zeroed, [fb_delay_line_room(frames)], FB_ALIGN aligned. Returns what lies behind it. */
static inline float *fb_delay_line_init(fb_delay_line *line, uint32_t frames, float *room)
{
	*line = (fb_delay_line){.ring = room, .frames = frames};
	return room + fb_delay_line_room(frames);
}

/** Have memory behind a ring of `frames` where one of `had` (0: none) has it, before the line may
	grow so far: touched without changing a bit.
	thread: control, beside audio in the ring of `had` */
static inline void fb_delay_line_provide(const fb_delay_line *line, uint32_t had, uint32_t frames)
{
	enum { PAGE = 4096 }; /* no machine has smaller ones */
	unsigned char *bytes = (unsigned char *)line->ring;
	size_t end = fb_delay_line_room(frames) * sizeof(float);
	for (size_t at = had ? fb_delay_line_room(had) * sizeof(float) : 0; at < end + PAGE;
		 at += PAGE) {
		unsigned char zero = 0; /* a plain store of what is there could be left out */
		__atomic_compare_exchange_n(
			bytes + (at < end ? at : end - 1), &zero, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

/** A ring that has not come round since it was empty, or has just done so, holds its samples in the
	order of their age: it can go on behind them. */
static inline bool fb_delay_line_can_grow(const fb_delay_line *line)
{
	return line->at == 0 || line->age < line->frames;
}

/** To a longer ring, in which every sample keeps its place and its age.
	range: fb_delay_line_can_grow(); frames >= those of now + FB_DELAY_LINE_GUARD, within the room
	rt:    yes */
static inline void fb_delay_line_grow(fb_delay_line *line, uint32_t frames)
{
	line->at = line->age;
	line->frames = frames;
	memset(line->ring + frames - FB_DELAY_LINE_GUARD, 0, FB_DELAY_LINE_GUARD * sizeof(float));
	memcpy(line->ring + frames, line->ring, FB_DELAY_LINE_GUARD * sizeof(float));
}

/** Forget all samples, in a short time however long the line: what is older than the line's age
	reads as silence, and only what a read may straddle is wiped. rt: yes */
static inline void fb_delay_line_reset(fb_delay_line *line)
{
	memset(line->ring + line->frames - FB_DELAY_LINE_GUARD, 0, FB_DELAY_LINE_GUARD * sizeof(float));
	line->at = line->age = 0;
}

/** Put frames `first` .. `first + n - 1` of the tick at hand into the line.
	range: first + n <= FB_TICK
	rt:    yes */
static inline void fb_delay_line_write(
	fb_delay_line *line, uint32_t first, const float *x, uint32_t n)
{
	uint32_t at = line->at + first;
	memcpy(line->ring + at, x, n * sizeof(float));
	if (at < FB_DELAY_LINE_GUARD) {
		memcpy(line->ring + line->frames + at, x, n * sizeof(float));
	}
}

/** Where the tick at hand goes, for who writes it there himself; fb_delay_line_filled() comes
	after. rt: yes */
static inline float *fb_delay_line_spot(const fb_delay_line *line)
{
	return line->ring + line->at;
}

static inline void fb_delay_line_filled(fb_delay_line *line)
{
	if (line->at < FB_DELAY_LINE_GUARD) {
		memcpy(
			line->ring + line->frames + line->at, line->ring + line->at, FB_TICK * sizeof(float));
	}
}

/** Where in the ring the sample `delay` frames before frame `first` of the tick at hand stands.
	What was there before the line was emptied reads as silence: the ring's end, not written yet.
	range: delay <= frames - FB_TICK
	rt:    yes */
static inline uint32_t fb_delay_line_place(
	const fb_delay_line *line, uint32_t first, uint32_t delay)
{
	uint32_t at = line->at + first, place = at >= delay ? at - delay : at + line->frames - delay;
	bool none = delay >= line->age + first + FB_DELAY_LINE_GUARD;
	return none ? line->frames - FB_DELAY_LINE_GUARD : place;
}

/** That sample and those after it: at most FB_DELAY_LINE_GUARD may be read, as far as they have
	been written. rt: yes */
static inline const float *fb_delay_line_read(
	const fb_delay_line *line, uint32_t first, uint32_t delay)
{
	return line->ring + fb_delay_line_place(line, first, delay);
}

/** On to the next tick. rt: yes */
static inline void fb_delay_line_advance(fb_delay_line *line)
{
	line->age += line->age < line->frames ? FB_TICK : 0;
	line->at += FB_TICK;
	if (line->at == line->frames) {
		line->at = 0;
	}
}

/** After fb_delay_line_advance(): call for the samples that the next tick reads at this delay, and
	for the place it writes to. Other stations have used the cache since they were touched; a tick
	is too short for the processor to foresee them. GCC takes a function that only prefetches for
	one without effect and drops the call, unless it is inlined early. rt: yes */
static inline __attribute__((always_inline)) void fb_delay_line_fetch(
	const fb_delay_line *line, uint32_t delay)
{
	uint32_t at = line->at;
	const float *from = line->ring + (at >= delay ? at - delay : at + line->frames - delay);
	__builtin_prefetch(from);
	__builtin_prefetch(from + 16);
	__builtin_prefetch(from + FB_TICK - 1);
	__builtin_prefetch(line->ring + at, 1);
	__builtin_prefetch(line->ring + at + 16, 1);
}

#endif
