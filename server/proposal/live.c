/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live.h"

#include "../meters.h"
#include "monitor.h"

#include "../../metrics/analyser.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PAUSE_NS 2000000
#define READ_S 0.1     /* between two looks at how the versions differ in loudness */
#define SHARE_MAX 0.45 /* of the time there is, for one chain: two have to fit a thread */
#define GAIN_S 0.3     /* how fast the matching moves, so that nobody hears it move */

enum {
	NICENESS = 10,
	MEMORY = 300 /* readings whose mean matches the versions: 30 s, or a compressor's work is
	                evened out with its gain */
};

struct fb_live {
	fb_server *server;
	fb_engine *engine; ///< station 0: as it is set, 1: as proposed
	fb_station *station[2];
	fb_listener *listener;
	pthread_t thread;
	bool started;
	_Atomic bool quit;
	_Atomic double bpm;
	/* the thread's */
	fb_analyser *analyser; ///< of the proposed version, with the present one as its input
	uint64_t next_frame, frames;
	bool torn;        ///< what comes does not continue what the monitor has
	double louder_db; ///< the proposed version
	uint32_t readings;
	bool matched;
	double gain_db[2];
};

/* --- the thread */

/** How much louder the proposed version is, in the mean. */
static void read_loudness(fb_live *live)
{
	fb_metric_set set;
	fb_analyser_read(live->analyser, &set);
	if (fb_metric_valid(&set, FB_M_GAIN_CHANGE)) {
		live->readings += live->readings < MEMORY;
		live->louder_db += (set.value[FB_M_GAIN_CHANGE] - live->louder_db) / live->readings;
	}
}

/** The louder version is turned down, so that neither can clip. */
static void match(fb_live *live, fb_monitor_block *block)
{
	double rate_hz = fb_engine_rate(live->engine);
	double step = live->matched ? 1.0 - exp(-FB_TICK / (GAIN_S * rate_hz)) : 1.0;
	double aim[2] = {fmin(live->louder_db, 0.0), fmin(-live->louder_db, 0.0)};
	for (int v = 0; v < 2; v++) {
		block->gain[v][0] = (float)pow(10.0, live->gain_db[v] / 20.0);
		live->gain_db[v] += step * (aim[v] - live->gain_db[v]);
		block->gain[v][1] = (float)pow(10.0, live->gain_db[v] / 20.0);
	}
}

static void run_tick(fb_live *live, const fb_listener_block *from)
{
	float in[2][FB_TICK];
	fb_monitor_block block;
	for (int i = 0; i < FB_TICK; i++) {
		in[0][i] = from->samples[i][0];
		in[1][i] = from->samples[i][1];
	}
	const float *const ins[4] = {in[0], in[1], in[0], in[1]};
	float *const outs[4] = {
		block.audio[0][0], block.audio[0][1], block.audio[1][0], block.audio[1][1]};
	fb_engine_set_tempo(live->engine, atomic_load_explicit(&live->bpm, memory_order_relaxed));
	fb_engine_process(live->engine, ins, outs, FB_TICK);
	fb_stretch stretch = {.out = {outs[2], outs[3]}, .in = {outs[0], outs[1]}, .frames = FB_TICK};
	fb_analyser_feed(live->analyser, &stretch);
	uint64_t every = (uint64_t)(READ_S * fb_engine_rate(live->engine)) / FB_TICK * FB_TICK;
	live->frames += FB_TICK;
	if (live->frames % every == 0) {
		read_loudness(live);
	}
	match(live, &block);
	live->matched = live->readings > 0;
	if (!live->matched) {
		return; /* nothing was loud enough to be heard, or to be alike */
	}
	live->torn = !fb_monitor_feed(live->server->monitor, &block, !live->torn);
}

static void *run(void *arg)
{
	fb_live *live = arg;
	const fb_listener_block *block;
	/* on Linux the niceness of a thread */
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	while (!atomic_load_explicit(&live->quit, memory_order_relaxed)) {
		while (!atomic_load_explicit(&live->quit, memory_order_relaxed) &&
			   (block = fb_ring_peek(live->listener->ring))) {
			live->torn |= block->frame != live->next_frame;
			live->next_frame = block->frame + FB_TICK;
			run_tick(live, block);
			fb_ring_drop(live->listener->ring);
		}
		nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
	}
	return NULL;
}

/* --- control */

