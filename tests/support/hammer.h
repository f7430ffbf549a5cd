/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What no node may give way to: parameters thrown from end to end every tick, and every kind of
	input that is not music. Aborts the test at the first thing found. */
#ifndef FB_HAMMER_H
#define FB_HAMMER_H

/** Hammer a node for so many seconds at each sample rate from 8 to 192 kHz: full-scale noise, DC,
	squares, clicks and silence, then NaN, infinity and 1e30, all parameters jumping every tick.
	Holds it to:
	- every output sample is finite;
	- no output sample exceeds `bound` while the input stays within full scale;
	- back on default parameters, silence in becomes exact or near silence (-120 dBFS) out after
	  `tail_s` seconds;
	- after reset() it gives the bits of a fresh instance.
	The flush-to-zero mode of the audio thread is on, as in the host. */
void hammer_node(const char *node, double seconds, double bound, double tail_s);

#endif
