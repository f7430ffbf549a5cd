/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The JACK driver as control sees it. */
#include "jack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STOP_S = 10 }; /* a JACK server that hangs does not keep us longer */

static double to_ms(const fb_jack *j, const _Atomic uint32_t *frames)
{
	return 1e3 * atomic_load_explicit(frames, memory_order_relaxed) / j->base.rate_hz;
}

static void state(fb_driver *driver, fb_driver_state *out)
{
	fb_jack *j = (fb_jack *)driver;
	pthread_mutex_lock(&j->lock);
	bool running = j->phase == FB_JACK_RUNNING && !atomic_load(&j->gone);
	*out = (fb_driver_state){.running = running,
		.waiting = !running,
		.freewheel = running && atomic_load_explicit(&j->freewheel, memory_order_relaxed),
		.period = atomic_load_explicit(&j->period, memory_order_relaxed),
		.connections = atomic_load(&j->connections),
		.missing = atomic_load(&j->missing),
		.restore = atomic_load(&j->restore)};
	if (running) {
		out->dsp_load = (double)jack_cpu_load(j->client);
		out->in_latency_ms = to_ms(j, &j->in_latency);
		out->out_latency_ms = to_ms(j, &j->out_latency);
		out->rolling = atomic_load_explicit(&j->rolling, memory_order_relaxed);
		out->bpm = atomic_load_explicit(&j->bpm, memory_order_relaxed);
	}
	if (j->why.status && j->why.status != FB_UNAVAILABLE) {
		snprintf(out->trouble, sizeof out->trouble, "%s", j->why.text);
	}
	pthread_mutex_unlock(&j->lock);
}

/** Wait until the link is past a phase, and take over what it found. */
static fb_status wait_past(fb_jack *j, fb_jack_phase phase, fb_error *error)
{
	fb_status status = FB_OK;
	pthread_mutex_lock(&j->lock);
	while (j->phase == phase) {
		pthread_cond_wait(&j->changed, &j->lock);
	}
	if (j->phase == FB_JACK_FAILED) {
		*error = j->why;
		status = j->why.status;
	} else if (j->phase != FB_JACK_WAITING) {
		j->base.rate_hz = atomic_load(&j->rate);
		j->base.period = atomic_load(&j->period);
	}
	pthread_mutex_unlock(&j->lock);
	return status;
}

static fb_status open_jack(fb_driver *driver, fb_error *error)
{
	return wait_past((fb_jack *)driver, FB_JACK_TRYING, error);
}

static fb_status start(fb_driver *driver, fb_engine *engine, fb_error *error)
{
	fb_jack *j = (fb_jack *)driver;
	j->engine = engine;
	j->engine_rate = (uint32_t)fb_engine_rate(engine);
	j->engine_period = 0;
	pthread_mutex_lock(&j->lock);
	bool opened = j->phase == FB_JACK_OPENED;
	atomic_store(&j->go, opened);
	pthread_mutex_unlock(&j->lock);
	fb_jack_wake(j);
	fb_status status = FB_OK;
	if (!atomic_load(&j->stay) && opened) {
		status = wait_past(j, FB_JACK_OPENED, error);
	}
	atomic_store(&j->stay, !status);
	return status;
}

static bool returned(fb_driver *driver)
{
	fb_jack *j = (fb_jack *)driver;
	pthread_mutex_lock(&j->lock);
	bool back = j->phase == FB_JACK_OPENED && !atomic_load(&j->go);
	if (back) {
		j->base.rate_hz = atomic_load(&j->rate);
		j->base.period = atomic_load(&j->period);
	}
	pthread_mutex_unlock(&j->lock);
	return back;
}

static void stop(fb_driver *driver)
{
	fb_jack *j = (fb_jack *)driver;
	struct timespec until;
	atomic_store(&j->quit, true);
	fb_jack_wake(j);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(j->link, NULL, &until)) {
		fputs("foldbackd: the JACK server does not answer: ending without it\n", stderr);
		_Exit(EXIT_FAILURE);
	}
}

static void set_latency(fb_driver *driver, uint32_t station, uint32_t frames)
{
	fb_jack *j = (fb_jack *)driver;
	if (atomic_exchange_explicit(&j->latency[station], frames, memory_order_relaxed) != frames) {
		atomic_store(&j->latency_changed, true);
		fb_jack_wake(j);
	}
}

