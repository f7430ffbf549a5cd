/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Eight-band equaliser. A band's frequency, gain and Q glide; a change of its type, slope or
   switch crossfades from the old filter to a new one. Bands that do nothing cost nothing. */
#include "../dsp/clean.h"
#include "../dsp/crossfade.h"
#include "../dsp/fade.h"
#include "../dsp/fastmath.h"
#include "band.h"

#include <string.h>

enum { BANDS = 8 };
enum { ON, TYPE, FREQ, GAIN, Q, SLOPE, PER_BAND };
enum { FINEST = 2 }; /* log2 of the parts a tick is drawn in at most */
enum { N_PARAMS = BANDS * PER_BAND, SECTIONS_MAX = BANDS * BAND_SECTIONS };

#define SWITCH_MS 10.0
#define EASE_MS 3.0

/** One filter: its sections in force and what they remember. */
typedef struct eq_bank {
	int n;
	fb_section section[BAND_SECTIONS];
	fb_section_state state[BAND_SECTIONS];
} eq_bank;

typedef struct eq_band {
	band_shape shape; ///< of the bank in force
	band_setting at;  ///< in force; follows what is set
	eq_bank now, old; ///< `old` is heard while the fade is not at 1
	fb_fade fade;     ///< from old to now
} eq_band;

/** Sections that wait to be run together. */
typedef struct eq_queue {
	int n;
	const fb_section *section[SECTIONS_MAX];
	fb_section_state *state[SECTIONS_MAX];
} eq_queue;

typedef struct eq_node {
	double rate_hz;
	float ease[FINEST + 1]; ///< share of the way that a setting goes in a tick, half, quarter
	bool fresh;             ///< reset: take the next tick's values at once
	bool still;             ///< nothing was on the way at the end of the last tick
	float values[N_PARAMS]; ///< where that tick ended
	eq_queue queue;         ///< all that works while it is still
	eq_band bands[BANDS];
} eq_node;

static band_shape shape_of(const float *p)
{
	static const int orders[] = {1, 2, 3, 4, 6, 8};
	band_shape shape = {p[ON] > 0.5f ? (band_type)p[TYPE] : BAND_OFF, 0};
	if (shape.type == BAND_LOW_PASS || shape.type == BAND_HIGH_PASS) {
		shape.order = orders[(int)p[SLOPE]];
	}
	return shape;
}

static bool same_shape(band_shape a, band_shape b)
{
	return a.type == b.type && a.order == b.order;
}

static band_setting setting_of(const float *p)
{
	return (band_setting){p[FREQ], p[GAIN], p[Q]};
}

/** Put a filter at rest with these settings. */
static void bank_start(eq_bank *bank, band_shape shape, const band_setting *set, double rate_hz)
{
	bank->n = band_design(shape, set, rate_hz, bank->section);
	memset(bank->state, 0, sizeof bank->state);
}

static void queue_run(eq_queue *queue, fb_stereo x[FB_TICK])
{
	fb_section_run_all(queue->n, queue->section, queue->state, x);
	queue->n = 0;
}

static void queue_bank(eq_queue *queue, eq_bank *bank)
{
	for (int i = 0; i < bank->n; i++) {
		queue->section[queue->n] = &bank->section[i];
		queue->state[queue->n++] = &bank->state[i];
	}
}

/** Some frames of a filter whose settings move to `set`. */
static void bank_glide(eq_bank *bank, band_shape shape, const band_setting *set, double rate_hz,
	fb_stereo *x, int frames)
{
	fb_section aim[BAND_SECTIONS];
	int n = band_design(shape, set, rate_hz, aim);
	int most = n > bank->n ? n : bank->n;
	for (int i = 0; i < most; i++) {
		const fb_section *to = i < n ? &aim[i] : &fb_section_identity;
		if (i >= bank->n) {
			bank->section[i] = fb_section_identity;
			bank->state[i] = (fb_section_state){{0}, {0}};
		}
		fb_section_glide(&bank->section[i], to, &bank->state[i], x, frames);
		bank->section[i] = *to;
	}
	bank->n = n;
}

