/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tank.h"

#include "../dsp/fastmath.h"
#include "../dsp/lanes.h"

enum { LINES = FB_TANK_LINES, PAIRS = FB_TANK_PAIRS, STEP = FB_LANES };

/* The shortest line against the longest. */
#define SHORTEST 0.31
#define FADE_MS 80.0

/* Off the even spacing of lengths on a log scale, so that no two have a common measure. */
static const double stray[LINES] = {0.0, 0.31, -0.22, 0.17, -0.35, 0.28, 0.06, -0.27, 0.33, -0.12,
	0.24, -0.31, 0.09, -0.19, 0.21, 0.0};

/* Turns a second of each pair. */
static const double turns_hz[PAIRS] = {0.71, -0.93, 1.23, -0.57, 1.11, -0.87, 0.51, -1.29};

/* Lines by which inputs enter, and outputs leave, with a minus. Line i + 8 is as line i on the way
   in, and the other way round on the way out. */
#define MINUS_IN 0x5cu
#define MINUS_OUT 0x65u

static uint32_t line_frames(const fb_tank *tank, int l, uint32_t longest)
{
	return (uint32_t)(tank->part[l] * (float)longest + 0.5f);
}

/** Share of the longest that the i-th by length has. */
static float part_of(int i)
{
	return (float)pow(SHORTEST, 1.0 - (i + stray[i]) / (LINES - 1));
}

/** Frames of its ring. */
static uint32_t ring_frames(int i, uint32_t longest)
{
	return fb_delay_line_frames((uint32_t)(part_of(i) * (float)longest) + 2 * FB_TICK);
}

size_t fb_tank_room(uint32_t longest)
{
	size_t floats = 0;
	for (int i = 0; i < LINES; i++) {
		floats += fb_delay_line_room(ring_frames(i, longest));
	}
	return floats;
}

float *fb_tank_init(fb_tank *tank, double rate_hz, uint32_t longest, float *room)
{
	tank->rate_hz = rate_hz;
	for (int i = 0; i < LINES; i++) {
		int l = i * 7 % LINES; /* neighbours in length are no neighbours in the matrix */
		tank->part[l] = part_of(i);
		room = fb_delay_line_init(&tank->line[l], ring_frames(i, longest), room);
	}
	for (int p = 0; p < PAIRS; p++) {
		double angle = 2.0 * M_PI * turns_hz[p] * FB_TICK / rate_hz;
		tank->turn_c[p] = (float)cos(angle);
		tank->turn_s[p] = (float)sin(angle);
	}
	return room;
}

static void rest_on(fb_tank *tank, uint32_t longest)
{
	for (int l = 0; l < LINES; l++) {
		tank->frames[l] = line_frames(tank, l, longest);
	}
}

void fb_tank_reset(fb_tank *tank, uint32_t longest)
{
	rest_on(tank, longest);
	for (int l = 0; l < LINES; l++) {
		fb_delay_line_reset(&tank->line[l]);
	}
	for (int p = 0; p < PAIRS; p++) {
		tank->last[p] = (fb_v8){0};
		tank->c[p] = 0.8f;
		tank->s[p] = p % 2 ? 0.6f : -0.6f;
	}
	fb_tap_init(&tank->length, tank->rate_hz, FADE_MS, longest);
	tank->made_for[0] = 0.0f;
	tank->level_from = -1.0f;
}

/** k is a quarter of what the line owes: Hadamard's matrix of ones makes four times as much. */
static void make_filters(fb_tank *tank, float decay, float damping, float longest)
{
	double reference = fmin(FB_TANK_REFERENCE_HZ, 0.4 * tank->rate_hz);
	double sine = sin(M_PI * reference / tank->rate_hz);
	float share = (float)(1.0 / (sine * sine)), more = damping / (1.0f - damping);
	float per_frame = 60.0f / ((float)tank->rate_hz * decay), power = 0.0f;
	for (int l = 0; l < LINES; l++) {
		float loss_db = per_frame * tank->part[l] * longest;
		float gain = fb_db_to_gain(-loss_db), treble = fb_db_to_gain(loss_db * more);
		float b = (treble * treble - 1.0f) * share;
		float p = b / (b + 2.0f + 2.0f * sqrtf(b + 1.0f)), p2 = p * p;
		const float powers[STEP] = {p, p2, p2 * p, p2 * p2};
		fb_tank_filter *f = &tank->aim[l % PAIRS];
		for (int i = 0; i < STEP; i++) {
			int lane = l / PAIRS * STEP + i;
			f->k[lane] = 0.25f * gain * (1.0f - p);
			f->p[lane] = p;
			f->p2[lane] = p2;
			f->powers[lane] = powers[i];
		}
		power += gain * gain / (float)LINES;
	}
	/* uncorrelated lines: power builds up to power / (1 - power) of what enters */
	tank->level = 4.0f * sqrtf(0.5f * (1.0f - power) / power);
}

