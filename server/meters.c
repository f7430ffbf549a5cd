/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meters.h"

#include "../metrics/analyser.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	GATHER = 64,   ///< tap blocks fed at once
	ROUND_MS = 10, ///< the thread looks after the taps this often; a tap holds 0.17 s
	LISTEN_MS = 2, ///< and this often while somebody listens
	READ_MS = 100, ///< every station is read this often
	CAPTURES_MAX = FB_CAPTURES_MAX,
	REQUESTS = 1024, ///< several for each station, twice over, while the thread sleeps
	REPORTS = 512,
	ENDS_MAX = FB_CAPTURES_MAX + FB_LISTENERS_MAX, ///< reports that must not be lost
	LISTENER_BLOCKS = 1024 ///< 0.7 s: a client that is slower loses its connection
};

typedef enum request_kind {
	ASK_TARGET,
	ASK_LATENCY,
	ASK_STT,
	ASK_RESTART,
	ASK_CAPTURE,
	ASK_CANCEL,
	ASK_LISTEN,
	ASK_UNLISTEN
} request_kind;

typedef struct request {
	request_kind kind;
	uint32_t station;
	double value;
	fb_capture *capture;
	fb_listener *listener;
	fb_analyser *analyser;
	fb_ring *tap; ///< ASK_RESTART: what to read from then on
} request;

struct fb_meters {
	fb_engine *engine;
	uint32_t stations;
	fb_ring *requests, *reports;
	pthread_t thread;
	sem_t ready; ///< posted once by the thread when it has its analysers, or has not
	bool started, whole;
	_Atomic bool quit;
	void (*wake)(void *ctx);
	void *ctx;
	/* control's */
	uint32_t listening;             ///< listeners not yet given back
	uint64_t lost[FB_STATIONS_MAX]; ///< with the taps of other rates
	uint32_t stt_told[FB_STATIONS_MAX];
	/* the thread's */
	fb_analyser *analyser[FB_STATIONS_MAX];
	fb_ring *tap[FB_STATIONS_MAX];
	uint64_t next_frame[FB_STATIONS_MAX];
	uint32_t stt_taken[FB_STATIONS_MAX]; ///< how many of those told
	fb_capture *capture[CAPTURES_MAX];
	uint32_t n_captures;
	fb_listener *listener[FB_LISTENERS_MAX];
	uint32_t n_listeners;
	bool heard; ///< a listener got something in this round
	double next_read_ms[FB_STATIONS_MAX];
	float gather[4][GATHER * FB_TICK]; ///< in L, R, out L, R
	float reduction[GATHER];
};

fb_capture *fb_capture_create(uint32_t station, uint64_t frames)
{
	fb_capture *capture = calloc(1, sizeof *capture);
	if (!capture) {
		return NULL;
	}
	capture->station = station;
	capture->frames = frames;
	capture->audio[0] = calloc(frames + 1, sizeof(float));
	capture->audio[1] = calloc(frames + 1, sizeof(float));
	if (!capture->audio[0] || !capture->audio[1]) {
		fb_capture_destroy(capture);
		return NULL;
	}
	return capture;
}

void fb_capture_destroy(fb_capture *capture)
{
	if (capture) {
		free(capture->audio[0]);
		free(capture->audio[1]);
		free(capture);
	}
}

void fb_listener_destroy(fb_listener *listener)
{
	if (listener) {
		fb_ring_destroy(listener->ring);
		free(listener);
	}
}

/* --- the thread */

static void give_back(fb_meters *meters, uint32_t index)
{
	fb_meter_report report = {.capture = meters->capture[index]};
	if (fb_ring_write(meters->reports, &report)) { /* else again in the next round */
		meters->capture[index] = meters->capture[--meters->n_captures];
	}
}

static void drain(fb_meters *meters, uint32_t station);

/** Go on at another rate, with what audio writes from now on. */
static void restart(fb_meters *meters, const request *ask)
{
	uint32_t station = ask->station;
	fb_ring_destroy(meters->tap[station]);
	meters->tap[station] = ask->tap;
	fb_analyser_destroy(meters->analyser[station]);
	meters->analyser[station] = ask->analyser;
	fb_analyser_reset(ask->analyser, meters->next_frame[station]);
	for (uint32_t i = 0; i < meters->n_captures; i++) {
		meters->capture[i]->failed |= meters->capture[i]->station == station;
	}
}