static void set_name(fb_driver *driver, uint32_t station, const char *name)
{
	fb_jack *j = (fb_jack *)driver;
	pthread_mutex_lock(&j->lock);
	if (*name) {
		snprintf(j->name[station], sizeof j->name[station], "%s", name);
	} else {
		snprintf(j->name[station], sizeof j->name[station], "Station %u", station + 1);
	}
	pthread_mutex_unlock(&j->lock);
	atomic_store(&j->names_changed, true);
	fb_jack_wake(j);
}

static void set_restore(fb_driver *driver, bool restore)
{
	fb_jack *j = (fb_jack *)driver;
	atomic_store(&j->restore, restore);
	atomic_store(&j->graph_changed, true);
	fb_jack_wake(j);
}

static void forget(fb_driver *driver)
{
	fb_jack *j = (fb_jack *)driver;
	atomic_store(&j->forget, true);
	fb_jack_wake(j);
}

/** A thread of the priority that the JACK server's own have, or will be given it. */
static int spawn(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	fb_jack *j = ctx;
	if (j->n_helpers == FB_THREADS_MAX) {
		return EAGAIN;
	}
	int why = pthread_create(thread, NULL, run, arg);
	if (!why) {
		j->helper[j->n_helpers++] = *thread;
	}
	return why;
}

static bool midi_read(fb_driver *driver, fb_midi_event *out)
{
	return fb_ring_read(((fb_jack *)driver)->midi.received, out);
}

static bool midi_write(fb_driver *driver, const fb_midi_event *event)
{
	return fb_ring_write(((fb_jack *)driver)->midi.to_send, event);
}

static void close_jack(fb_driver *driver)
{
	fb_jack *j = (fb_jack *)driver;
	fb_patchbay_finish(&j->patchbay);
	fb_jack_midi_finish(&j->midi);
	fb_ring_destroy(j->fresh);
	fb_ring_destroy(j->base.xruns);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	sem_destroy(&j->wake);
	free(j);
}

static void quiet(const char *text)
{
	(void)text; /* we tell failures ourselves */
}

/** connections.json beside the database. */
static fb_status open_patchbay(fb_jack *j, fb_error *error)
{
	static const char name[] = "connections.json";
	const char *slash = strrchr(j->options->database, '/');
	size_t folder = slash ? (size_t)(slash - j->options->database) + 1 : 0;
	char path[1024];
	snprintf(path, sizeof path, "%.*s%s", (int)folder, j->options->database, name);
	return fb_patchbay_init(&j->patchbay, path, j->options->restore, error);
}

fb_status fb_driver_jack(const fb_options *options, fb_driver **out, fb_error *error)
{
	static const fb_driver_ops ops = {.open = open_jack,
		.start = start,
		.stop = stop,
		.close = close_jack,
		.state = state,
		.returned = returned,
		.set_latency = set_latency,
		.set_name = set_name,
		.set_restore = set_restore,
		.forget = forget,
		.midi_read = midi_read,
		.midi_write = midi_write,
		.spawn = spawn};
	fb_jack *j = calloc(1, sizeof *j);
	if (!j) {
		return fb_fail(error, FB_NO_MEMORY, "driver", "out of memory");
	}
	j->base = (fb_driver){.ops = &ops,
		.kind = "jack",
		.rate_hz = options->rate_hz,
		.period = options->period,
		.xruns = fb_ring_create(FB_XRUNS_MAX, sizeof(fb_xrun))};
	j->options = options;
	j->stations = options->stations;
	j->n_ports = 4 * j->stations + 4;
	j->fresh = fb_ring_create(FB_JACK_FRESH, sizeof(jack_port_id_t));
	atomic_store(&j->restore, options->restore);
	atomic_store(&j->period, options->period);
	sem_init(&j->wake, 0, 0);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->changed, NULL);
	if (!options->verbose) {
		jack_set_error_function(quiet);
		jack_set_info_function(quiet);
	}
	fb_status status =
		j->fresh && j->base.xruns ? FB_OK : fb_fail(error, FB_NO_MEMORY, "driver", "out of memory");
	if (!status) {
		status = fb_jack_midi_init(&j->midi, error);
	}
	if (!status) {
		status = open_patchbay(j, error);
	}
	if (!status && pthread_create(&j->link, NULL, fb_jack_link, j)) {
		status = fb_fail(error, FB_NO_MEMORY, "driver", "cannot start the link to JACK");
	}
	if (status) {
		close_jack(&j->base);
		return status;
	}
	*out = &j->base;
	return FB_OK;
}
