/* SPDX-License-Identifier: GPL-3.0-or-later */
/** De-esser. It acts where two things come together: the band above the frequency is louder than
   the threshold, and it holds most of what is there. A sibilant does both; a bright vowel or a loud
   line only the first. Turned down is a shelf that moves with the reduction (split), or everything.
 */
#include "../dsp/ballistics.h"
#include "../dsp/clean.h"
#include "../dsp/crossfade.h"
#include "../dsp/fade.h"
#include "../dsp/knee.h"
#include "../dsp/largest.h"
#include "../dsp/matched.h"
#include "../dsp/metadata.h"

#include <string.h>

enum { FREQUENCY, THRESHOLD, RANGE, MODE, LISTEN, N_PARAMS };
enum { METER_REDUCTION, N_METERS };
enum { SPLIT, WIDE };

#define SWITCH_MS 20.0
#define POWER_MS 1.5 /* each of two averagers in a row */
#define ATTACK_MS 1.0
#define RELEASE_MS 25.0
#define RATIO 4.0f
#define KNEE_DB 6.0f
#define FLOOR 1e-20f /* of power, -200 dB: what silence reads as */

/* Share of the band in the whole, dB: from none of the reduction to all of it. Vowels of speech lie
   below the first, sibilants above the second. */
#define SHARE_NONE_DB (-15.0f)
#define SHARE_ALL_DB (-6.0f)

typedef struct deess_node {
	double rate_hz, power_share;
	bool fresh;         ///< reset: take the next tick's values at once
	float frequency_hz; ///< that band and warp were made for
	double warp;        ///< tan(pi f / rate)
	fb_times times;
	fb_fade wide, listen;
	fb_section band[2]; ///< high pass, 24 dB per octave
	fb_section_state band_state[2];
	fb_stereo power[2]; ///< averages of the band's and the whole power
	fb_ballistics reduction;
	fb_section shelf;
	fb_section_state shelf_state;
} deess_node;

static void design_band(const deess_node *self, float frequency_hz, fb_section out[2])
{
	double w = 2.0 * M_PI * fmin((double)frequency_hz / self->rate_hz, 0.45), w2 = w * w;
	const double q[] = {0.541196100146197, 1.306562964876377}; /* Butterworth, fourth order */
	fb_section sections[3];
	const fb_analog analog[] = {
		{1.0, 0.0, 0.0, 1.0, w / q[0], w2}, {1.0, 0.0, 0.0, 1.0, w / q[1], w2}};
	/* the correction at the top end would be heard by no detector */
	fb_match(analog, 2, sections);
	out[0] = sections[0];
	out[1] = sections[1];
}

/** A high shelf of this gain whose middle is at the frequency. At 0 dB it is exactly the identity.
	source: A. Simper's state-variable shelf */
static fb_section design_shelf(const deess_node *self, float gain_db)
{
	double a = (double)fb_db_to_gain(0.5f * gain_db), g = self->warp * sqrt(a), k = M_SQRT2;
	return fb_section_svf(g, k, a * a, k * a, 1.0);
}

static void rest_shelf(deess_node *self)
{
	self->shelf = design_shelf(self, 0.0f);
	self->shelf_state = (fb_section_state){{0}, {0}};
}

static void set_frequency(deess_node *self, float frequency_hz)
{
	self->frequency_hz = frequency_hz;
	self->warp = tan(M_PI * fmin((double)frequency_hz / self->rate_hz, 0.45));
}

/** At rest, with these values in force. */
static void start(deess_node *self, const float *values)
{
	set_frequency(self, values[FREQUENCY]);
	design_band(self, self->frequency_hz, self->band);
	memset(self->band_state, 0, sizeof self->band_state);
	memset(self->power, 0, sizeof self->power);
	self->reduction = (fb_ballistics){0.0, 0.0};
	rest_shelf(self);
	fb_fade_set(&self->wide, values[MODE] > 0.5f);
	fb_fade_set(&self->listen, values[LISTEN] > 0.5f);
	self->fresh = false;
}

static size_t instance_size(double rate_hz, const float *values)
{
	(void)rate_hz;
	(void)values;
	return sizeof(deess_node);
}