void fb_tank_aim(fb_tank *tank, float decay, float damping, uint32_t longest)
{
	fb_tap_aim(&tank->length, longest);
	const fb_tap *tap = &tank->length;
	float frames = (float)tap->now;
	if (fb_tap_fading(tap)) {
		float t = fb_ease((float)(tap->done + 1) / (float)tap->ticks);
		frames += t * ((float)tap->next - frames);
	}
	const float wanted[3] = {decay, damping, frames};
	if (memcmp(wanted, tank->made_for, sizeof wanted) != 0) {
		memcpy(tank->made_for, wanted, sizeof wanted);
		make_filters(tank, decay, damping, frames);
		tank->moving = true;
	}
	if (tank->level_from < 0.0f) {
		tank->level_from = tank->level;
		memcpy(tank->filter, tank->aim, sizeof tank->filter);
		tank->moving = false;
	}
}

/** Steps of four frames from one filter to the other. All in a straight line: p2 and powers are off
	by less than a step's square. */
static void filter_steps(const fb_tank *tank, fb_tank_filter step[PAIRS])
{
	const float share = (float)STEP / FB_TICK;
	for (int l = 0; l < PAIRS; l++) {
		const fb_tank_filter *from = &tank->filter[l], *to = &tank->aim[l];
		step[l] = (fb_tank_filter){share * (to->k - from->k), share * (to->p - from->p),
			share * (to->p2 - from->p2), share * (to->powers - from->powers)};
	}
}

static inline void filter_on(fb_tank_filter *f, const fb_tank_filter *step)
{
	f->k += step->k;
	f->p += step->p;
	f->p2 += step->p2;
	f->powers += step->powers;
}

/** Four frames through two lines' filters: y = k x + p y of the frame before. */
static inline __attribute__((always_inline)) void filter4(
	const fb_tank_filter *f, fb_v8 *last, fb_v8 *v)
{
	const fb_v8 none = {0};
	fb_v8 x = *v * f->k;
	x += f->p * __builtin_shufflevector(none, x, 0, 8, 9, 10, 4, 12, 13, 14);
	x += f->p2 * __builtin_shufflevector(none, x, 0, 1, 8, 9, 4, 5, 12, 13);
	x += f->powers * *last;
	*last = __builtin_shufflevector(x, x, 3, 3, 3, 3, 7, 7, 7, 7);
	*v = x;
}

/** Within the first eight lines, and within the other eight. */
static inline __attribute__((always_inline)) void hadamard(fb_v8 v[PAIRS])
{
	for (int half = 1; half < PAIRS; half *= 2) {
		for (int i = 0; i < PAIRS; i++) {
			if (!(i & half)) {
				fb_v8 a = v[i], b = v[i + half];
				v[i] = a + b;
				v[i + half] = a - b;
			}
		}
	}
}

/** What the lines give in this tick: into the lines themselves, or into mixed[] during a fade. */
static void read_lines(const fb_tank *tank, const float *from[LINES], float mixed[LINES][FB_TICK])
{
	const fb_tap *tap = &tank->length;
	float weight[FB_TICK];
	for (int l = 0; l < LINES; l++) {
		from[l] = fb_delay_line_read(&tank->line[l], 0, tank->frames[l]);
	}
	if (!fb_tap_fading(tap)) {
		return;
	}
	fb_tap_weights(tap, weight);
	for (int l = 0; l < LINES; l++) {
		const float *next = fb_delay_line_read(&tank->line[l], 0, line_frames(tank, l, tap->next));
		for (int i = 0; i < FB_TICK; i++) {
			mixed[l][i] = from[l][i] + weight[i] * (next[i] - from[l][i]);
		}
		from[l] = mixed[l];
	}
}

/** The last step of Hadamard's matrix and the rotation, of a and b in one vector: with a + b and
	a - b turned by c and s, a' = (c - s) a + (c + s) b and b' = (s - c) b + (c + s) a. Over a tick
	in straight lines, which are 1e-4 short of unitary at the most. */
typedef struct turning {
	fb_v8 own[PAIRS], other[PAIRS], own_step[PAIRS], other_step[PAIRS];
} turning;

