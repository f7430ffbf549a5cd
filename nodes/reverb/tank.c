/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tank.h"

#include "../../metrics/wide.h"
#include "../dsp/fastmath.h"

enum { LINES = FB_TANK_LINES, PAIRS = FB_TANK_PAIRS };

/* The shortest line against the longest. */
#define SHORTEST 0.31
#define FADE_MS 80.0

/* Off the even spacing of lengths on a log scale, so that no two have a common measure. */
static const double stray[LINES] = {0.0, 0.31, -0.22, 0.17, -0.35, 0.28, 0.06, -0.27, 0.33, -0.12,
	0.24, -0.31, 0.09, -0.19, 0.21, 0.0};

/* Turns a second of each pair. */
static const double turns_hz[PAIRS] = {0.71, -0.93, 1.23, -0.57, 1.11, -0.87, 0.51, -1.29};

/* Signs by which inputs enter and outputs leave. */
#define MINUS_IN 0x9a5cu
#define MINUS_OUT 0x3c65u

static uint32_t line_frames(const fb_tank *tank, int l, uint32_t longest)
{
	return (uint32_t)(tank->part[l] * (float)longest + 0.5f);
}

size_t fb_tank_room(uint32_t longest)
{
	return LINES * fb_delay_line_room(fb_delay_line_frames(longest + FB_TICK));
}

float *fb_tank_init(fb_tank *tank, double rate_hz, uint32_t longest, float *room)
{
	tank->rate_hz = rate_hz;
	for (int i = 0; i < LINES; i++) {
		int l = i * 7 % LINES; /* neighbours in length are no neighbours in the matrix */
		tank->part[l] = (float)pow(SHORTEST, 1.0 - (i + stray[i]) / (LINES - 1));
		room = fb_delay_line_init(&tank->line[l], fb_delay_line_frames(longest + FB_TICK), room);
	}
	for (int p = 0; p < PAIRS; p++) {
		double angle = 2.0 * M_PI * turns_hz[p] * FB_TICK / rate_hz;
		tank->turn_c[p] = (float)cos(angle);
		tank->turn_s[p] = (float)sin(angle);
	}
	return room;
}

