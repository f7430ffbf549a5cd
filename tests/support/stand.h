/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A stand for the engine: one station over arrays, serviced after every period as the server
	does. For tests; any failure that is not asked about ends the test. */
#ifndef FB_STAND_H
#define FB_STAND_H

#include "../../graph/station.h"

typedef struct stand {
	fb_engine *engine;
	fb_station *station;
	uint32_t period;
	double rate_hz;
	float *in[2], *out[2]; ///< [frames]; the test fills in
	size_t frames, at;     ///< how many there are, how many are done
} stand;

/** Node types: those of tests/support/nodes and foldback's own. Opened once. */
const fb_nodes *stand_nodes(void);
/** The patch that JSON describes; ' stands for ". */
fb_patch *stand_patch(const char *json);
/** As fb_patch_parse, for what may fail; ' stands for ". */
fb_status stand_parse(const char *json, fb_patch **out, fb_error *error);

/** A station that plays that patch, with a sine of 100 Hz and a quarter of full scale on the left
	and of 150 Hz on the right. 48 kHz. Without the guard: probes put numbers on the wire. */
void stand_open(stand *s, const char *json, uint32_t period, size_t frames);
void stand_close(stand *s);
/** Run so many frames (rounded up to periods), servicing station and engine. */
void stand_run(stand *s, size_t frames);
/** Make this the patch in force. */
void stand_edit(stand *s, const char *json);
/** Set a parameter by name, with its own smoothing. */
void stand_set(stand *s, const char *stage, const char *param, double value);
void stand_bypass(stand *s, const char *stage, bool bypass);

/** The largest second difference of x[first..first+n), which a click makes large: a jump of J
	shows as J, a corner where the slope changes by S per frame as S. */
double stand_bend(const float *x, size_t first, size_t n);
/** The largest difference of two arrays. */
double stand_differ(const float *a, const float *b, size_t n);

#endif
