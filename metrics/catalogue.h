/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The catalogue of the 55 metrics: the one place that spells a metric's name, unit, range and
	meaning. Addresses, reports, database keys, Prometheus names and the manual are made from it.
	source: doc/metrics.md is generated from here */
#ifndef FB_CATALOGUE_H
#define FB_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where each metric stands in the catalogue and in a set. */
typedef enum fb_metric {
	FB_M_RMS,
	FB_M_RMS_STABILITY,
	FB_M_PEAK,
	FB_M_TRUE_PEAK,
	FB_M_CREST,
	FB_M_DYNAMIC_RANGE,
	FB_M_DC_OFFSET,
	FB_M_CLIPPING,
	FB_M_LUFS_MOMENTARY,
	FB_M_LUFS_SHORT_TERM,
	FB_M_LUFS_INTEGRATED,
	FB_M_LRA,
	FB_M_PLR,
	FB_M_PSR,
	FB_M_LOUDNESS_ERROR,
	FB_M_NOISE_FLOOR,
	FB_M_SNR,
	FB_M_HUM,
	FB_M_ARTIFACTS,
	FB_M_DROPOUTS,
	FB_M_SILENCE_RATIO,
	FB_M_GAIN_CHANGE,
	FB_M_GAIN_REDUCTION,
	FB_M_CORRELATION,
	FB_M_WIDTH,
	FB_M_BALANCE,
	FB_M_MONO_LOSS,
	FB_M_INTERCHANNEL_DELAY,
	FB_M_PHASE_COHERENCE,
	FB_M_CENTROID,
	FB_M_SPREAD,
	FB_M_ROLLOFF,
	FB_M_FLATNESS,
	FB_M_FLUX,
	FB_M_TILT,
	FB_M_CONTRAST,
	FB_M_PEAK_FREQUENCY,
	FB_M_BAND_SUB,
	FB_M_BAND_BASS,
	FB_M_BAND_LOW_MID,
	FB_M_BAND_MID,
	FB_M_BAND_HIGH_MID,
	FB_M_BAND_PRESENCE,
	FB_M_BAND_AIR,
	FB_M_ZCR,
	FB_M_ONSET_RATE,
	FB_M_TRANSIENT,
	FB_M_PITCH,
	FB_M_HNR,
	FB_M_HUME_STABILITY,
	FB_M_STT_CONFIDENCE,
	FB_M_SI_SDR,
	FB_M_STOI,
	FB_M_LATENCY,
	FB_M_DRIFT,
	FB_METRICS
} fb_metric;

/** How a goal that names a metric without saying how reads it. */
typedef enum fb_sense {
	FB_MORE,   ///< good: more is better
	FB_LESS,   ///< bad: less is better
	FB_TARGET, ///< best at a value
} fb_sense;

typedef struct fb_metric_info {
	const char *id, *group, *label, *unit, *doc;
	double none;               ///< what it reads while it has no answer
	double scale_lo, scale_hi; ///< the span a score maps to 0..1
	fb_sense sense;
	double target, tolerance; ///< FB_TARGET: default; tolerance: where the score has fallen to 0.71
} fb_metric_info;

extern const fb_metric_info fb_metric_catalogue[FB_METRICS];

/** Index of an id, -1 if unknown. thread: any */
int fb_metric_find(const char *id);

/** The largest magnitude a sample may have, +120 dBFS: sums stay finite whatever comes in. */
#define FB_SAMPLE_MAX 1e6f

/** Where a level in dB ends: silence reads this. */
#define FB_LEVEL_FLOOR -120.0

/** One measurement of a station. */
typedef struct fb_metric_set {
	double value[FB_METRICS];        ///< finite, always
	uint64_t valid;                  ///< bit i: value[i] has an answer, else it reads `none`
	uint64_t frame_start, frame_end; ///< the frames measured
	double rate_hz;
	/** Samples of `out` that were no number (read as 0) or beyond FB_SAMPLE_MAX (read as that),
		since create or reset. */
	uint64_t bad_samples;
} fb_metric_set;

/** Does this metric have an answer? thread: any */
static inline bool fb_metric_valid(const fb_metric_set *set, int metric)
{
	return (set->valid >> metric) & 1u;
}

#endif
