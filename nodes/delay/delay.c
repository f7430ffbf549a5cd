/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Echo: a stereo or ping-pong delay of whole samples, in ms or in notes, with gentle filters in
	its loop. */
#include "../dsp/clean.h"
#include "../dsp/delay_line.h"
#include "../dsp/fade.h"
#include "../dsp/onepole.h"
#include "../dsp/ramp.h"
#include "../dsp/tap.h"
#include "../dsp/wide.h"

enum { TIME, SYNC, NOTE, TEMPO, FEEDBACK, LOW_CUT, HIGH_CUT, PING_PONG, MIX, N_PARAMS };
enum { SYNC_OFF, SYNC_TEMPO, SYNC_TRANSPORT };

#define LONGEST_S 2.0
#define SHORTEST_RING_S 0.5 /* LONGEST_S halved twice */
#define TAP_FADE_MS 30.0
#define SWITCH_MS 30.0
#define LOW_CUT_OFF 20.0f
#define HIGH_CUT_OFF 20000.0f

static const char *const note_names[] = {"1/1", "1/2.", "1/2", "1/2t", "1/4.", "1/4", "1/4t",
	"1/8.", "1/8", "1/8t", "1/16.", "1/16", "1/16t", "1/32"};
static const double note_beats[] = {4.0, 3.0, 2.0, 4.0 / 3.0, 1.5, 1.0, 2.0 / 3.0, 0.75, 0.5,
	1.0 / 3.0, 0.375, 0.25, 1.0 / 6.0, 0.125};
#define N_NOTES (sizeof note_beats / sizeof *note_beats)

/** A filter of the loop that can be out of it: `in` is its share. */
typedef struct cut {
	fb_fade in;
	float corner_hz, coef; ///< where the last tick ended
	float state[2];
} cut;

typedef struct delay_node {
	double rate_hz;
	bool fresh;        ///< the next tick starts at rest on its parameters
	bool lost;         ///< the lines have let go of something since they were empty
	uint32_t provided; ///< frames of the rings that have memory; control's
	fb_tap tap;
	fb_fade ping_pong;
	cut low, high;
	fb_delay_line line[2];
	_Alignas(FB_ALIGN) float room[]; ///< of the lines
} delay_node;

/** A tempo that can be used, whatever the transport says. */
static double usable_tempo(const float *values, float transport_bpm)
{
	bool transport = (int)values[SYNC] == SYNC_TRANSPORT && transport_bpm > 0.0f;
	return fb_clamp((double)(transport ? transport_bpm : values[TEMPO]), 10.0, 1000.0);
}

static uint32_t wanted_frames(const delay_node *self, const float *values, float transport_bpm)
{
	double seconds = (double)values[TIME] * 1e-3;
	if ((int)values[SYNC] != SYNC_OFF) {
		seconds = note_beats[(int)values[NOTE]] * 60.0 / usable_tempo(values, transport_bpm);
		while (seconds > LONGEST_S) {
			seconds *= 0.5;
		}
	}
	double frames = floor(seconds * self->rate_hz + 0.5);
	return frames < 1.0 ? 1u : (uint32_t)frames;
}

static uint32_t ring_frames(double rate_hz, double seconds)
{
	return fb_delay_line_frames((uint32_t)ceil(seconds * rate_hz));
}

/** Frames of a ring for these values: all that one walks through stays in memory and passes
	through the cache, so it is no longer than twice the time, in few steps. In sync a tempo on
	its way passes any time. */
static uint32_t wanted_ring(double rate_hz, const float *values)
{
	double seconds = (int)values[SYNC] == SYNC_OFF ? SHORTEST_RING_S : LONGEST_S;
	while (seconds < LONGEST_S && seconds < 2e-3 * (double)values[TIME]) {
		seconds *= 2.0;
	}
	return ring_frames(rate_hz, seconds);
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)params;
	return sizeof(delay_node) +
		   2 * fb_delay_line_room(ring_frames(rate_hz, LONGEST_S)) * sizeof(float);
}

static void provide(void *instance, const float *params)
{
	delay_node *self = instance;
	uint32_t frames = wanted_ring(self->rate_hz, params);
	if (frames > self->provided) {
		fb_delay_line_provide(&self->line[0], self->provided, frames);
		fb_delay_line_provide(&self->line[1], self->provided, frames);
		self->provided = frames;
	}
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	delay_node *self = instance;
	self->rate_hz = rate_hz;
	self->fresh = true;
	uint32_t longest = ring_frames(rate_hz, LONGEST_S);
	fb_delay_line_init(
		&self->line[1], longest, fb_delay_line_init(&self->line[0], longest, self->room));
	return true;
}

