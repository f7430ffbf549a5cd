/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A bench for one node: loads its shared object, gives it memory, smooths its parameters as the
	host does, and runs it over arrays. For golden tests. */
#ifndef FB_RIG_H
#define FB_RIG_H

#include "../../graph/node.h"

typedef struct fb_rig fb_rig;

/** Load build/nodes/NODE.so and make an instance of type NODE with default parameters (and those
	given as "symbol", value pairs in rig_set before rig_prepare). Aborts the test on any failure.
 */
fb_rig *rig_open(const char *node, double rate_hz);
void rig_close(fb_rig *rig);
const fb_node_desc *rig_desc(const fb_rig *rig);

/** Set by symbol. Before rig_prepare(): the value it is prepared with. After: glides as the host
 * does. */
void rig_set(fb_rig *rig, const char *symbol, double value);
/** Choose by the choice's name. */
void rig_choose(fb_rig *rig, const char *symbol, const char *choice);
/** As rig_set, but with the very next tick: a jump that no host makes for a smoothed parameter. */
void rig_jump(fb_rig *rig, const char *symbol, double value);
/** (Re)make the instance with the values set so far. */
void rig_prepare(fb_rig *rig);
void rig_reset(fb_rig *rig);
uint32_t rig_latency(const fb_rig *rig);
void rig_tempo(fb_rig *rig, double bpm);

/** Run `frames` (a multiple of FB_TICK) frames. in and out list all channels of all ports in
	order; an in[] of NULL is silence and its port counts as unconnected. */
void rig_run(fb_rig *rig, const float *const *in, float *const *out, size_t frames);
double rig_meter(const fb_rig *rig, const char *symbol);

/** A stereo signal before and after a node. */
typedef struct rig_sound {
	float *in[4];  ///< [frames]: zeroed; NULL: the second port, not connected unless the test does
	float *out[2]; ///< [frames]
	size_t frames; ///< that rig_sound_run() runs; may be made fewer
} rig_sound;

rig_sound rig_sound_open(size_t frames);
void rig_sound_close(rig_sound *sound);
void rig_sound_run(fb_rig *rig, const rig_sound *sound);

/** A node and a stereo signal before and after it. */
typedef struct rig_bench {
	fb_rig *rig;
	float *in[2], *out[2]; ///< [frames], zeroed at the start
} rig_bench;

void rig_bench_open(rig_bench *bench, const char *node, double rate_hz, size_t frames);
void rig_bench_close(rig_bench *bench);
/** From in to out, `frames` of them from `first` on. */
void rig_bench_run(rig_bench *bench, size_t first, size_t frames);

/* --- signals and measures for golden tests */
void sig_sine(float *x, size_t frames, double rate_hz, double freq_hz, double peak, double phase);
void sig_noise(float *x, size_t frames, double peak, uint64_t seed); ///< white, uniform
double sig_db(double ratio);                                         ///< of amplitudes, floor -300
double sig_rms_db(const float *x, size_t frames); ///< 10 log10(mean square), floor -300
double sig_peak(const float *x, size_t frames);
/** Level in dB (of a sine's peak) and phase at one frequency over the whole array, Hann-windowed.
 */
double sig_level_db(const float *x, size_t frames, double rate_hz, double freq_hz);
bool sig_finite(const float *x, size_t frames);
float *sig_alloc(size_t frames); ///< zeroed, FB_ALIGN aligned; free() it

#endif