static fb_status check(const fb_channel *channel, fb_error *error)
{
	fb_health health;
	fb_engine_health(channel->server->engine, channel->index, &health);
	if (!fb_audio_runs(channel->server)) {
		return fb_fail(error, FB_UNAVAILABLE, "proposal/audition",
			"there is no live input: no JACK server is there");
	}
	if (health.time.mean_share > SHARE_MAX) {
		return fb_fail(error, FB_UNAVAILABLE, "proposal/audition",
			"the chain takes %.0f %% of the time there is: two more of it cannot be heard live",
			100.0 * health.time.mean_share);
	}
	return FB_OK;
}

static fb_status make_engine(fb_live *live, double rate_hz, fb_error *error)
{
	fb_engine_options engine = {.stations = 2, .rate_hz = rate_hz, .period = FB_TICK};
	fb_analyser_options analyser = {
		.rate_hz = rate_hz, .window = FB_WINDOW_LIVE, .target_lufs = -23.0, .has_input = true};
	fb_status status = fb_engine_create(&engine, &live->engine, error);
	live->analyser = status ? NULL : fb_analyser_create(&analyser);
	return status || live->analyser
			   ? status
			   : fb_fail(error, FB_NO_MEMORY, "proposal/audition", "out of memory");
}

static fb_status make_stations(fb_live *live, const fb_patch *const version[2], fb_error *error)
{
	fb_status status = FB_OK;
	for (uint32_t v = 0; v < 2 && !status; v++) {
		fb_patch *copy = fb_patch_copy(version[v]);
		status = copy ? fb_station_create(live->engine, v, copy, &live->station[v], error)
					  : fb_fail(error, FB_NO_MEMORY, "proposal/audition", "out of memory");
		if (status) {
			fb_patch_destroy(copy);
		}
	}
	return status;
}

static fb_status start_thread(fb_live *live, fb_channel *channel, fb_error *error)
{
	live->listener = fb_meters_listen(live->server->meters, channel->index, false, live);
	live->started = live->listener && !pthread_create(&live->thread, NULL, run, live);
	if (!live->started) {
		return fb_fail(error, FB_NO_MEMORY, "proposal/audition", "the live shadow cannot start");
	}
	pthread_setname_np(live->thread, "fb-live");
	return FB_OK;
}

fb_status fb_live_start(
	fb_channel *channel, const fb_patch *const version[2], fb_live **out, fb_error *error)
{
	fb_status status = check(channel, error);
	fb_live *live = status ? NULL : calloc(1, sizeof *live);
	if (!live) {
		return status ? status : fb_fail(error, FB_NO_MEMORY, "proposal/audition", "out of memory");
	}
	live->server = channel->server;
	status = make_engine(live, fb_engine_rate(channel->server->engine), error);
	if (!status) {
		status = make_stations(live, version, error);
	}
	if (!status) {
		status = start_thread(live, channel, error);
	}
	if (status) {
		fb_live_stop(live);
		return status;
	}
	*out = live;
	return FB_OK;
}

void fb_live_stop(fb_live *take)
{
	if (!take) {
		return;
	}
	atomic_store(&take->quit, true);
	if (take->started) {
		pthread_join(take->thread, NULL);
	}
	if (take->listener) {
		fb_meters_unlisten(take->server->meters, take->listener);
	}
	fb_engine_destroy(take->engine);
	fb_station_destroy(take->station[0]);
	fb_station_destroy(take->station[1]);
	fb_analyser_destroy(take->analyser);
	free(take);
}

fb_status fb_live_follow(fb_live *live, const fb_patch *const version[2], fb_error *error)
{
	fb_status status = FB_OK;
	for (int v = 0; v < 2 && !status; v++) {
		fb_patch *copy = fb_patch_copy(version[v]);
		status = copy ? fb_station_apply(live->station[v], copy, -1.0, error)
					  : fb_fail(error, FB_NO_MEMORY, "proposal/audition", "out of memory");
		if (status) {
			fb_patch_destroy(copy);
		}
	}
	return status;
}

void fb_live_service(fb_live *live)
{
	if (live) {
		double bpm = live->server->audio.driver.bpm;
		atomic_store_explicit(&live->bpm, bpm, memory_order_relaxed);
		fb_engine_service(live->engine);
		fb_station_service(live->station[0]);
		fb_station_service(live->station[1]);
	}
}

double fb_live_share(const fb_live *live)
{
	double share = 0.0;
	for (uint32_t v = 0; live && v < 2; v++) {
		fb_health health;
		fb_engine_health(live->engine, v, &health);
		share += health.time.mean_share;
	}
	return share;
}
