/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crew.h"

#include "clock.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	HOME,  ///< nobody works on it
	GIVEN, ///< to be done
	TAKEN, ///< somebody works on it
};

enum { SPINS = 100 };      /* of a worker, before it sleeps: some microseconds */
#define WATCH_NS 20000.0   /* the caller looks so long for a late worker, then sleeps */
#define SLEEP_NS 100000000 /* a sleep that nobody ends; then it looks again */

struct fb_crew {
	/* constant */
	fb_crew_options options;
	double ns; ///< of a count of the clock
	pthread_t thread[FB_THREADS_MAX];
	uint32_t started;
	double patience_ns; ///< the caller's
	/* written by the caller */
	_Alignas(FB_ALIGN) _Atomic uint32_t call; ///< rises with each run
	_Atomic bool waiting, quit;
	/* written by all */
	_Alignas(FB_ALIGN) _Atomic uint32_t asleep, joined;
	_Atomic uint64_t helped;
	_Alignas(FB_ALIGN) _Atomic uint32_t state[FB_PLACES_MAX];
	_Atomic uint32_t cost[FB_PLACES_MAX];
	/* written by the caller: each thread's share in turn, dearest first */
	_Atomic uint8_t order[FB_PLACES_MAX];
};

/** Sleep while *word is `value`, at most so long. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &t, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	_mm_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* --- work */

/** Take a place that is given out, and do it. */
static bool do_place(fb_crew *crew, uint32_t place)
{
	uint32_t state = GIVEN;
	if (atomic_load_explicit(&crew->state[place], memory_order_relaxed) != GIVEN ||
		!atomic_compare_exchange_strong_explicit(
			&crew->state[place], &state, TAKEN, memory_order_acquire, memory_order_relaxed)) {
		return false;
	}
	crew->options.work(crew->options.ctx, place);
	atomic_store(&crew->state[place], HOME);
	if (atomic_load(&crew->waiting)) {
		futex_wake(&crew->state[place], 1);
	}
	return true;
}

static uint32_t share(const fb_crew *crew, uint32_t thread)
{
	return thread * crew->options.places / crew->options.threads;
}

/** The thread's own share, then what is left of the others'. Returns how many it did. */
static uint32_t do_places(fb_crew *crew, uint32_t thread)
{
	uint32_t n = crew->options.places, at = share(crew, thread), done = 0;
	for (uint32_t i = 0; i < n; i++, at = at + 1 < n ? at + 1 : 0) {
		done += do_place(crew, atomic_load_explicit(&crew->order[at], memory_order_relaxed));
	}
	return done;
}

/** Wait for the next call after `seen`: awake for a moment, for a period may come in pieces. */
static uint32_t await_call(fb_crew *crew, uint32_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&crew->call, memory_order_relaxed) != seen) {
			break;
		}
		relax();
	}
	while (atomic_load(&crew->call) == seen) {
		atomic_fetch_add(&crew->asleep, 1);
		futex_wait(&crew->call, seen, SLEEP_NS);
		atomic_fetch_sub(&crew->asleep, 1);
	}
	return atomic_load(&crew->call);
}

static void *worker(void *arg)
{
	fb_crew *crew = arg;
	uint32_t self = 1 + atomic_fetch_add(&crew->joined, 1), call = 0;
	while (!atomic_load(&crew->quit)) {
		call = await_call(crew, call);
		uint32_t done = do_places(crew, self);
		atomic_fetch_add_explicit(&crew->helped, done, memory_order_relaxed);
	}
	return NULL;
}

/* --- the caller */

/** One pass over each share: what is dearer than the one before it changes places with it. Costs
	change slowly, so that is enough. */