static inline __attribute__((always_inline)) void turn_on(fb_tank *tank, turning *turn)
{
	const fb_v8 ahead = {1, 2, 3, 4, 1, 2, 3, 4}, sign = {1, 1, 1, 1, -1, -1, -1, -1};
	fb_v8 c = FB_LOAD8(tank->c), s = FB_LOAD8(tank->s); /* all pairs */
	fb_v8 turn_c = FB_LOAD8(tank->turn_c), turn_s = FB_LOAD8(tank->turn_s);
	fb_v8 c2 = c * turn_c - s * turn_s, s2 = s * turn_c + c * turn_s;
	fb_v8 hold = 1.5f - 0.5f * (c2 * c2 + s2 * s2); /* rounding would add up */
	c2 *= hold;
	s2 *= hold;
	fb_v8 own = ((c2 - s2) - (c - s)) / FB_TICK, other = ((c2 + s2) - (c + s)) / FB_TICK;
	for (int p = 0; p < PAIRS; p++) {
		turn->own[p] = sign * ((c - s)[p] + own[p] * ahead);
		turn->other[p] = (c + s)[p] + other[p] * ahead;
		turn->own_step[p] = sign * (STEP * own[p]);
		turn->other_step[p] = (fb_v8){0} + STEP * other[p];
	}
	memcpy(tank->c, &c2, sizeof tank->c);
	memcpy(tank->s, &s2, sizeof tank->s);
}

static inline __attribute__((always_inline)) void rotate(fb_v8 v[PAIRS], turning *turn)
{
	for (int p = 0; p < PAIRS; p++) {
		fb_v8 across = __builtin_shufflevector(v[p], v[p], 4, 5, 6, 7, 0, 1, 2, 3);
		v[p] = turn->own[p] * v[p] + turn->other[p] * across;
		turn->own[p] += turn->own_step[p];
		turn->other[p] += turn->other_step[p];
	}
}

/** The loop over the tick: from the lines, around the matrix, into the lines. mid and side are the
	sums over both halves of their lanes. */
static inline __attribute__((always_inline)) void go_round(fb_tank *tank, bool moving,
	const float *from[LINES], float in[2][FB_TICK], float *const into[LINES], float out[2][FB_TICK])
{
	const float spread = 0.353553391f; /* each input enters eight lines */
	fb_tank_filter step[PAIRS];
	turning turn;
	turn_on(tank, &turn);
	if (moving) {
		filter_steps(tank, step);
	}
	for (uint32_t i = 0; i < FB_TICK; i += STEP) {
		fb_v8 v[PAIRS], sum[2] = {{0}, {0}}, x[2];
		for (int l = 0; l < PAIRS; l++) {
			if (moving) {
				filter_on(&tank->filter[l], &step[l]);
			}
			fb_lanes a = fb_lanes_load(from[l] + i), b = fb_lanes_load(from[l + PAIRS] + i);
			v[l] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
			filter4(&tank->filter[l], &tank->last[l], &v[l]);
			sum[l >> 1 & 1] += MINUS_OUT >> l & 1 ? -v[l] : v[l];
		}
		hadamard(v);
		rotate(v, &turn);
		for (int c = 0; c < 2; c++) {
			fb_lanes a = spread * fb_lanes_load(in[c] + i);
			x[c] = __builtin_shufflevector(a, a, 0, 1, 2, 3, 0, 1, 2, 3);
			fb_lanes low = __builtin_shufflevector(sum[c], sum[c], 0, 1, 2, 3);
			fb_lanes high = __builtin_shufflevector(sum[c], sum[c], 4, 5, 6, 7);
			fb_lanes_store(out[c] + i, low - high);
		}
		for (int l = 0; l < PAIRS; l++) {
			fb_v8 y = MINUS_IN >> l & 1 ? v[l] - x[l % 2] : v[l] + x[l % 2];
			fb_lanes_store(into[l] + i, __builtin_shufflevector(y, y, 0, 1, 2, 3));
			fb_lanes_store(into[l + PAIRS] + i, __builtin_shufflevector(y, y, 4, 5, 6, 7));
		}
	}
}

/* --- for registers of four floats: one half of the lines, or of a pair, at a time. The same sums
   of the same products, so the same bits */

typedef float four __attribute__((vector_size(16), may_alias));

/** The first or second half of a vector in memory. */
static inline __attribute__((always_inline)) four *half_of(fb_v8 *v, int half)
{
	return (four *)v + half;
}

static inline __attribute__((always_inline)) fb_lanes filter_half(
	fb_tank_filter *f, fb_v8 *last, int half, fb_lanes x)
{
	const fb_lanes none = {0};
	x *= *half_of(&f->k, half);
	x += *half_of(&f->p, half) * __builtin_shufflevector(none, x, 0, 4, 5, 6);
	x += *half_of(&f->p2, half) * __builtin_shufflevector(none, x, 0, 1, 4, 5);
	x += *half_of(&f->powers, half) * *half_of(last, half);
	*half_of(last, half) = fb_lanes_last(x);
	return x;
}