static void reset(void *instance) FB_RT
{
	delay_node *self = instance;
	self->fresh = true; /* and then the lines are emptied */
}

static bool low_on(const float *values)
{
	return values[LOW_CUT] > LOW_CUT_OFF;
}

static bool high_on(const float *values)
{
	return values[HIGH_CUT] < HIGH_CUT_OFF;
}

static void cut_settle(cut *filter, double rate_hz, float corner_hz, bool on)
{
	*filter = (cut){.corner_hz = corner_hz, .coef = fb_onepole_coef((double)corner_hz, rate_hz)};
	fb_fade_init(&filter->in, rate_hz, SWITCH_MS);
	fb_fade_set(&filter->in, on);
}

/** To rest on these values, with empty lines. */
static void settle(delay_node *self, const float *values, float transport_bpm)
{
	for (int c = 0; c < 2; c++) {
		self->line[c].frames = wanted_ring(self->rate_hz, values);
		fb_delay_line_reset(&self->line[c]);
	}
	self->lost = false;
	cut_settle(&self->low, self->rate_hz, values[LOW_CUT], low_on(values));
	cut_settle(&self->high, self->rate_hz, values[HIGH_CUT], high_on(values));
	fb_fade_init(&self->ping_pong, self->rate_hz, SWITCH_MS);
	fb_fade_set(&self->ping_pong, values[PING_PONG] > 0.5f);
	fb_tap_init(&self->tap, self->rate_hz, TAP_FADE_MS, wanted_frames(self, values, transport_bpm));
	self->fresh = false;
}

/** Longer rings as soon as the values want them and the lines can. */
static void keep_enough(delay_node *self, const float *values)
{
	const fb_delay_line *line = &self->line[0];
	if (!fb_delay_line_can_grow(line)) {
		return;
	}
	uint32_t frames = wanted_ring(self->rate_hz, values);
	if (frames > line->frames) {
		fb_delay_line_grow(&self->line[0], frames);
		fb_delay_line_grow(&self->line[1], frames);
	} else {
		self->lost = self->lost || line->age == line->frames;
	}
}

/** Have the lines kept so much? What was before they were empty is silence, which they have; a tap
	that comes to what they let go of would start in the middle of a sound. */
static bool kept(const delay_node *self, uint32_t delay)
{
	const fb_delay_line *line = &self->line[0];
	return delay <= line->frames - FB_TICK && (!self->lost || delay <= line->age);
}

/** Move a filter to its corner at the end of the tick. False: it is out and stays out. */
static bool cut_tick(
	cut *filter, double rate_hz, float corner_hz, bool on, fb_ramp *in, fb_ramp *coef)
{
	float from, to = fb_fade_tick(&filter->in, on, &from), coef_from = filter->coef;
	*in = fb_ramp_of(from, to);
	if (corner_hz != filter->corner_hz) {
		filter->corner_hz = corner_hz;
		filter->coef = fb_onepole_coef((double)corner_hz, rate_hz);
	}
	*coef = fb_ramp_of(coef_from, filter->coef);
	if (from == 0.0f && to == 0.0f) {
		filter->state[0] = filter->state[1] = 0.0f;
		return false;
	}
	return true;
}

/** What goes on for one tick. */
typedef struct now {
	const float *in[2];
	fb_ramp feedback, ping_pong, low_in, low_coef, high_in, high_coef;
	bool filtered;
	float weight[FB_TICK];
	float echo[2][FB_TICK];
} now;

/** The taps for n frames from `first` on. */
static inline void read_echo(const delay_node *self, now *t, uint32_t first, uint32_t n)
{
	for (int c = 0; c < 2; c++) {
		const float *a = fb_delay_line_read(&self->line[c], first, self->tap.now);
		float *restrict echo = t->echo[c] + first;
		if (!fb_tap_fading(&self->tap)) {
			memcpy(echo, a, n * sizeof(float));
			continue;
		}
		const float *b = fb_delay_line_read(&self->line[c], first, self->tap.next);
		for (uint32_t i = 0; i < n; i++) {
			echo[i] = a[i] + t->weight[first + i] * (b[i] - a[i]);
		}
	}
}

/** What enters the loop: own side's signal and echo, or, in ping-pong, the middle and the echo of
	the right side to the left, and the echo of the left to the right. Between the two as far as the
	switch has come; no mixture is louder than the louder of both. */
