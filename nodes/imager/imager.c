/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Stereo width, over all and in three bands, made on the side signal alone.

	Let S = (L - R) / 2 become S'. The outputs are L + (S' - S) and R - (S' - S): the mono sum
   cannot change, whatever the settings, and where S' = S the very bits pass. Crossovers that split
   and re-join both channels would turn the phase of the whole mix as soon as one control moves.
   Here the bands are three stretches of one minimum-phase response of the side, whose power is what
	splitting it at 12 dB/oct would give:

	|S'/S|^2 = ((lo^2 + mid^2 X) / (1 + X) + hi^2 Y) / (1 + Y), X = (f / low_freq)^4, Y likewise

	so bands of one width sum to a flat response without a residue. See numerator(). */
#include "../dsp/clean.h"
#include "../dsp/fade.h"
#include "../dsp/ramp.h"
#include "../dsp/svf.h"
#include "../dsp/wide.h"

#include <complex.h>
#include <string.h>

enum { WIDTH, LOW_WIDTH, MID_WIDTH, HIGH_WIDTH, LOW_FREQ, HIGH_FREQ, MONO_BELOW, N_PARAMS };

#define MONO_OFF 20.0f
#define SWITCH_MS 30.0

/** The bands as S' = h S + low . {band, low output of the low filter} + high . {of the high one}.
	In this parallel form a straight glide from one setting to another is the same glide between the
	two responses, and so never louder than the louder one. */
typedef struct bands {
	fb_svf_pair low, high;
	double h;
} bands;

typedef struct setting {
	fb_svf_coef mono, low, high;
	bands bands;
	double mono_share; ///< of the mono filter
} setting;

/** The bands of a setting at rest, four frames at a time: what a frame adds to the next three and
	to the states after them is worked out beforehand, so that none waits for the one before it. */
enum { STILL = 4 };
typedef struct steady {
	bool made;
	fb_svf_pair out_x[STILL][2], out_state[STILL][2]; ///< frames 0 and 1, 2 and 3, from a frame,
													  ///< from a state: band and low of either
	fb_svf_pair state_x[STILL][2], own[2], other[2];  ///< both filters' states from a frame, from
													  ///< themselves, from their neighbours
} steady;

typedef struct imager_node {
	double rate_hz;
	bool fresh; ///< the next tick starts at rest on its parameters
	fb_fade mono;
	float values[N_PARAMS];       ///< that `at` was made from
	setting at;                   ///< where the last tick ended
	steady steady;                ///< the same, if it was needed yet
	fb_svf_pair mono_svf, svf[2]; ///< at mono_below; at both crossovers
} imager_node;

/** s^2 + 2 damp corner s + corner^2 */
typedef struct quadratic {
	double damp, corner;
} quadratic;

static double complex value_at(const quadratic *q, double complex s)
{
	return s * s + 2.0 * q->damp * q->corner * s + q->corner * q->corner;
}

/** The response's numerator, in two quadratics, over that at infinity.

	With z = w^4 and w in units of the low crossover, the power in the first comment is
	(C + B z + A z^2) / ((z + 1) (z + u) / u), u = ratio^4, C = lo^2, B = mid^2 + hi^2 / u,
	A = hi^2 / u. The roots in z are both negative, or a complex pair. Each negative one is a
	Butterworth quadratic of corner r^(1/4); a pair of radius R and angle phi makes two quadratics
   of corner R^(1/4) and dampings sin(phi / 4) and cos(phi / 4). */
static void numerator(double lo, double mid, double hi, double ratio, quadratic out[2])
{
	double u = pow(ratio, 4.0), a = hi * hi / u, b = mid * mid + a, c = lo * lo;
	double disc = b * b - 4.0 * a * c;
	if (disc >= 0.0) {
		double top = 0.5 * (b + sqrt(disc));
		out[0] = (quadratic){M_SQRT1_2, pow(c / top, 0.25)};
		out[1] = (quadratic){M_SQRT1_2, pow(top / a, 0.25)};
	} else {
		double quarter = 0.25 * acos(-b / (2.0 * sqrt(a * c))), corner = pow(c / a, 0.125);
		out[0] = (quadratic){sin(quarter), corner};
		out[1] = (quadratic){cos(quarter), corner};
	}
}

/** Share of one filter in the partial fractions of h num / (own other). */
static fb_svf_pair share(
	double h, const quadratic num[2], const quadratic *own, const quadratic *other)
{
	const double complex pole = own->corner * M_SQRT1_2 * (-1.0 + I);
	double complex v =
		h * value_at(&num[0], pole) * value_at(&num[1], pole) / value_at(other, pole);
	double band = cimag(v) / cimag(pole);
	double low = creal(v) - band * creal(pole);
	return (fb_svf_pair){band / own->corner, low / (own->corner * own->corner)};
}

/** ratio: of the warped crossovers, above 1. */
static bands bands_of(double lo, double mid, double hi, double ratio)
{
	if (lo == mid && mid == hi) {
		return (bands){.h = mid};
	}
	double least = 1e-5 * fmax(lo, fmax(mid, hi)); /* -100 dB: a root must be somewhere */
	const quadratic low = {M_SQRT1_2, 1.0}, high = {M_SQRT1_2, ratio};
	quadratic num[2];
	hi = fmax(hi, least);
	numerator(fmax(lo, least), fmax(mid, least), hi, ratio, num);
	return (bands){
		.low = share(hi, num, &low, &high), .high = share(hi, num, &high, &low), .h = hi};
}

static bool mono_on(const float *values)
{
	return values[MONO_BELOW] > MONO_OFF;
}

static setting setting_of(const imager_node *self, const float *values)
{
	double mono = fb_svf_warp((double)values[MONO_BELOW], self->rate_hz);
	double low = fb_svf_warp((double)values[LOW_FREQ], self->rate_hz);
	double high = fb_svf_warp((double)values[HIGH_FREQ], self->rate_hz);
	double width = (double)values[WIDTH] * 0.01;
	setting made = {.mono = fb_svf_make(mono),
		.low = fb_svf_make(low),
		.high = fb_svf_make(high),
		.bands = bands_of((double)values[LOW_WIDTH] * 0.01, (double)values[MID_WIDTH] * 0.01,
			(double)values[HIGH_WIDTH] * 0.01, high / low),
		.mono_share = (double)fb_ease(self->mono.at)};
	made.bands.h *= width;
	made.bands.low *= width;
	made.bands.high *= width;
	return made;
}

/** No filter has a share: the side is only scaled. */
static bool plain(const setting *s)
{
	const fb_svf_pair low = s->bands.low, high = s->bands.high;
	return s->mono_share == 0.0 && low[0] == 0.0 && low[1] == 0.0 && high[0] == 0.0 &&
		   high[1] == 0.0;
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(imager_node);
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	imager_node *self = instance;
	self->rate_hz = rate_hz;
	self->fresh = true;
	return true;
}

static void rest(imager_node *self)
{
	self->mono_svf = self->svf[0] = self->svf[1] = (fb_svf_pair){0.0, 0.0};
}

static void reset(void *instance) FB_RT
{
	imager_node *self = instance;
	rest(self);
	self->fresh = true;
}

static void settle(imager_node *self, const float *values)
{
	fb_fade_init(&self->mono, self->rate_hz, SWITCH_MS);
	fb_fade_set(&self->mono, mono_on(values));
	memcpy(self->values, values, sizeof self->values);
	self->at = setting_of(self, values);
	self->steady.made = false;
	self->fresh = false;
}

/** Whether anything moves in this tick; if so, *to is where it ends, and is made anew. */
static bool moves(imager_node *self, const float *values, setting *to)
{
	float from, end = fb_fade_tick(&self->mono, mono_on(values), &from);
	if (from == end && !memcmp(self->values, values, sizeof self->values)) {
		return false;
	}
	memcpy(self->values, values, sizeof self->values);
	*to = setting_of(self, values);
	self->steady.made = false;
	return true;
}

static fb_svf_coef glide_coef(const fb_svf_coef *from, const fb_svf_coef *to, double part)
{
	return (fb_svf_coef){from->band + (to->band - from->band) * part,
		from->low + (to->low - from->low) * part, from->x + (to->x - from->x) * part};
}

static setting glide_setting(const setting *from, const setting *to, double part)
{
	const bands *a = &from->bands, *b = &to->bands;
	return (setting){
		.mono = glide_coef(&from->mono, &to->mono, part),
		.low = glide_coef(&from->low, &to->low, part),
		.high = glide_coef(&from->high, &to->high, part),
		.bands = {a->low + (b->low - a->low) * part, a->high + (b->high - a->high) * part,
			a->h + (b->h - a->h) * part},
		.mono_share = from->mono_share + (to->mono_share - from->mono_share) * part,
	};
}

static inline double mono_step(fb_svf_pair *svf, const setting *s, double x)
{
	const fb_svf_pair not_high = {M_SQRT2, 1.0};
	return x - s->mono_share * fb_svf_mix(fb_svf_step(svf, &s->mono, x), not_high);
}

static inline double bands_step(fb_svf_pair svf[2], const setting *s, double x)
{
	double low = fb_svf_mix(fb_svf_step(&svf[0], &s->low, x), s->bands.low);
	double high = fb_svf_mix(fb_svf_step(&svf[1], &s->high, x), s->bands.high);
	return s->bands.h * x + (low + high);
}

/** Four frames from a state on, in which frame `from` is 1 and the others are 0. */
static void respond(const setting *s, fb_svf_pair svf[2], int from, fb_svf_pair out[2])
{
	for (int i = 0; i < STILL; i++) {
		out[i / 2][i % 2] = bands_step(svf, s, i == from ? 1.0 : 0.0);
	}
}

static void steady_make(steady *k, const setting *s)
{
	for (int i = 0; i < STILL; i++) {
		fb_svf_pair from[2] = {{0.0, 0.0}, {0.0, 0.0}};
		memset(k->state_x[i], 0, sizeof k->state_x[i]);
		respond(s, k->state_x[i], i, k->out_x[i]);
		from[i / 2][i % 2] = 1.0;
		respond(s, from, -1, k->out_state[i]);
		k->own[i / 2][i % 2] = from[i / 2][i % 2];
		k->other[i / 2][1 - i % 2] = from[i / 2][1 - i % 2];
	}
	k->made = true;
}

FB_WIDE static void steady_run(const steady *k, fb_svf_pair svf[2], float x[FB_TICK])
{
	fb_svf_pair state[2] = {svf[0], svf[1]};
	for (int i = 0; i < FB_TICK; i += STILL) {
		fb_svf_pair out[2] = {{0.0, 0.0}, {0.0, 0.0}}, next[2] = {{0.0, 0.0}, {0.0, 0.0}};
		for (int j = 0; j < STILL; j++) {
			double now = (double)x[i + j], was = state[j / 2][j % 2];
			for (int h = 0; h < 2; h++) {
				out[h] += k->out_x[j][h] * now + k->out_state[j][h] * was;
				next[h] += k->state_x[j][h] * now;
			}
		}
		for (int h = 0; h < 2; h++) {
			fb_svf_pair neighbour = __builtin_shufflevector(state[h], state[h], 1, 0);
			state[h] = next[h] + (k->own[h] * state[h] + k->other[h] * neighbour);
			x[i + 2 * h] = (float)out[h][0];
			x[i + 2 * h + 1] = (float)out[h][1];
		}
	}
	svf[0] = state[0];
	svf[1] = state[1];
}

/** With steady coefficients. */
static void still(imager_node *self, float side[FB_TICK])
{
	const setting *now = &self->at;
	if (!self->steady.made) {
		steady_make(&self->steady, now);
	}
	if (now->mono_share != 0.0) {
		fb_svf_pair mono = self->mono_svf;
		for (int i = 0; i < FB_TICK; i++) {
			side[i] = (float)mono_step(&mono, now, (double)side[i]);
		}
		self->mono_svf = mono;
	} else {
		self->mono_svf = (fb_svf_pair){0.0, 0.0};
	}
	steady_run(&self->steady, self->svf, side);
}

static void glide(imager_node *self, const setting *to, float side[FB_TICK])
{
	for (int i = 0; i < FB_TICK; i++) {
		setting now = glide_setting(&self->at, to, (double)(i + 1) / FB_TICK);
		double y = mono_step(&self->mono_svf, &now, (double)side[i]);
		side[i] = (float)bands_step(self->svf, &now, y);
	}
}

static void scaled(imager_node *self, const setting *to, float side[FB_TICK])
{
	fb_ramp gain = fb_ramp_of((float)self->at.bands.h, (float)to->bands.h);
	for (uint32_t i = 0; i < FB_TICK; i++) {
		side[i] *= fb_ramp_at(&gain, i);
	}
	rest(self);
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	imager_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from);
	}
	setting to = self->at;
	bool moving = moves(self, tick->to, &to);
	float l[FB_TICK], r[FB_TICK], side[FB_TICK], was[FB_TICK];
	fb_clean_tick(tick->in[0], l);
	fb_clean_tick(tick->in[1], r);
	for (int i = 0; i < FB_TICK; i++) {
		side[i] = was[i] = 0.5f * (l[i] - r[i]);
	}
	if (plain(&self->at) && plain(&to)) {
		scaled(self, &to, side);
	} else if (moving) {
		glide(self, &to, side);
	} else {
		still(self, side);
	}
	for (int i = 0; i < FB_TICK; i++) {
		float change = side[i] - was[i];
		tick->out[0][i] = l[i] + change;
		tick->out[1][i] = r[i] - change;
	}
	self->at = to;
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, narrowed or widened", 2}};

