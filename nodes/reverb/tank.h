/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The reverberator proper: sixteen delay lines that feed each other through a matrix which loses
	nothing, each with a filter that loses just what its length owes to the decay.

	The matrix is Hadamard's, followed by eight plane rotations between lines that turn all the
	while, some tenths of a turn a second. It stays unitary at every moment, so the decay is set by
	the filters alone, and no mode stands still long enough to ring. Delays are whole frames; no
	interpolation takes off treble.
	Line of m frames: the gain at DC is -60 dB m / (rate T), and at the reference frequency it is
	1 / (1 - damping) times that in dB, by a first-order low pass.
	source: J.-M. Jot, "Digital delay networks for designing artificial reverberators" (1991); S.
	Schlecht, E. Habets, "Time-varying feedback matrices in FDNs" (2015) */
#ifndef FB_REVERB_TANK_H
#define FB_REVERB_TANK_H

#include "../dsp/delay_line.h"
#include "../dsp/tap.h"
#include "../dsp/wide.h"

enum { FB_TANK_LINES = 16, FB_TANK_PAIRS = FB_TANK_LINES / 2 };

#define FB_TANK_REFERENCE_HZ 8000.0

/** Two lines' low passes, k / (1 - p z^-1), over four frames of both at a time: lanes 0 to 3 are
	those of line i, 4 to 7 those of line i + 8, its partner in the rotations. */
typedef struct fb_tank_filter {
	fb_v8 k, p, p2, powers; ///< the same in a line's four lanes but for powers: p, p^2, p^3, p^4
} fb_tank_filter;

typedef struct fb_tank {
	fb_tank_filter filter[FB_TANK_PAIRS], aim[FB_TANK_PAIRS]; ///< now, and where the tick ends
	fb_v8 last[FB_TANK_PAIRS];                ///< the filters' last output, in all lanes of a line
	bool moving;                              ///< filter and aim differ
	float c[FB_TANK_PAIRS], s[FB_TANK_PAIRS]; ///< the rotations where the last tick ended
	float turn_c[FB_TANK_PAIRS], turn_s[FB_TANK_PAIRS]; ///< by how much in a tick
	float part[FB_TANK_LINES];      ///< length of each line as a share of the longest
	uint32_t frames[FB_TANK_LINES]; ///< length of each line at rest on a length
	double rate_hz;
	float made_for[3];       ///< decay, damping and length the filters were made for
	float level, level_from; ///< output gain for as much noise out as in; last tick's
	fb_tap length;           ///< of the longest line
	fb_delay_line line[FB_TANK_LINES];
} fb_tank;

/** Floats that fb_tank_init() wants for lines of at most this many frames. */
size_t fb_tank_room(uint32_t longest);
/** Returns what lies behind its room, which is as for fb_delay_line_init(). thread: control */
float *fb_tank_init(fb_tank *tank, double rate_hz, uint32_t longest, float *room);
/** At rest on a length, empty. rt: yes */
void fb_tank_reset(fb_tank *tank, uint32_t longest);
/** Aim for settings; decay in s, damping 0..0.95, longest line in frames, that of the shortest at
	least FB_TICK. A new length fades in. rt: yes */
void fb_tank_aim(fb_tank *tank, float decay, float damping, uint32_t longest);
/** One tick. in: two uncorrelated inputs; mid, side: two uncorrelated outputs. rt: yes */
void fb_tank_tick(fb_tank *tank, float in[2][FB_TICK], float mid[FB_TICK], float side[FB_TICK]);

#endif
