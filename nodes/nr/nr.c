/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Noise reduction: takes steady noise out from behind speech. One gain per frequency, the same for
	left and right so that the image stands still. The work of a spectrum is spread over three
	ticks: forward transform; noise and gains; back. */
#include "../dsp/clean.h"
#include "../dsp/delay_line.h"
#include "../dsp/fastmath.h"
#include "../dsp/ramp.h"
#include "../dsp/stft.h"
#include "../dsp/wide.h"
#include "gain.h"
#include "noise.h"

enum { STRENGTH, FLOOR, MODE, LEARN, N_PARAMS };
enum { ADAPTIVE, LEARNED };
enum { METER_NOISE, METER_REDUCTION, N_METERS };

#define TICKS_LATER 2 /* from analysis to synthesis */

typedef struct nr_node {
	fb_stft stft;
	fb_noise noise;
	fb_nr_gain gain;
	fb_delay_line dry[2];
	uint32_t latency;
	uint32_t age;      ///< ticks since the last analysis, TICKS_LATER + 1 when nothing is due
	uint32_t neutral;  ///< spectra in a row that were left alone
	bool learning;     ///< in the last spectrum
	float power_to_ms; ///< from a sum of power[] to mean square, both channels' mean
	float noise_db, reduction_db;
	float *power; ///< [bins]
	_Alignas(FB_ALIGN) float room[];
} nr_node;

static size_t padded(size_t floats)
{
	return (floats + 15) / 16 * 16;
}

static uint32_t bins_of(uint32_t size)
{
	return size / 2 + 1;
}

static uint32_t dry_frames(uint32_t size)
{
	return fb_delay_line_frames(fb_stft_latency(size, TICKS_LATER));
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)params;
	uint32_t size = fb_stft_size(rate_hz), bins = bins_of(size);
	size_t floats = padded(fb_stft_room(size)) + padded(fb_noise_room(bins)) +
					padded(fb_nr_gain_room(bins)) + padded(bins) +
					2 * padded(fb_delay_line_room(dry_frames(size)));
	return sizeof(nr_node) + floats * sizeof(float);
}

static void restart(nr_node *self)
{
	self->age = TICKS_LATER + 1;
	self->neutral = 3;
	self->learning = false;
	self->noise_db = -120.0f;
	self->reduction_db = 0.0f;
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	nr_node *self = instance;
	uint32_t size = fb_stft_size(rate_hz), bins = bins_of(size);
	float *room = self->room;
	if (!fb_stft_init(&self->stft, size, room)) {
		return false;
	}
	room += padded(fb_stft_room(size));
	double hop_s = self->stft.hop / rate_hz;
	fb_noise_init(&self->noise, bins, hop_s, room);
	room += padded(fb_noise_room(bins));
	fb_nr_gain_init(&self->gain, bins, rate_hz / size, hop_s, room);
	room += padded(fb_nr_gain_room(bins));
	self->power = room;
	room += padded(bins);
	for (int c = 0; c < 2; c++) {
		fb_delay_line_init(&self->dry[c], dry_frames(size), room);
		room += padded(fb_delay_line_room(dry_frames(size)));
	}
	self->latency = fb_stft_latency(size, TICKS_LATER);
	double window = 0.0;
	for (uint32_t i = 0; i < size; i++) {
		window += (double)self->stft.rise_fall[i] * (double)self->stft.rise_fall[i];
	}
	/* power[] sums |L + jR|^2 over pairs of bins; the outer two count twice, which is nothing */
	self->power_to_ms = (float)(0.5 / (window * size));
	restart(self);
	return true;
}

static void finish(void *instance)
{
	nr_node *self = instance;
	fb_stft_finish(&self->stft);
}

static void reset(void *instance) FB_RT
{
	nr_node *self = instance;
	fb_stft_reset(&self->stft);
	fb_noise_reset(&self->noise);
	fb_nr_gain_reset(&self->gain);
	fb_delay_line_reset(&self->dry[0]);
	fb_delay_line_reset(&self->dry[1]);
	restart(self);
}

static uint32_t latency(const void *instance)
{
	return ((const nr_node *)instance)->latency;
}

/** Power of both channels in each bin, from the spectrum of L + jR. */
FB_WIDE static void power_of(const fb_stft *stft, float *restrict power)
{
	fftwf_complex *bin = stft->bin;
	uint32_t size = stft->size, half = size / 2;
	for (uint32_t k = 0; k <= half; k++) {
		uint32_t mirror = (size - k) & (size - 1);
		power[k] = bin[k][0] * bin[k][0] + bin[k][1] * bin[k][1] + bin[mirror][0] * bin[mirror][0] +
				   bin[mirror][1] * bin[mirror][1];
	}
}

FB_WIDE static void to_gains(
	const float *restrict log2_gain, float strength, float *restrict out, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		out[k] = fb_exp2(strength * log2_gain[k]);
	}
}

static void apply(fb_stft *stft, const float *gain)
{
	uint32_t size = stft->size, half = size / 2;
	for (uint32_t k = 0; k <= half; k++) {
		stft->bin[k][0] *= gain[k];
		stft->bin[k][1] *= gain[k];
	}
	for (uint32_t k = half + 1; k < size; k++) {
		stft->bin[k][0] *= gain[size - k];
		stft->bin[k][1] *= gain[size - k];
	}
}