static const fb_param_info params[N_PARAMS] = {
	[WIDTH] = {.symbol = "width",
		.label = "Width",
		.unit = "%",
		.doc = "Level of the side signal over all: 0 is mono, 100 as it came, 200 twice the side",
		.max = 200.0f,
		.def = 100.0f,
		.smooth_ms = 50.0f},
	[LOW_WIDTH] = {.symbol = "low_width",
		.label = "Low width",
		.unit = "%",
		.doc = "Width below low_freq, on top of the width over all",
		.max = 200.0f,
		.def = 100.0f,
		.smooth_ms = 50.0f},
	[MID_WIDTH] = {.symbol = "mid_width",
		.label = "Mid width",
		.unit = "%",
		.doc = "Width between low_freq and high_freq, on top of the width over all",
		.max = 200.0f,
		.def = 100.0f,
		.smooth_ms = 50.0f},
	[HIGH_WIDTH] = {.symbol = "high_width",
		.label = "High width",
		.unit = "%",
		.doc = "Width above high_freq, on top of the width over all",
		.max = 200.0f,
		.def = 100.0f,
		.smooth_ms = 50.0f},
	[LOW_FREQ] = {.symbol = "low_freq",
		.label = "Low crossover",
		.unit = "Hz",
		.doc = "Where the low band's width gives way to the middle's, at 12 dB/oct",
		.scale = FB_SCALE_LOG,
		.min = 60.0f,
		.max = 800.0f,
		.def = 250.0f,
		.smooth_ms = 80.0f},
	[HIGH_FREQ] = {.symbol = "high_freq",
		.label = "High crossover",
		.unit = "Hz",
		.doc = "Where the middle band's width gives way to the high band's, at 12 dB/oct",
		.scale = FB_SCALE_LOG,
		.min = 1200.0f,
		.max = 12000.0f,
		.def = 4000.0f,
		.smooth_ms = 80.0f},
	[MONO_BELOW] = {.symbol = "mono_below",
		.label = "Mono below",
		.unit = "Hz",
		.doc =
			"Takes the side signal out below here at 12 dB/oct, for vinyl and for subwoofers. 20 "
			"is off",
		.scale = FB_SCALE_LOG,
		.min = MONO_OFF,
		.max = 500.0f,
		.def = MONO_OFF,
		.smooth_ms = 80.0f},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "imager",
	.label = "Stereo imager",
	.doc = "Width of a stereo signal, over all and in three bands, and mono bass. It works on the "
		   "side signal only, so the mono sum never changes; with all widths at 100 the very bits "
		   "pass",
	.category = "stereo",
};

FB_NODE_ENTRY(desc)