static void sort_shares(fb_crew *crew)
{
	for (uint32_t thread = 0; thread < crew->options.threads; thread++) {
		for (uint32_t i = share(crew, thread); i + 1 < share(crew, thread + 1); i++) {
			uint8_t a = crew->order[i], b = crew->order[i + 1];
			if (atomic_load_explicit(&crew->cost[a], memory_order_relaxed) <
				atomic_load_explicit(&crew->cost[b], memory_order_relaxed)) {
				atomic_store_explicit(&crew->order[i], b, memory_order_relaxed);
				atomic_store_explicit(&crew->order[i + 1], a, memory_order_relaxed);
			}
		}
	}
}

static void call_workers(fb_crew *crew)
{
	atomic_fetch_add(&crew->call, 1);
	if (atomic_load(&crew->asleep)) {
		futex_wake(&crew->call, INT32_MAX);
	}
}

/** Until nobody works on this place, or patience is over. */
static bool await_place(fb_crew *crew, uint32_t place, uint64_t began)
{
	while (atomic_load_explicit(&crew->state[place], memory_order_acquire) == TAKEN) {
		double past = (double)(fb_clock_now() - began) * crew->ns, left = crew->patience_ns - past;
		if (crew->patience_ns > 0.0 && left <= 0.0) {
			return false;
		}
		if (past < WATCH_NS) {
			relax();
			continue;
		}
		atomic_store(&crew->waiting, true);
		futex_wait(
			&crew->state[place], TAKEN, crew->patience_ns > 0.0 ? (int64_t)left + 1 : SLEEP_NS);
		atomic_store(&crew->waiting, false);
	}
	return true;
}

void fb_crew_set_patience(fb_crew *crew, double ns)
{
	crew->patience_ns = ns;
}

bool fb_crew_run(fb_crew *crew)
{
	bool whole = true;
	sort_shares(crew);
	for (uint32_t i = 0; i < crew->options.places; i++) {
		if (fb_crew_home(crew, i)) {
			atomic_store_explicit(&crew->state[i], GIVEN, memory_order_release);
		}
	}
	call_workers(crew);
	(void)do_places(crew, 0);
	uint64_t began = fb_clock_now();
	for (uint32_t i = 0; i < crew->options.places; i++) {
		whole = await_place(crew, i, began) && whole;
	}
	return whole;
}

bool fb_crew_home(const fb_crew *crew, uint32_t place)
{
	return atomic_load_explicit(&crew->state[place], memory_order_acquire) == HOME;
}

void fb_crew_weigh(fb_crew *crew, uint32_t place, uint32_t cost)
{
	atomic_store_explicit(&crew->cost[place], cost, memory_order_relaxed);
}

uint64_t fb_crew_helped(const fb_crew *crew)
{
	return atomic_load_explicit(&crew->helped, memory_order_relaxed);
}

/* --- life */

static int spawn_plain(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	(void)ctx;
	return pthread_create(thread, NULL, run, arg);
}

fb_crew *fb_crew_create(const fb_crew_options *options)
{
	fb_crew *crew = aligned_alloc(FB_ALIGN, sizeof *crew);
	if (!crew) {
		return NULL;
	}
	memset(crew, 0, sizeof *crew);
	crew->options = *options;
	crew->ns = fb_clock_ns();
	for (uint32_t i = 0; i < options->places; i++) {
		atomic_init(&crew->order[i], (uint8_t)i);
	}
	fb_spawn *spawn = options->spawn ? options->spawn : spawn_plain;
	for (uint32_t i = 0; i + 1 < options->threads; i++) {
		if (spawn(options->spawn_ctx, &crew->thread[i], worker, crew)) {
			fb_crew_destroy(crew);
			return NULL;
		}
		char name[16]; /* as the system's tools show it */
		snprintf(name, sizeof name, "fb-crew-%u", i + 1);
		(void)pthread_setname_np(crew->thread[i], name);
		crew->started++;
	}
	return crew;
}

void fb_crew_destroy(fb_crew *crew)
{
	if (!crew) {
		return;
	}
	atomic_store(&crew->quit, true);
	call_workers(crew);
	for (uint32_t i = 0; i < crew->started; i++) {
		pthread_join(crew->thread[i], NULL);
	}
	free(crew);
}