static inline void feed(
	const now *t, uint32_t first, uint32_t n, float *restrict l, float *restrict r)
{
	const float *restrict in_l = t->in[0] + first, *restrict in_r = t->in[1] + first;
	const float *restrict echo_l = t->echo[0] + first, *restrict echo_r = t->echo[1] + first;
	for (uint32_t i = 0; i < n; i++) {
		float p = fb_ease(fb_ramp_at(&t->ping_pong, first + i));
		float f = fb_ramp_at(&t->feedback, first + i);
		float mid = 0.5f * (in_l[i] + in_r[i]);
		l[i] = (1.0f - p) * (in_l[i] + f * echo_l[i]) + p * (mid + f * echo_r[i]);
		r[i] = (1.0f - p) * (in_r[i] + f * echo_r[i]) + p * (f * echo_l[i]);
	}
}

/** Both cuts on both channels in one loop: the four recursions then run side by side. A cut whose
	share is 0 leaves the bits alone. */
static inline void filter(delay_node *self, const now *t, uint32_t first, uint32_t n,
	float *restrict l, float *restrict r)
{
	cut low = self->low, high = self->high;
	for (uint32_t i = 0; i < n; i++) {
		float in = fb_ease(fb_ramp_at(&t->low_in, first + i));
		float coef = fb_ramp_at(&t->low_coef, first + i);
		float yl = l[i] - in * fb_onepole_low(&low.state[0], coef, l[i]);
		float yr = r[i] - in * fb_onepole_low(&low.state[1], coef, r[i]);
		in = fb_ease(fb_ramp_at(&t->high_in, first + i));
		coef = fb_ramp_at(&t->high_coef, first + i);
		l[i] = yl + in * (fb_onepole_low(&high.state[0], coef, yl) - yl);
		r[i] = yr + in * (fb_onepole_low(&high.state[1], coef, yr) - yr);
	}
	self->low = low;
	self->high = high;
}

/** n frames from `first` on; n <= the shortest delay in use, so that no echo is read too early. */
static inline void run(delay_node *self, now *t, uint32_t first, uint32_t n)
{
	float l[FB_TICK], r[FB_TICK];
	read_echo(self, t, first, n);
	feed(t, first, n, l, r);
	if (t->filtered) {
		filter(self, t, first, n, l, r);
	}
	fb_delay_line_write(&self->line[0], first, l, n);
	fb_delay_line_write(&self->line[1], first, r, n);
}

static void mix(const now *t, const fb_tick *tick)
{
	fb_ramp wet = fb_ramp_of(tick->from[MIX] * 0.01f, tick->to[MIX] * 0.01f);
	for (int c = 0; c < 2; c++) {
		const float *restrict in = t->in[c], *restrict echo = t->echo[c];
		float *restrict out = tick->out[c];
		for (uint32_t i = 0; i < FB_TICK; i++) {
			float w = fb_ramp_at(&wet, i);
			out[i] = in[i] * (1.0f - w) + echo[i] * w;
		}
	}
}

FB_WIDE_ALL static void process(void *instance, const fb_tick *tick) FB_RT
{
	delay_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from, tick->tempo);
	}
	float in[2][FB_TICK];
	now t = {.in = {in[0], in[1]},
		.feedback = fb_ramp_of(tick->from[FEEDBACK] * 0.01f, tick->to[FEEDBACK] * 0.01f)};
	fb_clean_tick(tick->in[0], in[0]);
	fb_clean_tick(tick->in[1], in[1]);
	float from, to = fb_fade_tick(&self->ping_pong, tick->to[PING_PONG] > 0.5f, &from);
	t.ping_pong = fb_ramp_of(from, to);
	bool low = cut_tick(
		&self->low, self->rate_hz, tick->to[LOW_CUT], low_on(tick->to), &t.low_in, &t.low_coef);
	bool high = cut_tick(&self->high, self->rate_hz, tick->to[HIGH_CUT], high_on(tick->to),
		&t.high_in, &t.high_coef);
	t.filtered = low || high;
	fb_tap *tap = &self->tap;
	keep_enough(self, tick->to);
	uint32_t wanted = wanted_frames(self, tick->to, tick->tempo);
	if (kept(self, wanted)) {
		fb_tap_aim(tap, wanted);
	}
	if (fb_tap_fading(tap)) {
		fb_tap_weights(tap, t.weight);
	}
	uint32_t shortest = tap->now < tap->next ? tap->now : tap->next;
	if (shortest >= FB_TICK) {
		run(self, &t, 0, FB_TICK);
	} else {
		for (uint32_t first = 0; first < FB_TICK; first += shortest) {
			uint32_t left = FB_TICK - first;
			run(self, &t, first, left < shortest ? left : shortest);
		}
	}
	mix(&t, tick);
	fb_tap_advance(tap);
	fb_delay_line_advance(&self->line[0]);
	fb_delay_line_advance(&self->line[1]);
	fb_delay_line_fetch(&self->line[0], tap->now);
	fb_delay_line_fetch(&self->line[1], tap->now);
	tick->meter[0] = (float)((double)tap->now * 1e3 / self->rate_hz);
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal and its echoes", 2}};

