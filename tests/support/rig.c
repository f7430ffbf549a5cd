/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

#include "../../graph/glide.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MAX = 16 };

struct fb_rig {
	const fb_node_desc *desc;
	void *library, *self;
	double rate_hz;
	float *from, *to, *meter;
	fb_glide *glide;
	uint64_t frame;
	float tempo;
};

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "rig: %s: %s\n", what, detail);
	abort();
}

fb_rig *rig_open(const char *node, double rate_hz)
{
	char path[512];
	snprintf(path, sizeof path, "%s/nodes/%s.so", FB_BUILD, node);
	fb_rig *rig = calloc(1, sizeof *rig);
	rig->rate_hz = rate_hz;
	rig->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!rig->library) {
		die(path, dlerror());
	}
	fb_node_entry_fn *entry;
	*(void **)&entry = dlsym(rig->library, "fb_node_entry");
	for (uint32_t i = 0; entry && (rig->desc = entry(i)); i++) {
		if (!strcmp(rig->desc->id, node)) {
			break;
		}
	}
	if (!rig->desc) {
		die(path, "no such node type in it");
	}
	size_t n = rig->desc->n_params + 1;
	rig->from = calloc(n, sizeof *rig->from);
	rig->to = calloc(n, sizeof *rig->to);
	rig->glide = calloc(n, sizeof *rig->glide);
	rig->meter = calloc(rig->desc->n_meters + 1, sizeof *rig->meter);
	for (uint32_t i = 0; i < rig->desc->n_params; i++) {
		rig->to[i] = rig->glide[i].final = rig->desc->params[i].def;
	}
	return rig;
}

static void drop_instance(fb_rig *rig)
{
	if (rig->self && rig->desc->finish) {
		rig->desc->finish(rig->self);
	}
	free(rig->self);
	rig->self = NULL;
}

void rig_close(fb_rig *rig)
{
	drop_instance(rig);
	free(rig->from);
	free(rig->to);
	free(rig->glide);
	free(rig->meter);
	dlclose(rig->library);
	free(rig);
}

const fb_node_desc *rig_desc(const fb_rig *rig)
{
	return rig->desc;
}

static uint32_t param(const fb_rig *rig, const char *symbol)
{
	for (uint32_t i = 0; i < rig->desc->n_params; i++) {
		if (!strcmp(rig->desc->params[i].symbol, symbol)) {
			return i;
		}
	}
	die("no such parameter", symbol);
	return 0;
}

static void aim(fb_rig *rig, const char *symbol, double value, bool jump)
{
	uint32_t i = param(rig, symbol);
	const fb_param_info *info = &rig->desc->params[i];
	uint32_t own = fb_glide_ticks(info, rig->rate_hz), ticks = jump || !rig->self ? 0 : own;
	if (!rig->self) {
		rig->to[i] = fb_param_fit(info, (float)value);
	}
	fb_glide_aim(&rig->glide[i], info, rig->to[i], (float)value, ticks, own);
}

void rig_set(fb_rig *rig, const char *symbol, double value)
{
	aim(rig, symbol, value, false);
}

void rig_jump(fb_rig *rig, const char *symbol, double value)
{
	aim(rig, symbol, value, true);
}

void rig_choose(fb_rig *rig, const char *symbol, const char *choice)
{
	const fb_param_info *info = &rig->desc->params[param(rig, symbol)];
	for (int i = 0; i <= (int)info->max; i++) {
		if (!strcmp(info->choices[i], choice)) {
			aim(rig, symbol, i, false);
			return;
		}
	}
	die("no such choice", choice);
}

void rig_prepare(fb_rig *rig)
{
	drop_instance(rig);
	for (uint32_t i = 0; i < rig->desc->n_params; i++) {
		rig->from[i] = rig->to[i] = rig->glide[i].final;
		rig->glide[i].ticks = 0;
	}
	size_t size = rig->desc->instance_size(rig->rate_hz, rig->to);
	size = (size + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	rig->self = aligned_alloc(FB_ALIGN, size);
	memset(rig->self, 0, size);
	if (!rig->desc->prepare(rig->self, rig->rate_hz, rig->to)) {
		die(rig->desc->id, "prepare refused");
	}
	if (rig->desc->provide) {
		rig->desc->provide(rig->self, rig->to);
	}
}

void rig_reset(fb_rig *rig)
{
	rig->desc->reset(rig->self);
}

uint32_t rig_latency(const fb_rig *rig)
{
	return rig->desc->latency ? rig->desc->latency(rig->self) : 0;
}

void rig_tempo(fb_rig *rig, double bpm)
{
	rig->tempo = (float)bpm;
}

static uint32_t channels(const fb_port_info *ports, uint32_t n)
{
	uint32_t sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		sum += ports[i].channels;
	}
	return sum;
}

static uint32_t connected_ports(const fb_rig *rig, const float *const *in)
{
	uint32_t bits = 0, channel = 0;
	for (uint32_t i = 0; i < rig->desc->n_inputs; i++) {
		bits |= in[channel] ? 1u << i : 0u;
		channel += rig->desc->inputs[i].channels;
	}
	return bits;
}