static bool prepare(void *instance, double rate_hz, const float *values)
{
	deess_node *self = instance;
	self->rate_hz = rate_hz;
	self->power_share = fb_time_share(POWER_MS * 1e-3 * rate_hz);
	self->times = fb_times_make(ATTACK_MS * 1e-3 * rate_hz, RELEASE_MS * 1e-3 * rate_hz, 0.0);
	fb_fade_init(&self->wide, rate_hz, SWITCH_MS);
	fb_fade_init(&self->listen, rate_hz, SWITCH_MS);
	start(self, values);
	return true;
}

static void reset(void *instance) FB_RT
{
	deess_node *self = instance;
	self->fresh = true;
}

/** The signal's band above the frequency. */
static void filter_band(deess_node *self, float frequency_hz, fb_stereo x[FB_TICK])
{
	if (frequency_hz == self->frequency_hz) {
		const fb_section *const sections[] = {&self->band[0], &self->band[1]};
		fb_section_state *const states[] = {&self->band_state[0], &self->band_state[1]};
		fb_section_run_all(2, sections, states, x);
		return;
	}
	fb_section to[2];
	set_frequency(self, frequency_hz);
	design_band(self, frequency_hz, to);
	for (int i = 0; i < 2; i++) {
		fb_section_glide(&self->band[i], &to[i], &self->band_state[i], x, FB_TICK);
		self->band[i] = to[i];
	}
}

/** Mean square of the band and of the whole, both sides together, smoothed twice. */
static void measure(deess_node *self, const fb_stereo band[FB_TICK], const fb_stereo whole[FB_TICK],
	float band_power[FB_TICK], float whole_power[FB_TICK])
{
	const fb_stereo share = {self->power_share, self->power_share};
	fb_stereo first = self->power[0], second = self->power[1];
	for (int i = 0; i < FB_TICK; i++) {
		fb_stereo b = band[i] * band[i], w = whole[i] * whole[i];
		fb_stereo power = {0.5 * (b[0] + b[1]), 0.5 * (w[0] + w[1])};
		first += (power - first) * share;
		second += (first - second) * share;
		band_power[i] = (float)second[0];
		whole_power[i] = (float)second[1];
	}
	self->power[0] = first;
	self->power[1] = second;
}

/** From powers to what is asked for, dB, in place of the band's; false if that is nothing. */
static bool ask(const float *values, float band[FB_TICK], const float whole[FB_TICK])
{
	float most = fb_db_to_gain(2.0f * (values[THRESHOLD] - 0.5f * KNEE_DB));
	if (fb_largest(band, FB_TICK) <= most) {
		return false;
	}
	fb_knee knee = fb_knee_make(values[THRESHOLD], RATIO, KNEE_DB);
	float range = values[RANGE];
	for (int i = 0; i < FB_TICK; i++) {
		float level = 0.5f * fb_gain_to_db(band[i] + FLOOR);
		float share = level - 0.5f * fb_gain_to_db(whole[i] + FLOOR);
		float part = (share - SHARE_NONE_DB) * (1.0f / (SHARE_ALL_DB - SHARE_NONE_DB));
		part = part < 0.0f ? 0.0f : part;
		part = part > 1.0f ? 1.0f : part;
		float reduction = fb_knee_reduction(&knee, level) * part * part * (3.0f - 2.0f * part);
		band[i] = reduction > range ? range : reduction;
	}
	return true;
}

/** Reduction of a tick in dB, in place of the band's power; returns the most. */
static float reduce(
	deess_node *self, const float *values, float band[FB_TICK], const float whole[FB_TICK])
{
	if (!ask(values, band, whole)) {
		memset(band, 0, FB_TICK * sizeof *band);
		if (fb_ballistics_rest(&self->reduction)) {
			return 0.0f;
		}
	}
	fb_ballistics_tick(&self->reduction, &self->times, band);
	return fb_largest(band, FB_TICK);
}

/** One tick of the moving shelf, in place. */
static void run_shelf(deess_node *self, fb_stereo x[FB_TICK])
{
	fb_section to = design_shelf(self, (float)-self->reduction.value);
	fb_section_glide(&self->shelf, &to, &self->shelf_state, x, FB_TICK);
	self->shelf = to;
}

static void run_wide(const float reduction[FB_TICK], fb_stereo x[FB_TICK])
{
	float gain[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		gain[i] = fb_db_to_gain(-reduction[i]);
	}
	for (int i = 0; i < FB_TICK; i++) {
		x[i] *= (fb_stereo){(double)gain[i], (double)gain[i]};
	}
}