static bool same(const band_setting *a, const band_setting *b)
{
	return a->freq_hz == b->freq_hz && a->gain_db == b->gain_db && a->q == b->q;
}

/** How far one setting is from another, each in its own taper. */
typedef struct distance {
	float octaves, gain_db, q_octaves;
} distance;

static distance distance_of(const band_setting *from, const band_setting *to)
{
	return (distance){fb_log2(to->freq_hz / from->freq_hz), to->gain_db - from->gain_db,
		fb_log2(to->q / from->q)};
}

static void go(band_setting *at, const distance *way, float share)
{
	at->freq_hz *= fb_exp2(way->octaves * share);
	at->gain_db += way->gain_db * share;
	at->q *= fb_exp2(way->q_octaves * share);
}

/** Go a share of the way, and all of it once next to nothing is left. */
static void ease(band_setting *at, const band_setting *to, float share)
{
	distance way = distance_of(at, to);
	if (fabsf(way.octaves) < 1e-4f && fabsf(way.gain_db) < 1e-3f && fabsf(way.q_octaves) < 1e-3f) {
		*at = *to;
	} else {
		go(at, &way, share);
	}
}

/** Parts in which a tick is drawn, as the way of the coefficients is a curve: a sweep of ten
	octaves in 50 ms drawn with one chord a tick would be heard as a 1.5 kHz buzz. log2 of their
	number. */
static int parts_of(const distance *way)
{
	float steps = fmaxf(fabsf(way->octaves) / 0.04f,
		fmaxf(fabsf(way->gain_db) / 0.3f, fabsf(way->q_octaves) / 0.1f));
	return steps <= 1.0f ? 0 : steps <= 2.0f ? 1 : FINEST;
}

/** One tick of a band whose settings move. They are eased, as the corners at both ends of the
	host's straight glide would be heard as ticks. */
static void band_glide(eq_node *self, eq_band *band, const band_setting *from,
	const band_setting *to, fb_stereo x[FB_TICK])
{
	distance glide = distance_of(from, to), behind = distance_of(&band->at, to);
	int fine = parts_of(&behind), parts = 1 << fine, frames = FB_TICK >> fine;
	band_setting aim = *from;
	for (int i = 1; i <= parts; i++) {
		go(&aim, &glide, 1.0f / (float)parts);
		ease(&band->at, i < parts ? &aim : to, self->ease[fine]);
		bank_glide(&band->now, band->shape, &band->at, self->rate_hz, x, frames);
		x += frames;
	}
}

/** One tick of a filter at rest. */
static void bank_run(eq_bank *bank, fb_stereo x[FB_TICK])
{
	eq_queue queue = {.n = 0};
	queue_bank(&queue, bank);
	queue_run(&queue, x);
}

/** One tick of a band: `now` at work on x. */
static void band_run(eq_node *self, eq_band *band, const float *from_p, const float *to_p,
	eq_queue *queue, fb_stereo *x)
{
	band_setting from = setting_of(from_p), to = setting_of(to_p);
	if (band->shape.type == BAND_OFF) {
		band->at = to;
	} else if (!same(&from, &to) || !same(&band->at, &to)) {
		queue_run(queue, x);
		band_glide(self, band, &from, &to, x);
	} else {
		queue_bank(queue, &band->now);
	}
}

/** One tick of one band. What is at rest only joins the queue. While a switch is under way both
	filters hear the same input; the old one stays as it was set. */