void fb_tank_reset(fb_tank *tank, uint32_t longest)
{
	for (int l = 0; l < LINES; l++) {
		fb_delay_line_reset(&tank->line[l]);
		tank->last[l] = (fb_lanes){0};
	}
	for (int p = 0; p < PAIRS; p++) {
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
		tank->aim[l] = (fb_tank_filter){fb_lanes_all(0.25f * gain * (1.0f - p)), fb_lanes_all(p),
			fb_lanes_all(p2), {p, p2, p2 * p, p2 * p2}};
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

/** Four frames through a line's filter: y = k x + p y of the frame before. */
static inline fb_lanes filter4(const fb_tank_filter *f, fb_lanes *last, fb_lanes x)
{
	const fb_lanes none = {0};
	x *= f->k;
	x += f->p * __builtin_shufflevector(none, x, 0, 4, 5, 6);
	x += f->p2 * __builtin_shufflevector(none, x, 0, 1, 4, 5);
	x += f->powers * *last;
	*last = fb_lanes_last(x);
	return x;
}

/** Steps of four frames from one filter to the other. All in a straight line: p2 and powers are off
	by less than a step's square. */
static void filter_steps(const fb_tank *tank, fb_tank_filter step[LINES])
{
	const float share = (float)FB_LANES / FB_TICK;
	for (int l = 0; l < LINES; l++) {
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

static inline void hadamard(fb_lanes v[LINES])
{
	for (int half = 1; half < LINES; half *= 2) {
		for (int i = 0; i < LINES; i++) {
			if (!(i & half)) {
				fb_lanes a = v[i], b = v[i + half];
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
		from[l] = fb_delay_line_read(&tank->line[l], 0, line_frames(tank, l, tap->now));
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

/** The rotations over one tick in straight lines, which are 1e-5 short of unitary at the most. */
typedef struct turning {
	fb_lanes c[PAIRS], s[PAIRS], c_step[PAIRS], s_step[PAIRS];
} turning;

static void turn_on(fb_tank *tank, turning *turn)
{
	const fb_lanes ahead = {1, 2, 3, 4};
	for (int p = 0; p < PAIRS; p++) {
		float c = tank->c[p], s = tank->s[p];
		float c2 = c * tank->turn_c[p] - s * tank->turn_s[p];
		float s2 = s * tank->turn_c[p] + c * tank->turn_s[p];
		float hold = 1.5f - 0.5f * (c2 * c2 + s2 * s2); /* rounding would add up */
		c2 *= hold;
		s2 *= hold;
		float dc = (c2 - c) / FB_TICK, ds = (s2 - s) / FB_TICK;
		turn->c[p] = c + dc * ahead;
		turn->s[p] = s + ds * ahead;
		turn->c_step[p] = fb_lanes_all(4.0f * dc);
		turn->s_step[p] = fb_lanes_all(4.0f * ds);
		tank->c[p] = c2;
		tank->s[p] = s2;
	}
}

static inline void rotate(fb_lanes v[LINES], turning *turn)
{
	for (int p = 0; p < PAIRS; p++) {
		fb_lanes a = v[p], b = v[p + PAIRS];
		v[p] = turn->c[p] * a - turn->s[p] * b;
		v[p + PAIRS] = turn->s[p] * a + turn->c[p] * b;
		turn->c[p] += turn->c_step[p];
		turn->s[p] += turn->s_step[p];
	}
}

/** The loop over the tick: from the lines, around the matrix, into the lines. */
static inline __attribute__((always_inline)) void go_round(fb_tank *tank, bool moving,
	const float *from[LINES], float in[2][FB_TICK], float into[LINES][FB_TICK], float *mid,
	float *side)
{
	const float spread = 0.353553391f; /* each input enters eight lines */
	fb_tank_filter step[LINES];
	turning turn;
	turn_on(tank, &turn);
	if (moving) {
		filter_steps(tank, step);
	}
	for (uint32_t i = 0; i < FB_TICK; i += FB_LANES) {
		fb_lanes v[LINES], out[2] = {{0}, {0}};
		for (int l = 0; l < LINES; l++) {
			if (moving) {
				filter_on(&tank->filter[l], &step[l]);
			}
			v[l] = filter4(&tank->filter[l], &tank->last[l], fb_lanes_load(from[l] + i));
			out[l >> 1 & 1] += MINUS_OUT >> l & 1 ? -v[l] : v[l];
		}
		hadamard(v);
		rotate(v, &turn);
		fb_lanes left = spread * fb_lanes_load(in[0] + i);
		fb_lanes right = spread * fb_lanes_load(in[1] + i);
		for (int l = 0; l < LINES; l++) {
			fb_lanes x = l % 2 ? right : left;
			fb_lanes_store(into[l] + i, MINUS_IN >> l & 1 ? v[l] - x : v[l] + x);
		}
		fb_lanes_store(mid + i, out[0]);
		fb_lanes_store(side + i, out[1]);
	}
}

FB_WIDE void fb_tank_tick(
	fb_tank *tank, float in[2][FB_TICK], float mid[FB_TICK], float side[FB_TICK])
{
	_Alignas(FB_ALIGN) float mixed[LINES][FB_TICK], into[LINES][FB_TICK];
	const float *from[LINES];
	read_lines(tank, from, mixed);
	if (tank->moving) {
		go_round(tank, true, from, in, into, mid, side);
		memcpy(tank->filter, tank->aim, sizeof tank->filter);
		tank->moving = false;
	} else {
		go_round(tank, false, from, in, into, mid, side);
	}
	fb_ramp level = fb_ramp_of(tank->level_from, tank->level);
	for (int l = 0; l < LINES; l++) {
		fb_delay_line_write(&tank->line[l], 0, into[l], FB_TICK);
		fb_delay_line_advance(&tank->line[l]);
	}
	for (uint32_t i = 0; i < FB_TICK; i++) {
		mid[i] *= fb_ramp_at(&level, i);
		side[i] *= fb_ramp_at(&level, i);
	}
	tank->level_from = tank->level;
	fb_tap_advance(&tank->length);
}