static inline __attribute__((always_inline)) void hadamard_half(fb_lanes v[PAIRS])
{
	for (int half = 1; half < PAIRS; half *= 2) {
		for (int i = 0; i < PAIRS; i++) {
			if (!(i & half)) {
				fb_lanes a = v[i], b = v[i + half];
				v[i] = a + b;
				v[i + half] = a - b;
			}
		}
	}
}

/** Four frames of one half of the lines through their filters and their half of the matrix. sums:
	of what leaves. */
static inline __attribute__((always_inline)) void half_round(fb_tank *tank, int half,
	const float *from[LINES], uint32_t i, fb_lanes v[PAIRS], fb_lanes sums[2])
{
	sums[0] = sums[1] = fb_lanes_all(0.0f);
	for (int l = 0; l < PAIRS; l++) {
		fb_lanes x = fb_lanes_load(from[l + half * PAIRS] + i);
		v[l] = filter_half(&tank->filter[l], &tank->last[l], half, x);
		sums[l >> 1 & 1] += MINUS_OUT >> l & 1 ? -v[l] : v[l];
	}
	hadamard_half(v);
}

/** As go_round(). */
static void go_round_by_halves(fb_tank *tank, const float *from[LINES], float in[2][FB_TICK],
	float *const into[LINES], float out[2][FB_TICK])
{
	const float spread = 0.353553391f;
	fb_tank_filter step[PAIRS];
	turning turn;
	turn_on(tank, &turn);
	if (tank->moving) {
		filter_steps(tank, step);
	}
	for (uint32_t i = 0; i < FB_TICK; i += STEP) {
		fb_lanes v[2][PAIRS], sum[2][2];
		for (int l = 0; l < PAIRS && tank->moving; l++) {
			filter_on(&tank->filter[l], &step[l]);
		}
		half_round(tank, 0, from, i, v[0], sum[0]);
		half_round(tank, 1, from, i, v[1], sum[1]);
		fb_lanes x[2] = {spread * fb_lanes_load(in[0] + i), spread * fb_lanes_load(in[1] + i)};
		fb_lanes_store(out[0] + i, sum[0][0] - sum[1][0]);
		fb_lanes_store(out[1] + i, sum[0][1] - sum[1][1]);
		for (int l = 0; l < PAIRS; l++) {
			fb_lanes own = MINUS_IN >> l & 1 ? -x[l % 2] : x[l % 2];
			for (int half = 0; half < 2; half++) {
				four *turned = half_of(&turn.own[l], half), *other = half_of(&turn.other[l], half);
				fb_lanes y = *turned * v[half][l] + *other * v[1 - half][l];
				fb_lanes_store(into[l + half * PAIRS] + i, y + own);
				*turned += *half_of(&turn.own_step[l], half);
				*other += *half_of(&turn.other_step[l], half);
			}
		}
	}
}

FB_WIDE static void go_round_wide(fb_tank *tank, const float *from[LINES], float in[2][FB_TICK],
	float *const into[LINES], float out[2][FB_TICK])
{
	if (tank->moving) {
		go_round(tank, true, from, in, into, out);
	} else {
		go_round(tank, false, from, in, into, out);
	}
}

void fb_tank_tick(fb_tank *tank, float in[2][FB_TICK], float mid[FB_TICK], float side[FB_TICK])
{
	_Alignas(FB_ALIGN) float mixed[LINES][FB_TICK], out[2][FB_TICK];
	float *into[LINES];
	const float *from[LINES];
	bool fading = fb_tap_fading(&tank->length);
	read_lines(tank, from, mixed);
	for (int l = 0; l < LINES; l++) {
		into[l] = fb_delay_line_spot(&tank->line[l]);
	}
	if (FB_WIDE_HERE) {
		go_round_wide(tank, from, in, into, out);
	} else {
		go_round_by_halves(tank, from, in, into, out);
	}
	if (tank->moving) {
		memcpy(tank->filter, tank->aim, sizeof tank->filter);
		tank->moving = false;
	}
	fb_ramp level = fb_ramp_of(tank->level_from, tank->level);
	fb_tap_advance(&tank->length);
	if (fading && !fb_tap_fading(&tank->length)) {
		rest_on(tank, tank->length.now);
	}
	for (int l = 0; l < LINES; l++) {
		fb_delay_line_filled(&tank->line[l]);
		fb_delay_line_advance(&tank->line[l]);
		fb_delay_line_fetch(&tank->line[l], tank->frames[l]);
	}
	for (uint32_t i = 0; i < FB_TICK; i++) {
		mid[i] = out[0][i] * fb_ramp_at(&level, i);
		side[i] = out[1][i] * fb_ramp_at(&level, i);
	}
	tank->level_from = tank->level;
}