static void band_tick(eq_node *self, int index, const fb_tick *tick, eq_queue *queue, fb_stereo *x)
{
	eq_band *band = &self->bands[index];
	const float *from = tick->from + index * PER_BAND, *to = tick->to + index * PER_BAND;
	band_shape shape = shape_of(to);
	if (band->fade.at >= 1.0f) {
		if (same_shape(shape, band->shape)) {
			band_run(self, band, from, to, queue, x);
			return;
		}
		band->old = band->now;
		band->shape = shape;
		bank_start(&band->now, shape, &band->at, self->rate_hz);
		fb_fade_set(&band->fade, false);
	}
	queue_run(queue, x);
	fb_stereo old[FB_TICK];
	memcpy(old, x, sizeof old);
	bank_run(&band->old, old);
	band_run(self, band, from, to, queue, x);
	queue_run(queue, x);
	float was, is = fb_fade_tick(&band->fade, true, &was);
	fb_crossfade(was, is, old, x, x);
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(eq_node);
}

/** Is nothing on the way to these values? Then `queue` holds all that works. */
static bool at_rest(eq_node *self, const float *values)
{
	self->queue.n = 0;
	for (int i = 0; i < BANDS; i++) {
		eq_band *band = &self->bands[i];
		band_shape shape = shape_of(values + i * PER_BAND);
		band_setting set = setting_of(values + i * PER_BAND);
		if (band->fade.at < 1.0f || !same_shape(shape, band->shape) ||
			(shape.type != BAND_OFF && !same(&set, &band->at))) {
			return false;
		}
		queue_bank(&self->queue, &band->now);
	}
	return true;
}

/** At rest, with these values in force. */
static void start(eq_node *self, const float *values)
{
	for (int i = 0; i < BANDS; i++) {
		eq_band *band = &self->bands[i];
		fb_fade_set(&band->fade, true);
		band->shape = shape_of(values + i * PER_BAND);
		band->at = setting_of(values + i * PER_BAND);
		bank_start(&band->now, band->shape, &band->at, self->rate_hz);
	}
	self->still = at_rest(self, values);
	memcpy(self->values, values, sizeof self->values);
	self->fresh = false;
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	eq_node *self = instance;
	self->rate_hz = rate_hz;
	for (int i = 0; i <= FINEST; i++) {
		self->ease[i] = (float)-expm1(-(FB_TICK >> i) / (EASE_MS * 1e-3 * rate_hz));
	}
	for (int i = 0; i < BANDS; i++) {
		fb_fade_init(&self->bands[i].fade, rate_hz, SWITCH_MS);
	}
	start(self, params);
	return true;
}

static void reset(void *instance) FB_RT
{
	eq_node *self = instance;
	self->fresh = true;
}

/** One tick in which something moves. */
static void move(eq_node *self, const fb_tick *tick, fb_stereo x[FB_TICK])
{
	eq_queue queue;
	queue.n = 0;
	for (int i = 0; i < BANDS; i++) {
		band_tick(self, i, tick, &queue, x);
	}
	queue_run(&queue, x);
	self->still = at_rest(self, tick->to);
	memcpy(self->values, tick->to, sizeof self->values);
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	eq_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	bool still = self->still && !memcmp(tick->from, self->values, sizeof self->values) &&
				 !memcmp(tick->to, self->values, sizeof self->values);
	if (still && !self->queue.n) {
		fb_clean_tick(tick->in[0], tick->out[0]);
		fb_clean_tick(tick->in[1], tick->out[1]);
		return;
	}
	fb_stereo x[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = (fb_stereo){(double)fb_clean(tick->in[0][i]), (double)fb_clean(tick->in[1][i])};
	}
	if (still) {
		fb_section_run_all(self->queue.n, self->queue.section, self->queue.state, x);
	} else {
		move(self, tick, x);
	}
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = (float)x[i][0];
		tick->out[1][i] = (float)x[i][1];
	}
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, equalised", 2}};

static const char *const types[] = {
	"bell", "low_shelf", "high_shelf", "low_pass", "high_pass", "notch", NULL};
static const char *const slopes[] = {"6dB", "12dB", "18dB", "24dB", "36dB", "48dB", NULL};

