/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What JACK's own threads call: the audio, and what JACK tells. None of it waits for anybody. */
#include "jack.h"

#include <jack/statistics.h>
#include <jack/transport.h>

#include <string.h>
#include <time.h>

static void take_transport(fb_jack *j)
{
	jack_position_t position;
	jack_transport_state_t state = jack_transport_query(j->active, &position);
	/* a stopped transport has its tempo still: an echo must not jump when somebody presses stop */
	double bpm = position.valid & JackPositionBBT ? position.beats_per_minute : 0.0;
	bpm = bpm > 0.0 && bpm < 10000.0 ? bpm : 0.0;
	fb_engine_set_tempo(j->engine, bpm);
	atomic_store_explicit(&j->bpm, bpm, memory_order_relaxed);
	atomic_store_explicit(&j->rolling, state == JackTransportRolling, memory_order_relaxed);
}

static void *buffer(const fb_jack *j, uint32_t port, jack_nframes_t frames)
{
	return jack_port_get_buffer(j->port[port], frames);
}

/** JACK may change the period between any two calls, and PipeWire the rate. */
static bool fits(fb_jack *j, jack_nframes_t frames)
{
	if (frames != j->engine_period) {
		fb_engine_set_period(j->engine, frames);
		j->engine_period = frames;
		atomic_store_explicit(&j->period, frames, memory_order_relaxed);
	}
	return atomic_load_explicit(&j->rate, memory_order_relaxed) == j->engine_rate;
}

static int on_process(jack_nframes_t frames, void *arg)
{
	fb_jack *j = arg;
	const float *in[2 * FB_STATIONS_MAX];
	float *out[2 * FB_STATIONS_MAX];
	uint32_t monitor = 4 * j->stations, midi = monitor + 2;
	for (uint32_t i = 0; i < 2 * j->stations; i++) {
		uint32_t port = 4 * (i / 2) + i % 2;
		in[i] = buffer(j, port, frames);
		out[i] = buffer(j, port + 2, frames);
	}
	float *const heard[2] = {buffer(j, monitor, frames), buffer(j, monitor + 1, frames)};
	if (!fits(j, frames)) {
		memset(heard[0], 0, frames * sizeof(float));
		memset(heard[1], 0, frames * sizeof(float));
		for (uint32_t i = 0; i < 2 * j->stations; i++) {
			memset(out[i], 0, frames * sizeof(float));
		}
		/* nothing is due in no frames: what the port sent last is not sent again */
		fb_jack_midi_send(&j->midi, buffer(j, midi + 1, frames), 0, 0);
		return 0;
	}
	take_transport(j);
	fb_engine_set_patient(
		j->engine, atomic_load_explicit(&j->freewheel, memory_order_relaxed)); /* the same bits */
	uint64_t start = fb_engine_frame(j->engine);
	fb_jack_midi_receive(&j->midi, buffer(j, midi, frames), start);
	fb_engine_process(j->engine, in, out, frames);
	fb_monitor_play(j->base.monitor, heard, frames);
	fb_jack_midi_send(&j->midi, buffer(j, midi + 1, frames), frames, start);
	return 0;
}

static int on_period(jack_nframes_t frames, void *arg)
{
	fb_jack *j = arg;
	atomic_store_explicit(&j->period, frames, memory_order_relaxed);
	return 0;
}

static int on_rate(jack_nframes_t rate, void *arg)
{
	fb_jack *j = arg;
	atomic_store_explicit(&j->rate, rate, memory_order_relaxed);
	fb_jack_wake(j);
	return 0;
}

static int on_xrun(void *arg)
{
	fb_jack *j = arg;
	struct timespec t;
	if (atomic_load_explicit(&j->freewheel, memory_order_relaxed)) {
		return 0; /* nothing can be late */
	}
	clock_gettime(CLOCK_REALTIME, &t);
	fb_xrun xrun = {.time_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000,
		.frame = fb_engine_frame(j->engine),
		.late_ms = 1e-3 * (double)jack_get_xrun_delayed_usecs(j->active)};
	(void)fb_ring_write(j->base.xruns, &xrun); /* a full ring counts it */
	return 0;
}

static void on_freewheel(int starting, void *arg)
{
	fb_jack *j = arg;
	atomic_store_explicit(&j->freewheel, starting != 0, memory_order_relaxed);
}

static void on_shutdown(void *arg)
{
	fb_jack *j = arg;
	atomic_store(&j->gone, true);
	fb_jack_wake(j);
}

/** What passes a station is later by its chain's latency. */
static void on_latency(jack_latency_callback_mode_t mode, void *arg)
{
	fb_jack *j = arg;
	bool forward = mode == JackCaptureLatency;
	jack_latency_range_t range = {0, 0};
	for (uint32_t i = 0; i < j->stations; i++) {
		uint32_t add = atomic_load_explicit(&j->latency[i], memory_order_relaxed);
		for (uint32_t c = 0; c < 2; c++) {
			jack_port_t *in = j->port[4 * i + c], *out = j->port[4 * i + 2 + c];
			jack_port_get_latency_range(forward ? in : out, mode, &range);
			if (!i && !c) {
				atomic_store_explicit(
					forward ? &j->in_latency : &j->out_latency, range.max, memory_order_relaxed);
			}
			range.min += add;
			range.max += add;
			jack_port_set_latency_range(forward ? out : in, mode, &range);
		}
	}
}

static void graph_changed(fb_jack *j)
{
	atomic_store(&j->graph_changed, true);
	fb_jack_wake(j);
}

static void on_connect(jack_port_id_t a, jack_port_id_t b, int made, void *arg)
{
	(void)a, (void)b, (void)made;
	graph_changed(arg);
}

static void on_port(jack_port_id_t port, int appeared, void *arg)
{
	fb_jack *j = arg;
	if (appeared) {
		(void)fb_ring_write(j->fresh, &port); /* a lost one is found by its name later */
	}
	graph_changed(j);
}

void fb_jack_set_callbacks(fb_jack *j, jack_client_t *client)
{
	jack_set_process_callback(client, on_process, j);
	jack_set_buffer_size_callback(client, on_period, j);
	jack_set_sample_rate_callback(client, on_rate, j);
	jack_set_xrun_callback(client, on_xrun, j);
	jack_set_latency_callback(client, on_latency, j);
	jack_set_freewheel_callback(client, on_freewheel, j);
	jack_on_shutdown(client, on_shutdown, j);
}

void fb_jack_set_graph_callbacks(fb_jack *j, jack_client_t *client)
{
	jack_set_port_connect_callback(client, on_connect, j);
	jack_set_port_registration_callback(client, on_port, j);
}