static const char *const sync_names[] = {"off", "tempo", "transport"};

static const fb_param_info params[N_PARAMS] = {
	[TIME] = {.symbol = "time",
		.label = "Time",
		.unit = "ms",
		.doc = "From the sound to its first echo, and from echo to echo, when sync is off. Whole "
			   "samples; a change fades from the old time to the new and never bends pitch. About "
			   "twice the time is kept: one longer than that comes in when so much has been heard",
		.scale = FB_SCALE_LOG,
		.min = 1.0f,
		.max = 2000.0f,
		.def = 350.0f},
	[SYNC] = {.symbol = "sync",
		.label = "Sync",
		.unit = "",
		.doc = "Where the time comes from: `time` (off), or a note at the tempo set here or at the "
			   "transport's. Where no transport has one, the tempo set here counts",
		.kind = FB_CHOICE,
		.max = 2.0f,
		.choices = sync_names},
	[NOTE] = {.symbol = "note",
		.label = "Note",
		.unit = "",
		.doc = "Length of one echo in sync; . is dotted, t a triplet. A note longer than 2 s is "
			   "halved until it fits, so that it stays in the beat",
		.kind = FB_CHOICE,
		.max = (float)(N_NOTES - 1),
		.def = 5.0f,
		.choices = note_names},
	[TEMPO] = {.symbol = "tempo",
		.label = "Tempo",
		.unit = "bpm",
		.doc = "Quarter notes a minute, for sync to tempo",
		.min = 20.0f,
		.max = 300.0f,
		.def = 120.0f},
	[FEEDBACK] = {.symbol = "feedback",
		.label = "Feedback",
		.unit = "%",
		.doc = "How much of each echo comes round again: at 50 each is 6 dB below the one before",
		.max = 95.0f,
		.def = 30.0f,
		.smooth_ms = 20.0f},
	[LOW_CUT] = {.symbol = "low_cut",
		.label = "Low cut",
		.unit = "Hz",
		.doc = "Takes 6 dB/oct off below here, once more with each echo. 20 is off",
		.scale = FB_SCALE_LOG,
		.min = LOW_CUT_OFF,
		.max = 2000.0f,
		.def = LOW_CUT_OFF,
		.smooth_ms = 80.0f},
	[HIGH_CUT] = {.symbol = "high_cut",
		.label = "High cut",
		.unit = "Hz",
		.doc = "Takes 6 dB/oct off above here, once more with each echo. 20000 is off",
		.scale = FB_SCALE_LOG,
		.min = 500.0f,
		.max = HIGH_CUT_OFF,
		.def = HIGH_CUT_OFF,
		.smooth_ms = 80.0f},
	[PING_PONG] = {.symbol = "ping_pong",
		.label = "Ping-pong",
		.unit = "",
		.doc = "Sends the middle of the signal to the left echo first, then from side to side",
		.kind = FB_BOOL,
		.max = 1.0f},
	[MIX] = {.symbol = "mix",
		.label = "Mix",
		.unit = "%",
		.doc = "Echo against dry signal: 0 is dry to the bit, 100 is echo alone (for a send)",
		.max = 100.0f,
		.def = 25.0f,
		.smooth_ms = 20.0f},
};

static const fb_meter_info meters[] = {
	{"time", "Time", "ms", "The time in force, in sync too", 0.0f, 2000.0f, 0}};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "delay",
	.label = "Delay",
	.doc =
		"Echoes up to 2 s apart, in ms or in notes of a tempo, straight or from side to side, each "
		"repeat darker or thinner if the loop's filters say so. Set mix to 100 on a send",
	.category = "space",
	FB_NODE_HAS(meters),
	.provide = provide,
};

FB_NODE_ENTRY(desc)