static void serve(fb_meters *meters, const request *ask)
{
	switch (ask->kind) {
	case ASK_TARGET:
		fb_analyser_set_target(meters->analyser[ask->station], ask->value);
		break;
	case ASK_LATENCY:
		fb_analyser_set_latency(meters->analyser[ask->station], ask->value);
		break;
	case ASK_STT:
		fb_analyser_set_stt(meters->analyser[ask->station], ask->value);
		meters->stt_taken[ask->station]++;
		break;
	case ASK_RESTART:
		drain(meters, ask->station); /* what is of the old rate */
		restart(meters, ask);
		break;
	case ASK_CAPTURE:
		meters->capture[meters->n_captures++] = ask->capture;
		break;
	case ASK_CANCEL:
		for (uint32_t i = 0; i < meters->n_captures; i++) {
			meters->capture[i]->failed |= meters->capture[i] == ask->capture;
		}
		break;
	case ASK_LISTEN:
		meters->listener[meters->n_listeners++] = ask->listener;
		break;
	case ASK_UNLISTEN:
		for (uint32_t i = 0; i < meters->n_listeners; i++) {
			if (meters->listener[i] == ask->listener) {
				meters->listener[i] = meters->listener[--meters->n_listeners];
			}
		}
		/* readings leave room in the ring of reports for all captures and listeners there can be */
		(void)fb_ring_write(meters->reports, &(fb_meter_report){.listener = ask->listener});
		break;
	}
}

static void fill_captures(fb_meters *meters, uint32_t station, uint64_t frame, uint64_t frames)
{
	for (uint32_t i = 0; i < meters->n_captures; i++) {
		fb_capture *capture = meters->capture[i];
		if (capture->station != station || capture->failed || capture->done == capture->frames) {
			continue;
		}
		if (!capture->done) {
			capture->frame_start = frame;
		}
		capture->failed = capture->frame_start + capture->done != frame;
		uint64_t n = capture->frames - capture->done;
		n = n < frames ? n : frames;
		for (int c = 0; c < 2; c++) {
			memcpy(capture->audio[c] + capture->done, meters->gather[c], n * sizeof(float));
		}
		capture->done += n;
	}
}

static void tell_listeners(fb_meters *meters, const fb_tap_block *block, uint32_t station)
{
	for (uint32_t i = 0; i < meters->n_listeners; i++) {
		const fb_listener *listener = meters->listener[i];
		fb_listener_block *out =
			listener->station == station ? fb_ring_claim(listener->ring) : NULL;
		if (out) {
			const float(*from)[FB_TICK] = listener->output ? block->out : block->in;
			out->frame = block->frame;
			for (int k = 0; k < FB_TICK; k++) {
				out->samples[k][0] = from[0][k];
				out->samples[k][1] = from[1][k];
			}
			fb_ring_publish(listener->ring);
			meters->heard = true;
		}
	}
}

/** Feed what stands in `gather`: `blocks` of one unbroken stretch. */
static void feed(fb_meters *meters, uint32_t station, uint64_t frame, uint32_t blocks)
{
	uint64_t frames = (uint64_t)blocks * FB_TICK;
	fb_stretch stretch = {.in = {meters->gather[0], meters->gather[1]},
		.out = {meters->gather[2], meters->gather[3]},
		.reduction_db = meters->reduction,
		.frames = frames};
	if (frame != meters->next_frame[station]) {
		fb_analyser_gap(meters->analyser[station], frame - meters->next_frame[station]);
	}
	fb_analyser_feed(meters->analyser[station], &stretch);
	fill_captures(meters, station, frame, frames);
	meters->next_frame[station] = frame + frames;
}

static void put_block(fb_meters *meters, const fb_tap_block *block, uint32_t at)
{
	for (int c = 0; c < 2; c++) {
		memcpy(meters->gather[c] + at * FB_TICK, block->in[c], sizeof block->in[c]);
		memcpy(meters->gather[2 + c] + at * FB_TICK, block->out[c], sizeof block->out[c]);
	}
	meters->reduction[at] = block->reduction_db;
}

static void drain(fb_meters *meters, uint32_t station)
{
	fb_ring *tap = meters->tap[station];
	const fb_tap_block *block;
	uint64_t first = 0;
	uint32_t n = 0;
	while ((block = fb_ring_peek(tap))) {
		bool goes_on = n && n < GATHER && block->frame == first + (uint64_t)n * FB_TICK;
		if (n && !goes_on) {
			feed(meters, station, first, n);
			n = 0;
		}
		if (!n) {
			first = block->frame;
		}
		put_block(meters, block, n++);
		tell_listeners(meters, block, station);
		fb_ring_drop(tap);
	}
	if (n) {
		feed(meters, station, first, n);
	}
}

