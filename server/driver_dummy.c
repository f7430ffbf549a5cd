/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The dummy driver: silence in, paced by the clock. For work without JACK. */
#include "driver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

typedef struct dummy {
	fb_driver base;
	fb_engine *engine;
	uint32_t stations;
	pthread_t thread;
	bool started;
	float *memory; ///< all outputs, and the monitor's
	/* written by control */
	_Atomic bool quit;
	/* written by audio */
	_Atomic uint32_t load_ppm;
} dummy;

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {
	}
}

static void tell_xrun(dummy *d, int64_t due_ns)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	fb_xrun xrun = {.time_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000,
		.frame = fb_engine_frame(d->engine),
		.late_ms = 1e-6 * (double)(now_ns() - due_ns)};
	(void)fb_ring_write(d->base.xruns, &xrun); /* a full ring counts it */
}

static void *run(void *arg)
{
	dummy *d = arg;
	const float *in[2 * FB_STATIONS_MAX] = {NULL};
	float *out[2 * FB_STATIONS_MAX];
	int64_t period_ns = (int64_t)(1e9 * d->base.period / d->base.rate_hz), next = now_ns();
	double load = 0.0;
	for (uint32_t i = 0; i < 2 * d->stations; i++) {
		out[i] = d->memory + (size_t)i * d->base.period;
	}
	float *monitor[2] = {d->memory + (size_t)(2 * d->stations) * d->base.period,
		d->memory + (size_t)(2 * d->stations + 1) * d->base.period};
	while (!atomic_load_explicit(&d->quit, memory_order_relaxed)) {
		int64_t start = now_ns();
		fb_engine_process(d->engine, in, out, d->base.period);
		fb_monitor_play(d->base.monitor, monitor, d->base.period);
		load += 0.05 * ((double)(now_ns() - start) / (double)period_ns - load);
		atomic_store_explicit(&d->load_ppm, (uint32_t)(load * 1e6), memory_order_relaxed);
		next += period_ns;
		if (now_ns() > next + 4 * period_ns) { /* far behind: the machine slept, start anew */
			tell_xrun(d, next);
			next = now_ns();
		}
		sleep_until(next);
	}
	return NULL;
}

static fb_status open_dummy(fb_driver *driver, fb_error *error)
{
	(void)driver, (void)error; /* all is known */
	return FB_OK;
}

static fb_status start(fb_driver *driver, fb_engine *engine, fb_error *error)
{
	dummy *d = (dummy *)driver;
	d->engine = engine;
	d->memory = calloc((size_t)(2 * d->stations + 2) * d->base.period, sizeof(float));
	if (!d->memory || pthread_create(&d->thread, NULL, run, d)) {
		return fb_fail(error, FB_NO_MEMORY, "driver", "cannot start the audio thread");
	}
	d->started = true;
	return FB_OK;
}

static void stop(fb_driver *driver)
{
	dummy *d = (dummy *)driver;
	if (d->started) {
		atomic_store(&d->quit, true);
		pthread_join(d->thread, NULL);
		d->started = false;
	}
}

static void state(fb_driver *driver, fb_driver_state *out)
{
	dummy *d = (dummy *)driver;
	*out = (fb_driver_state){.running = d->started,
		.period = d->base.period,
		.dsp_load = atomic_load_explicit(&d->load_ppm, memory_order_relaxed) * 1e-4};
}

static void close_dummy(fb_driver *driver)
{
	dummy *d = (dummy *)driver;
	fb_ring_destroy(d->base.xruns);
	free(d->memory);
	free(d);
}

fb_status fb_driver_dummy(const fb_options *options, fb_driver **out, fb_error *error)
{
	static const fb_driver_ops ops = {
		.open = open_dummy, .start = start, .stop = stop, .close = close_dummy, .state = state};
	dummy *d = calloc(1, sizeof *d);
	if (!d) {
		return fb_fail(error, FB_NO_MEMORY, "driver", "out of memory");
	}
	d->base = (fb_driver){.ops = &ops,
		.kind = "dummy",
		.rate_hz = options->rate_hz,
		.period = options->period,
		.xruns = fb_ring_create(FB_XRUNS_MAX, sizeof(fb_xrun))};
	if (!d->base.xruns) {
		free(d);
		return fb_fail(error, FB_NO_MEMORY, "driver", "out of memory");
	}
	d->stations = options->stations;
	*out = &d->base;
	return FB_OK;
}
