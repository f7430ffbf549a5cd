/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Which knobs do anything at all. A knob is probed by a step; since auditions are deterministic, a
	trial that measures the very same as without that step proves the knob dead, there and then. So
	many knobs can be proved dead by one trial, and knobs are probed again when what might wake them
	has moved (the gain of a band wakes its frequency). */
#ifndef FB_PROBE_H
#define FB_PROBE_H

#include "engine.h"

typedef struct fb_probes fb_probes;

fb_probes *fb_probes_create(const fb_trials *history); ///< NULL when out of memory
void fb_probes_destroy(fb_probes *probes);             ///< NULL is allowed

/** Put what should be asked now on the list, unless something waits there still: at the first call
	everything but the many settings of choices, later what might have woken since, about `most`
	questions. Switches in use and settings of choices, which rarely bring anything, wait until
	nothing else does: `stalled`. */
void fb_probes_plan(fb_probes *probes, int most, bool stalled);
/** Add trials from the list. What comes of them is read by the next call; a group that is not dead
	is then asked about in parts. Nothing added: the list is empty. */
void fb_probes_propose(fb_probes *probes, int room, fb_batch *out);

/** [knobs] those that were seen to do something, alone or, not asked alone yet, in a group. What
	else differs between trials makes no difference. */
const bool *fb_probes_live(const fb_probes *probes);
int fb_probes_live_count(const fb_probes *probes);

#endif