static void report_reading(fb_meters *meters, uint32_t station)
{
	bool room = fb_ring_space(meters->reports) > ENDS_MAX;
	fb_meter_report *report = room ? fb_ring_claim(meters->reports) : NULL;
	if (report) { /* a control thread that is behind gets the next one */
		report->capture = NULL;
		report->listener = NULL;
		report->station = station;
		report->stt_taken = meters->stt_taken[station];
		fb_analyser_read(meters->analyser[station], &report->set);
		fb_ring_publish(meters->reports);
	}
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void look_after(fb_meters *meters, uint32_t station, double now)
{
	drain(meters, station);
	if (now >= meters->next_read_ms[station]) {
		report_reading(meters, station);
		double next = meters->next_read_ms[station] + READ_MS;
		meters->next_read_ms[station] = next > now ? next : now + READ_MS;
	}
}

static fb_analyser *make_analyser(const fb_engine *engine)
{
	fb_analyser_options options = {.rate_hz = fb_engine_rate(engine),
		.window = FB_WINDOW_LIVE,
		.target_lufs = -23.0,
		.has_input = true};
	return fb_analyser_create(&options);
}

/** All but the first, which control has made. */
static bool make_analysers(fb_meters *meters)
{
	bool whole = true;
	for (uint32_t i = 1; i < meters->stations && whole; i++) {
		meters->analyser[i] = make_analyser(meters->engine);
		whole = meters->analyser[i] != NULL;
	}
	return whole;
}

static void *run(void *arg)
{
	fb_meters *meters = arg;
	request ask;
	meters->whole = make_analysers(meters);
	sem_post(&meters->ready);
	if (!meters->whole) {
		return NULL;
	}
	for (uint32_t i = 0; i < meters->stations; i++) { /* spread: not all at once */
		meters->next_read_ms[i] = now_ms() + (double)(i * READ_MS) / meters->stations;
	}
	while (!atomic_load_explicit(&meters->quit, memory_order_relaxed)) {
		meters->heard = false;
		while (fb_ring_read(meters->requests, &ask)) {
			serve(meters, &ask);
		}
		for (uint32_t i = 0; i < meters->stations; i++) {
			look_after(meters, i, now_ms());
		}
		for (uint32_t i = meters->n_captures; i-- > 0;) {
			if (meters->capture[i]->failed ||
				meters->capture[i]->done == meters->capture[i]->frames) {
				give_back(meters, i);
			}
		}
		if (meters->heard) {
			meters->wake(meters->ctx);
		}
		long pause_ms = meters->n_listeners ? LISTEN_MS : ROUND_MS;
		nanosleep(&(struct timespec){0, pause_ms * 1000000}, NULL);
	}
	return NULL;
}

/* --- control */

fb_status fb_meters_create(
	fb_engine *engine, void (*wake)(void *ctx), void *ctx, fb_meters **out, fb_error *error)
{
	fb_meters *meters = calloc(1, sizeof *meters);
	if (!meters) {
		return fb_fail(error, FB_NO_MEMORY, "meters", "out of memory");
	}
	meters->engine = engine;
	meters->wake = wake;
	meters->ctx = ctx;
	meters->stations = fb_engine_stations(engine);
	meters->requests = fb_ring_create(REQUESTS, sizeof(request));
	meters->reports = fb_ring_create(REPORTS, sizeof(fb_meter_report));
	sem_init(&meters->ready, 0, 0);
	for (uint32_t i = 0; i < meters->stations; i++) {
		meters->tap[i] = fb_engine_tap(engine, i);
	}
	/* the first one here: it makes FFTW's planner safe before two threads use it */
	meters->analyser[0] = make_analyser(engine);
	bool whole = meters->requests && meters->reports && meters->analyser[0];
	meters->started = whole && !pthread_create(&meters->thread, NULL, run, meters);
	if (meters->started) {
		pthread_setname_np(meters->thread, "fb-meters");
	} else {
		fb_meters_destroy(meters);
		return fb_fail(error, FB_NO_MEMORY, "meters", "cannot start the meter thread");
	}
	*out = meters;
	return FB_OK;
}

fb_status fb_meters_await(fb_meters *meters, fb_error *error)
{
	while (sem_wait(&meters->ready)) { /* a signal */
	}
	if (!meters->whole) {
		return fb_fail(error, FB_NO_MEMORY, "meters", "out of memory");
	}
	for (uint32_t i = 0; i < meters->stations; i++) {
		fb_engine_set_tap(meters->engine, i, true);
	}
	return FB_OK;
}

void fb_meters_destroy(fb_meters *meters)
{
	if (!meters) {
		return;
	}
	if (meters->started) {
		atomic_store(&meters->quit, true);
		pthread_join(meters->thread, NULL);
	}
	fb_meter_report report;
	while (meters->reports && fb_ring_read(meters->reports, &report)) {
		fb_capture_destroy(report.capture);
		fb_listener_destroy(report.listener);
	}
	for (uint32_t i = 0; i < meters->n_listeners; i++) {
		fb_listener_destroy(meters->listener[i]);
	}
	for (uint32_t i = 0; i < meters->n_captures; i++) {
		fb_capture_destroy(meters->capture[i]);
	}
	meters->n_captures = 0;
	request ask;
	while (meters->requests && fb_ring_read(meters->requests, &ask)) {
		if (ask.kind == ASK_CAPTURE) {
			fb_capture_destroy(ask.capture);
		} else if (ask.kind == ASK_LISTEN) {
			fb_listener_destroy(ask.listener);
		} else if (ask.kind == ASK_RESTART) {
			restart(meters, &ask);
		}
	}
	for (uint32_t i = 0; i < meters->stations; i++) {
		fb_engine_set_tap(meters->engine, i, false);
		fb_analyser_destroy(meters->analyser[i]);
	}
	fb_ring_destroy(meters->requests);
	fb_ring_destroy(meters->reports);
	sem_destroy(&meters->ready);
	free(meters);
}

fb_status fb_meters_restart(fb_meters *meters, fb_error *error)
{
	for (uint32_t i = 0; i < meters->stations; i++) {
		fb_analyser *analyser = make_analyser(meters->engine);
		fb_ring *tap = fb_engine_make_tap(meters->engine);
		request *ask = analyser && tap ? fb_ring_claim(meters->requests) : NULL;
		if (!ask) {
			fb_analyser_destroy(analyser);
			fb_ring_destroy(tap);
			return fb_fail(error, FB_NO_MEMORY, "meters", "out of memory");
		}
		/* the thread frees the old tap as soon as it is asked to: nobody looks at it after that */
		meters->lost[i] += fb_ring_lost(fb_engine_tap(meters->engine, i));
		fb_engine_take_tap(meters->engine, i, tap);
		*ask = (request){.kind = ASK_RESTART, .station = i, .analyser = analyser, .tap = tap};
		fb_ring_publish(meters->requests);
	}
	return FB_OK;
}

void fb_meters_set_target(fb_meters *meters, uint32_t station, double target_lufs)
{
	(void)fb_ring_write(
		meters->requests, &(request){.kind = ASK_TARGET, .station = station, .value = target_lufs});
}

void fb_meters_set_latency(fb_meters *meters, uint32_t station, double latency_ms)
{
	(void)fb_ring_write(
		meters->requests, &(request){.kind = ASK_LATENCY, .station = station, .value = latency_ms});
}

void fb_meters_set_stt(fb_meters *meters, uint32_t station, double confidence)
{
	if (fb_ring_write(meters->requests,
			&(request){.kind = ASK_STT, .station = station, .value = confidence})) {
		meters->stt_told[station]++;
	}
}

bool fb_meters_capture(fb_meters *meters, fb_capture *take)
{
	return fb_ring_write(meters->requests, &(request){.kind = ASK_CAPTURE, .capture = take});
}

void fb_meters_cancel(fb_meters *meters, fb_capture *capture)
{
	(void)fb_ring_write(meters->requests, &(request){.kind = ASK_CANCEL, .capture = capture});
}

fb_listener *fb_meters_listen(fb_meters *meters, uint32_t station, bool output, void *owner)
{
	if (meters->listening == FB_LISTENERS_MAX) {
		return NULL;
	}
	fb_listener *listener = calloc(1, sizeof *listener);
	if (!listener) {
		return NULL;
	}
	*listener = (fb_listener){station, output, NULL, owner};
	listener->ring = fb_ring_create(LISTENER_BLOCKS, sizeof(fb_listener_block));
	if (!listener->ring ||
		!fb_ring_write(meters->requests, &(request){.kind = ASK_LISTEN, .listener = listener})) {
		fb_listener_destroy(listener);
		return NULL;
	}
	meters->listening++;
	return listener;
}

void fb_meters_unlisten(fb_meters *meters, fb_listener *listener)
{
	listener->owner = NULL;
	/* a full ring leaves it listening to nobody, until the end: it costs a little work only */
	(void)fb_ring_write(meters->requests, &(request){.kind = ASK_UNLISTEN, .listener = listener});
}

bool fb_meters_poll(fb_meters *meters, fb_meter_report *out)
{
	bool any = fb_ring_read(meters->reports, out);
	meters->listening -= any && out->listener;
	out->stt_old = any && out->stt_taken != meters->stt_told[out->station];
	return any;
}

uint64_t fb_meters_lost(const fb_meters *meters, uint32_t station)
{
	return meters->lost[station] + fb_ring_lost(fb_engine_tap(meters->engine, station));
}