/** Turn a tick down as the mode says, or as both say while it changes. */
static void turn_down(
	deess_node *self, bool wide, const float reduction[FB_TICK], fb_stereo x[FB_TICK])
{
	float from;
	float to = fb_fade_tick(&self->wide, wide, &from);
	if (from + to == 2.0f) {
		run_wide(reduction, x);
		rest_shelf(self);
		return;
	}
	fb_stereo other[FB_TICK];
	memcpy(other, x, sizeof other);
	run_shelf(self, x);
	if (from + to > 0.0f) {
		run_wide(reduction, other);
		fb_crossfade(from, to, x, other, x);
	}
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	deess_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	_Alignas(FB_ALIGN) float clean[2][FB_TICK], power[FB_TICK], whole[FB_TICK];
	fb_clean_tick(tick->in[0], clean[0]);
	fb_clean_tick(tick->in[1], clean[1]);
	fb_stereo x[FB_TICK], band[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = (fb_stereo){(double)clean[0][i], (double)clean[1][i]};
	}
	memcpy(band, x, sizeof band);
	filter_band(self, tick->to[FREQUENCY], band);
	measure(self, band, x, power, whole);
	float most = reduce(self, tick->to, power, whole);
	tick->meter[METER_REDUCTION] = most;

	bool shelved = self->shelf.e != 0.0 || self->shelf.f != 0.0;
	bool wide = tick->to[MODE] > 0.5f;
	if (most > 0.0f || shelved) {
		turn_down(self, wide, power, x);
	} else {
		fb_fade_set(&self->wide, wide); /* they are the same now */
		rest_shelf(self);
	}
	float from;
	float to = fb_fade_tick(&self->listen, tick->to[LISTEN] > 0.5f, &from);
	if (from + to > 0.0f) {
		fb_crossfade(from, to, x, band, x);
	}
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = (float)x[i][0];
		tick->out[1][i] = (float)x[i][1];
	}
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, de-essed", 2}};

static const char *const modes[] = {"split", "wide", NULL};

static const fb_param_info params[N_PARAMS] = {
	[FREQUENCY] = {.symbol = "frequency",
		.label = "Frequency",
		.unit = "Hz",
		.doc =
			"Where sibilants begin: what lies above is measured, and turned down in split. 4 to 6 "
			"kHz for low voices, 6 to 9 for high ones",
		.scale = FB_SCALE_LOG,
		.min = 2000.0f,
		.max = 12000.0f,
		.def = 5000.0f,
		.smooth_ms = 30.0f},
	[THRESHOLD] = {.symbol = "threshold",
		.label = "Threshold",
		.unit = "dB",
		.doc =
			"RMS level in dBFS above the frequency from which sibilants are turned down, 3 dB for "
			"each 4 they exceed it by",
		.min = -60.0f,
		.max = 0.0f,
		.def = -36.0f,
		.smooth_ms = 30.0f},
	[RANGE] = {.symbol = "range",
		.label = "Range",
		.unit = "dB",
		.doc = "The most it turns down. More than 10 begins to lisp",
		.min = 0.0f,
		.max = 24.0f,
		.def = 8.0f,
		.smooth_ms = 30.0f},
	[MODE] = {.symbol = "mode",
		.label = "Mode",
		.unit = "",
		.doc = "split turns down what lies above the frequency, as a shelf; wide turns down "
			   "everything, which leaves the colour of the sibilant",
		.kind = FB_CHOICE,
		.max = 1.0f,
		.choices = modes},
	[LISTEN] = {.symbol = "listen",
		.label = "Listen",
		.unit = "",
		.doc = "Hear what the detector hears, to find the frequency",
		.kind = FB_BOOL,
		.max = 1.0f},
};

static const fb_meter_info meters[N_METERS] = {
	[METER_REDUCTION] = FB_REDUCTION_METER("The most that sibilants were turned down", 24.0f),
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "deess",
	.label = "De-esser",
	.doc =
		"Softens s and sh in speech and song and leaves the rest alone, to the bit: it acts only "
		"where the band above the frequency is both loud and most of what is heard",
	.category = "dynamics",
	FB_NODE_HAS(meters),
};

FB_NODE_ENTRY(desc)
