/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A station of formulas for tests of the search: knobs as a tree would list them, and reports as
	the server would give them, of a chain whose best setting is known. */
#ifndef FB_TEST_BENCH_H
#define FB_TEST_BENCH_H

#include "../../../clients/optimizer/trial.h"

/** A gain, an equaliser of two bands (the second switched off) and a fader that does nothing.
	knobs: owned by the caller (fb_knobs_finish) */
static inline void bench_knobs(fb_knobs *knobs)
{
	static const struct {
		const char *node, *name, *unit;
		fb_knob_kind kind;
		fb_scale scale;
		double min, max, start;
	} rows[] = {
		{"trim", "gain", "dB", FB_KNOB_FLOAT, FB_SCALE_LINEAR, -60, 24, 0},
		{"eq", "b1_on", "", FB_KNOB_BOOL, FB_SCALE_LINEAR, 0, 1, 1},
		{"eq", "b1_freq", "Hz", FB_KNOB_FLOAT, FB_SCALE_LOG, 20, 20000, 1000},
		{"eq", "b1_gain", "dB", FB_KNOB_FLOAT, FB_SCALE_LINEAR, -24, 24, 0},
		{"eq", "b2_on", "", FB_KNOB_BOOL, FB_SCALE_LINEAR, 0, 1, 0},
		{"eq", "b2_freq", "Hz", FB_KNOB_FLOAT, FB_SCALE_LOG, 20, 20000, 100},
		{"eq", "b2_gain", "dB", FB_KNOB_FLOAT, FB_SCALE_LINEAR, -24, 24, -6},
		{"out", "nothing", "dB", FB_KNOB_FLOAT, FB_SCALE_LINEAR, -24, 24, 0},
		{"out", "steps", "", FB_KNOB_INT, FB_SCALE_LINEAR, 0, 8, 4},
	};
	enum { N = sizeof rows / sizeof *rows };
	*knobs = (fb_knobs){calloc(N, sizeof *knobs->knob), N};
	for (int k = 0; k < N; k++) {
		char key[64], address[64];
		snprintf(key, sizeof key, "%s.%s", rows[k].node, rows[k].name);
		snprintf(address, sizeof address, "/station/1/%s/%s", rows[k].node, rows[k].name);
		size_t section = strcspn(rows[k].name, "_");
		knobs->knob[k] = (fb_knob){.address = strdup(address),
			.key = strdup(key),
			.node = strdup(rows[k].node),
			.section = strndup(rows[k].name, rows[k].name[section] ? section : 0),
			.unit = strdup(rows[k].unit),
			.label = strdup(rows[k].name),
			.doc = strdup(""),
			.kind = rows[k].kind,
			.scale = rows[k].scale,
			.min = rows[k].min,
			.max = rows[k].max,
			.start = rows[k].start};
	}
}

/** A bell's gain at a frequency, in dB, an octave wide. */
static inline double bench_bell(double gain_db, double at_hz, double freq_hz)
{
	double octaves = log2(at_hz / freq_hz);
	return gain_db / (1.0 + octaves * octaves);
}

/** What the chain measures: loudness, and three bands against the whole. The source is 18 dB too
	soft and has 9 dB too much around 300 Hz, and rumble at 50 Hz that the second band takes. */
static inline json_t *bench_report(const fb_knobs *knobs, const double *value)
{
	static const double at_hz[3] = {50, 300, 3000}, is_db[3] = {-12, -3, -16},
						wanted_db[3] = {-18, -12, -16};
	(void)knobs;
	double band[3], parts[4];
	for (int i = 0; i < 3; i++) {
		band[i] = is_db[i] + (value[1] != 0.0 ? bench_bell(value[3], at_hz[i], value[2]) : 0.0) +
				  (value[4] != 0.0 ? bench_bell(value[6], at_hz[i], value[5]) : 0.0);
		double off = (band[i] - wanted_db[i]) / 3.0;
		parts[i] = 1.0 / sqrt(1.0 + off * off);
	}
	double loudness = -41.0 + value[0] + 0.3 * (band[1] + 3.0), off = (loudness + 23.0) / 3.0,
		   latency = 0.5 * value[8];
	parts[3] = 1.0 / sqrt(1.0 + off * off);
	double calm = 1.0 - latency / 10.0;
	double score = 100.0 * (parts[0] + parts[1] + parts[2] + 2.0 * parts[3] + 0.5 * calm) / 5.5;
	return json_pack("{s:s, s:f, s:{s:f, s:f, s:f, s:f, s:f}, s:[], s:{s:f, s:f, s:f, s:f, s:f}}",
		"run_id", "test", "score", score, "metrics", "low", band[0], "mid", band[1], "high",
		band[2], "loudness", loudness, "latency", latency, "invalid", "score_parts", "low",
		parts[0], "mid", parts[1], "high", parts[2], "loudness", parts[3], "latency", calm);
}

static inline void bench_add(fb_trials *history, const double *value, const char *why, int round)
{
	fb_error error;
	json_t *report = bench_report(history->knobs, value);
	assert_int_equal(fb_trials_add(history, value, why, round, report, &error), FB_OK);
	json_decref(report);
}

static inline void bench_begin(fb_trials *history, const fb_knobs *knobs)
{
	fb_error error;
	double start[16];
	for (int k = 0; k < knobs->count; k++) {
		start[k] = knobs->knob[k].start;
	}
	json_t *report = bench_report(knobs, start);
	assert_int_equal(fb_trials_begin(history, knobs, 0.02, report, &error), FB_OK);
	json_decref(report);
}

#endif
