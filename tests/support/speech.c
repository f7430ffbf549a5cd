/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "speech.h"

#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "speech: %s: %s\n", what, detail);
	abort();
}

float *speech_load(const char *prompt, double rate_hz, size_t *frames)
{
	char path[256], command[512];
	snprintf(path, sizeof path, "/usr/share/asterisk/sounds/en_US_f_Allison/%s.g722", prompt);
	FILE *there = fopen(path, "rb");
	if (!there) {
		die(path, "not there; it is in the package asterisk-core-sounds-en-g722");
	}
	fclose(there);
	snprintf(command, sizeof command, "ffmpeg -v error -f g722 -i %s -ar %.0f -ac 1 -f f32le -",
		path, rate_hz);
	FILE *pipe = popen(command, "r");
	size_t room = (size_t)(rate_hz * 60), n = 0;
	float *x = sig_alloc(room);
	n = pipe ? fread(x, sizeof *x, room, pipe) : 0;
	if (!pipe || pclose(pipe) != 0 || n == 0) {
		die("ffmpeg cannot decode", path);
	}
	double peak = sig_peak(x, n);
	for (size_t i = 0; i < n; i++) {
		x[i] *= (float)(0.5 / peak);
	}
	*frames = n / FB_TICK * FB_TICK;
	return x;
}

static void scale_to_one(float *x, size_t frames)
{
	double gain = pow(10.0, -sig_rms_db(x, frames) / 20.0);
	for (size_t i = 0; i < frames; i++) {
		x[i] *= (float)gain;
	}
}

/** 3 dB/oct from 20 Hz up, by first-order low passes an octave apart. */
static void to_pink(float *x, size_t frames, double rate_hz)
{
	double state[10] = {0};
	for (size_t i = 0; i < frames; i++) {
		double sum = 0.0, corner = 20.0;
		for (int k = 0; k < 10; k++, corner *= 2.0) {
			state[k] += (1.0 - exp(-2.0 * M_PI * corner / rate_hz)) * ((double)x[i] - state[k]);
			sum += state[k] / sqrt(corner);
		}
		x[i] = (float)sum;
	}
}

static void to_fan(float *x, size_t frames, double rate_hz)
{
	double state[2] = {0}, keep = exp(-2.0 * M_PI * 300.0 / rate_hz);
	for (size_t i = 0; i < frames; i++) {
		double t = (double)i / rate_hz, hiss = 0.05 * (double)x[i];
		state[0] += (1.0 - keep) * ((double)x[i] - state[0]);
		state[1] += (1.0 - keep) * (state[0] - state[1]);
		double rush = (state[1] * 3.0 + hiss) * (1.0 + 0.15 * sin(2.0 * M_PI * 0.7 * t));
		double blades = 0.0;
		for (int h = 1; h <= 6; h++) {
			blades += 0.08 / h * sin(2.0 * M_PI * 113.0 * h * t + h);
		}
		x[i] = (float)(rush + blades);
	}
}

void noise_make(float *x, size_t frames, double rate_hz, noise_kind kind, uint64_t seed)
{
	sig_noise(x, frames, 1.0, seed);
	if (kind == NOISE_PINK) {
		to_pink(x, frames, rate_hz);
	} else if (kind == NOISE_FAN) {
		to_fan(x, frames, rate_hz);
	}
	scale_to_one(x, frames);
}

double speech_si_sdr_db(const float *clean, const float *heard, size_t frames)
{
	double mean_c = 0, mean_h = 0, cc = 0, ch = 0, error = 0;
	for (size_t i = 0; i < frames; i++) {
		mean_c += (double)clean[i] / (double)frames;
		mean_h += (double)heard[i] / (double)frames;
	}
	for (size_t i = 0; i < frames; i++) {
		double c = (double)clean[i] - mean_c, h = (double)heard[i] - mean_h;
		cc += c * c;
		ch += c * h;
	}
	double scale = ch / cc;
	for (size_t i = 0; i < frames; i++) {
		double c = (double)clean[i] - mean_c, h = (double)heard[i] - mean_h;
		error += (h - scale * c) * (h - scale * c);
	}
	return 10.0 * log10(scale * scale * cc / error);
}
