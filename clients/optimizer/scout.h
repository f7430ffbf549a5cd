/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Sections that sleep, put to use: what takes several knobs at once. A band of an equaliser that
	could be a notch does nothing until it is one, makes things worse wherever it stands by chance,
	and cures a hum at one place alone: no step of one knob leads there.

	So each setting that no such section has from the start is tried from end to end of the
	section's longest knob, in whichever of the sections sleeps nearest. Where it brings back most
	of what the goal misses, for the least that it spoils, is looked at closer, over all numbers of
	the section. */
#ifndef FB_SCOUT_H
#define FB_SCOUT_H

#include "engine.h"
#include "probe.h"

typedef struct fb_scout fb_scout;

/** Both are borrowed. NULL when out of memory */
fb_scout *fb_scout_create(const fb_trials *history, const fb_probes *probes);
void fb_scout_destroy(fb_scout *scout); ///< NULL is allowed

/** Look out from the best so far, unless that was done from about there already. */
void fb_scout_begin(fb_scout *scout);
/** Add trials; what comes of them is read by the next call. Nothing added: there is no more to see
	from here. */
void fb_scout_propose(fb_scout *scout, int room, fb_batch *out);

/** [knobs] those of sections that were put to use for good, found closer than a model could. */
const bool *fb_scout_settled(const fb_scout *scout);

#endif