static float sum_of(const float *x, uint32_t n)
{
	float sum = 0.0f;
	for (uint32_t k = 0; k < n; k++) {
		sum += x[k];
	}
	return sum;
}

static float mean_square_db(float ms)
{
	return 0.5f * fb_gain_to_db(ms + 1e-12f);
}

/** The meters: the noise as it stands, and what of this spectrum's power was taken. */
static void read_meters(nr_node *self, const float *noise, const float *gains)
{
	uint32_t n = self->gain.bins;
	float left = 0.0f;
	for (uint32_t k = 0; k < n; k++) {
		left += self->power[k] * gains[k] * gains[k];
	}
	self->noise_db = mean_square_db(self->power_to_ms * sum_of(noise, n));
	float ratio = (left + 1e-20f) / (sum_of(self->power, n) + 1e-20f);
	self->reduction_db = -0.5f * fb_gain_to_db(ratio);
}

/** Second tick of a spectrum: noise, gains, and the gains put on. */
static void reduce(nr_node *self, const float *values)
{
	uint32_t n = self->gain.bins;
	bool learn = values[LEARN] > 0.5f;
	power_of(&self->stft, self->power);
	fb_noise_feed(&self->noise, self->power);
	if (learn) {
		fb_noise_learn(&self->noise, self->power, !self->learning);
	}
	self->learning = learn;
	bool learned = (int)values[MODE] == LEARNED && self->noise.learned > 0;
	const float *noise = learned ? self->noise.profile : self->noise.level;
	fb_nr_gain_make(&self->gain, self->power, noise, values[FLOOR] * FB_LOG2_PER_DB);
	float *gains = self->gain.near; /* free again until the next spectrum */
	to_gains(self->gain.log2_gain, values[STRENGTH], gains, n);
	apply(&self->stft, gains);
	read_meters(self, noise, gains);
	bool neutral = values[STRENGTH] == 0.0f;
	self->neutral = !neutral ? 0 : self->neutral < 3 ? self->neutral + 1 : 3;
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	nr_node *self = instance;
	float in[2][FB_TICK];
	for (int c = 0; c < 2; c++) {
		fb_clean_tick(tick->in[c], in[c]);
		fb_delay_line_write(&self->dry[c], 0, in[c], FB_TICK);
	}
	self->age += self->age <= TICKS_LATER;
	if (self->age == 1) {
		reduce(self, tick->to);
	} else if (self->age == TICKS_LATER) {
		fb_stft_synthesise(&self->stft);
	}
	if (fb_stft_push(&self->stft, in[0], in[1])) {
		fb_stft_analyse(&self->stft);
		self->age = 0;
	}
	fb_stft_pull(&self->stft, tick->out[0], tick->out[1]);
	for (int c = 0; c < 2; c++) {
		if (self->neutral == 3 && tick->from[STRENGTH] == 0.0f) {
			const float *dry = fb_delay_line_read(&self->dry[c], 0, self->latency);
			memcpy(tick->out[c], dry, FB_TICK * sizeof(float));
		}
		fb_delay_line_advance(&self->dry[c]);
	}
	tick->meter[METER_NOISE] = self->noise_db;
	tick->meter[METER_REDUCTION] = self->reduction_db;
}

static const fb_port_info inputs[] = {{"in", "In", "The signal with its noise", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal with less of it", 2}};

static const char *const mode_names[] = {"adaptive", "learned"};

static const fb_param_info params[N_PARAMS] = {
	[STRENGTH] = {.symbol = "strength",
		.label = "Strength",
		.unit = "",
		.doc = "How much of the reduction in dB is done: 0 leaves the very bits, 1 takes the noise "
			   "down to the floor. 0.8 is a good start; lower it if the voice suffers",
		.max = 1.0f,
		.def = 0.8f,
		.smooth_ms = 50.0f},
	[FLOOR] = {.symbol = "floor",
		.label = "Floor",
		.unit = "dB",
		.doc = "How far noise is turned down at strength 1 where nobody speaks. What stays covers "
			   "the traces that reduction leaves",
		.min = -40.0f,
		.max = -6.0f,
		.def = -20.0f,
		.smooth_ms = 50.0f},
	[MODE] = {.symbol = "mode",
		.label = "Mode",
		.unit = "",
		.doc = "adaptive follows the noise by itself, also during speech. learned holds the noise "
			   "that `learn` heard, for a noise that never changes",
		.kind = FB_CHOICE,
		.max = 1.0f,
		.choices = mode_names},
	[LEARN] = {.symbol = "learn",
		.label = "Learn",
		.unit = "",
		.doc = "While on, everything heard is taken for noise and averaged afresh: hold it for a "
			   "second or more where nobody speaks, then choose mode learned",
		.kind = FB_BOOL,
		.max = 1.0f},
};

static const fb_meter_info meters[N_METERS] = {
	[METER_NOISE] = {"noise", "Noise", "dBFS", "Level of the noise found, mean of both channels",
		-120.0f, 0.0f, 0},
	[METER_REDUCTION] = {"reduction", "Reduction", "dB",
		"How much less there is of the sound as a whole now", 0.0f, 40.0f, 0},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "nr",
	.label = "Noise reduction",
	.doc = "Takes hiss, hum of machines, fans and traffic out from behind a voice. Place it first "
		   "in the chain, before anything that changes level by itself",
	.category = "restoration",
	FB_NODE_HAS(meters),
	.latency = latency,
	.finish = finish,
};

FB_NODE_ENTRY(desc)