void rig_run(fb_rig *rig, const float *const *in, float *const *out, size_t frames)
{
	static _Alignas(FB_ALIGN) float ins[CHANNELS_MAX][FB_TICK], outs[CHANNELS_MAX][FB_TICK];
	uint32_t n_in = channels(rig->desc->inputs, rig->desc->n_inputs);
	uint32_t n_out = channels(rig->desc->outputs, rig->desc->n_outputs);
	const float *in_ptr[CHANNELS_MAX];
	float *out_ptr[CHANNELS_MAX];
	if (!rig->self) {
		rig_prepare(rig);
	}
	for (uint32_t c = 0; c < CHANNELS_MAX; c++) {
		in_ptr[c] = ins[c];
		out_ptr[c] = outs[c];
	}
	fb_tick tick = {.in = in_ptr,
		.out = out_ptr,
		.from = rig->from,
		.to = rig->to,
		.meter = rig->meter,
		.connected = n_in ? connected_ports(rig, in) : 0,
		.tempo = rig->tempo};
	for (size_t at = 0; at + FB_TICK <= frames; at += FB_TICK) {
		for (uint32_t i = 0; i < rig->desc->n_params; i++) {
			fb_glide_tick(&rig->glide[i], &rig->desc->params[i], &rig->from[i], &rig->to[i]);
		}
		for (uint32_t c = 0; c < n_in; c++) {
			if (in[c]) {
				memcpy(ins[c], in[c] + at, sizeof ins[c]);
			} else {
				memset(ins[c], 0, sizeof ins[c]);
			}
		}
		tick.frame = rig->frame;
		rig->desc->process(rig->self, &tick);
		for (uint32_t c = 0; c < n_out; c++) {
			memcpy(out[c] + at, outs[c], sizeof outs[c]);
		}
		rig->frame += FB_TICK;
	}
}

double rig_meter(const fb_rig *rig, const char *symbol)
{
	for (uint32_t i = 0; i < rig->desc->n_meters; i++) {
		if (!strcmp(rig->desc->meters[i].symbol, symbol)) {
			return (double)rig->meter[i];
		}
	}
	die("no such meter", symbol);
	return 0;
}

rig_sound rig_sound_open(size_t frames)
{
	rig_sound sound = {.frames = frames};
	for (int c = 0; c < 2; c++) {
		sound.in[c] = sig_alloc(frames);
		sound.out[c] = sig_alloc(frames);
	}
	return sound;
}

void rig_sound_close(rig_sound *sound)
{
	for (int c = 0; c < 4; c++) {
		free(sound->in[c]);
	}
	free(sound->out[0]);
	free(sound->out[1]);
}

void rig_sound_run(fb_rig *rig, const rig_sound *sound)
{
	rig_run(rig, (const float *const *)sound->in, sound->out, sound->frames);
}

void rig_bench_open(rig_bench *bench, const char *node, double rate_hz, size_t frames)
{
	bench->rig = rig_open(node, rate_hz);
	for (int c = 0; c < 2; c++) {
		bench->in[c] = sig_alloc(frames);
		bench->out[c] = sig_alloc(frames);
	}
}

void rig_bench_close(rig_bench *bench)
{
	rig_close(bench->rig);
	for (int c = 0; c < 2; c++) {
		free(bench->in[c]);
		free(bench->out[c]);
	}
}

void rig_bench_run(rig_bench *bench, size_t first, size_t frames)
{
	const float *in[2] = {bench->in[0] + first, bench->in[1] + first};
	float *out[2] = {bench->out[0] + first, bench->out[1] + first};
	rig_run(bench->rig, in, out, frames);
}

void sig_sine(float *x, size_t frames, double rate_hz, double freq_hz, double peak, double phase)
{
	for (size_t i = 0; i < frames; i++) {
		x[i] = (float)(peak * sin(2.0 * M_PI * freq_hz * (double)i / rate_hz + phase));
	}
}

void sig_noise(float *x, size_t frames, double peak, uint64_t seed)
{
	uint64_t s = seed * 0x9E3779B97F4A7C15u + 1u;
	for (size_t i = 0; i < frames; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		x[i] = (float)(peak * ((double)(s >> 11) * 0x1p-52 - 1.0));
	}
}

double sig_db(double ratio)
{
	return 20.0 * log10(fmax(ratio, 1e-15));
}

double sig_rms_db(const float *x, size_t frames)
{
	double sum = 0;
	for (size_t i = 0; i < frames; i++) {
		sum += (double)x[i] * (double)x[i];
	}
	return 10.0 * log10(fmax(sum / (double)frames, 1e-30));
}

double sig_peak(const float *x, size_t frames)
{
	double peak = 0;
	for (size_t i = 0; i < frames; i++) {
		peak = fmax(peak, fabs((double)x[i]));
	}
	return peak;
}

double sig_level_db(const float *x, size_t frames, double rate_hz, double freq_hz)
{
	double re = 0, im = 0, sum = 0;
	for (size_t i = 0; i < frames; i++) {
		double w = 0.5 - 0.5 * cos(2.0 * M_PI * ((double)i + 0.5) / (double)frames);
		double angle = 2.0 * M_PI * freq_hz * (double)i / rate_hz;
		re += w * (double)x[i] * cos(angle);
		im += w * (double)x[i] * sin(angle);
		sum += w;
	}
	return 20.0 * log10(fmax(2.0 * sqrt(re * re + im * im) / sum, 1e-15));
}

bool sig_finite(const float *x, size_t frames)
{
	for (size_t i = 0; i < frames; i++) {
		if (!isfinite(x[i])) {
			return false;
		}
	}
	return true;
}

float *sig_alloc(size_t frames)
{
	size_t bytes = (frames * sizeof(float) + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	float *x = aligned_alloc(FB_ALIGN, bytes ? bytes : FB_ALIGN);
	memset(x, 0, bytes);
	return x;
}