#define BAND(n, on_, type_, freq_, slope_)                                                         \
	{.symbol = "b" #n "_on",                                                                       \
		.label = "Band " #n " on",                                                                 \
		.unit = "",                                                                                \
		.doc = "Switches the band in and out, without a click",                                    \
		.kind = FB_BOOL,                                                                           \
		.max = 1.0f,                                                                               \
		.def = on_},                                                                               \
		{.symbol = "b" #n "_type",                                                                 \
			.label = "Band " #n " type",                                                           \
			.unit = "",                                                                            \
			.doc = "Bell and shelves raise or lower by the gain; passes cut beyond the frequency " \
				   "by the slope; a notch takes one frequency out",                                \
			.kind = FB_CHOICE,                                                                     \
			.max = BAND_NOTCH,                                                                     \
			.def = type_,                                                                          \
			.choices = types},                                                                     \
		{.symbol = "b" #n "_freq",                                                                 \
			.label = "Band " #n " frequency",                                                      \
			.unit = "Hz",                                                                          \
			.doc = "Centre of a bell or notch, middle of a shelf's rise, corner of a pass",        \
			.scale = FB_SCALE_LOG,                                                                 \
			.min = 20.0f,                                                                          \
			.max = 20000.0f,                                                                       \
			.def = freq_,                                                                          \
			.smooth_ms = 50.0f},                                                                   \
		{.symbol = "b" #n "_gain",                                                                 \
			.label = "Band " #n " gain",                                                           \
			.unit = "dB",                                                                          \
			.doc = "Of a bell at its centre, of a shelf at its end; passes and notch ignore it. "  \
				   "At 0 the band is out of the path",                                             \
			.min = -24.0f,                                                                         \
			.max = 24.0f,                                                                          \
			.smooth_ms = 30.0f},                                                                   \
		{.symbol = "b" #n "_q",                                                                    \
			.label = "Band " #n " Q",                                                              \
			.unit = "",                                                                            \
			.doc = "Centre frequency over bandwidth. 0.707 is the smooth setting of shelves (no "  \
				   "more than 1.5 there) and passes; more makes a pass ring at its corner",        \
			.scale = FB_SCALE_LOG,                                                                 \
			.min = 0.1f,                                                                           \
			.max = 30.0f,                                                                          \
			.def = 0.70710678f,                                                                    \
			.smooth_ms = 30.0f},                                                                   \
	{                                                                                              \
		.symbol = "b" #n "_slope", .label = "Band " #n " slope", .unit = "",                       \
		.doc = "How steeply a pass falls, per octave; the other types ignore it",                  \
		.kind = FB_CHOICE, .max = 5.0f, .def = slope_, .choices = slopes                           \
	}

static const fb_param_info params[N_PARAMS] = {
	BAND(1, 0.0f, BAND_HIGH_PASS, 80.0f, 3.0f),
	BAND(2, 1.0f, BAND_LOW_SHELF, 120.0f, 1.0f),
	BAND(3, 1.0f, BAND_BELL, 250.0f, 1.0f),
	BAND(4, 1.0f, BAND_BELL, 600.0f, 1.0f),
	BAND(5, 1.0f, BAND_BELL, 1500.0f, 1.0f),
	BAND(6, 1.0f, BAND_BELL, 4000.0f, 1.0f),
	BAND(7, 1.0f, BAND_HIGH_SHELF, 8000.0f, 1.0f),
	BAND(8, 0.0f, BAND_LOW_PASS, 16000.0f, 1.0f),
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "eq",
	.label = "Equaliser",
	.doc =
		"Eight bands of bell, shelves, passes and notch for tone and for cleaning up. The curve is "
		"the analogue one up to 20 kHz; bands at 0 dB leave the signal as it is. Source: matched "
		"z-transform with fitted correction over a state-variable section",
	.category = "filter",
};

FB_NODE_ENTRY(desc)
