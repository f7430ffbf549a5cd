/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline.h"

#include <stdlib.h>
#include <string.h>

enum { PERIOD_MAX = 8192 };

/** One period's worth of both channels. */
typedef struct period_work {
	_Alignas(FB_ALIGN) float in[2][PERIOD_MAX], out[2][PERIOD_MAX];
} period_work;

/** Send the events of the coming frames: few at a time, so that the ring never fills. */
static fb_status send_events(const fb_offline *job, fb_engine *engine, const fb_plan *plan,
	size_t *next, uint64_t until, fb_error *error)
{
	for (; *next < job->n_events && job->events[*next].frame < until; ++*next) {
		const fb_offline_event *e = &job->events[*next];
		const fb_instance *node = fb_plan_find(plan, e->stage);
		if (!node || e->param >= node->desc->n_params) {
			return fb_fail(error, FB_NOT_FOUND, e->stage, "no such stage or parameter");
		}
		if (node->desc->params[e->param].flags & FB_PARAM_REPREPARE) {
			return fb_fail(error, FB_INVALID, e->stage, "\"%s\" cannot change while it runs",
				node->desc->params[e->param].symbol);
		}
		fb_event event = {.frame = e->frame,
			.kind = FB_EVENT_PARAM,
			.serial = node->serial,
			.param = e->param,
			.value = e->value,
			.ticks = UINT32_MAX};
		if (!fb_engine_send(engine, &event)) {
			return fb_fail(error, FB_TOO_MANY, "events", "too many at frame %llu",
				(unsigned long long)e->frame);
		}
	}
	return FB_OK;
}

static fb_status copy_in(const fb_offline *job, period_work *work, uint64_t at, fb_error *error)
{
	uint64_t left = at < job->frames ? job->frames - at : 0;
	uint32_t n = left < job->period ? (uint32_t)left : job->period;
	float *const to[2] = {work->in[0], work->in[1]};
	for (int c = 0; c < 2; c++) {
		memset(to[c], 0, job->period * sizeof(float));
		if (!job->read && job->in[c]) {
			memcpy(to[c], job->in[c] + at * (n > 0), n * sizeof(float));
		}
	}
	return job->read && n ? job->read(job->ctx, to, n, error) : FB_OK;
}

/** The part of this period's output that falls into the result, `skip` frames late. */
static fb_status copy_out(
	const fb_offline *job, const period_work *work, uint64_t at, uint64_t skip, fb_error *error)
{
	uint64_t first = at < skip ? skip - at : 0, to = at + first - skip;
	if (first >= job->period || to >= job->frames) {
		return FB_OK;
	}
	uint64_t n = job->period - first < job->frames - to ? job->period - first : job->frames - to;
	const float *const from[2] = {work->out[0] + first, work->out[1] + first};
	if (job->write) {
		return job->write(job->ctx, from, (uint32_t)n, error);
	}
	for (int c = 0; c < 2; c++) {
		memcpy(job->out[c] + to, from[c], n * sizeof(float));
	}
	return FB_OK;
}

static void copy_reduction(const fb_offline *job, fb_ring *tap, uint64_t skip)
{
	const fb_tap_block *block;
	while ((block = fb_ring_peek(tap))) {
		uint64_t ticks = (job->frames + FB_TICK - 1) / FB_TICK;
		/* to the nearest tick: a reduction is a slow thing */
		uint64_t tick = (block->frame + FB_TICK / 2) / FB_TICK,
				 late = (skip + FB_TICK / 2) / FB_TICK;
		if (tick >= late && tick - late < ticks) {
			job->reduction_db[tick - late] = block->reduction_db;
		}
		fb_ring_drop(tap);
	}
}

static fb_status run(
	fb_offline *job, fb_engine *engine, const fb_plan *plan, period_work *work, fb_error *error)
{
	const float *in[2] = {work->in[0], work->in[1]};
	float *out[2] = {work->out[0], work->out[1]};
	uint64_t chain = job->late ? 0 : plan->latency, skip = chain + fb_engine_latency(engine);
	size_t next = 0;
	for (uint64_t at = 0; at < job->frames + skip; at += job->period) {
		fb_status status = send_events(job, engine, plan, &next, at + job->period, error);
		if (!status) {
			status = copy_in(job, work, at, error);
		}
		if (status) {
			return status;
		}
		fb_engine_process(engine, in, out, job->period);
		status = copy_out(job, work, at, skip, error);
		if (status) {
			return status;
		}
		if (job->reduction_db) {
			copy_reduction(job, fb_engine_tap(engine, 0), chain);
		}
	}
	return FB_OK;
}

fb_status fb_offline_render(fb_offline *job, fb_error *error)
{
	fb_engine_options options = {.stations = 1,
		.rate_hz = job->rate_hz,
		.period = job->period,
		.taps = job->reduction_db != NULL,
		.threads = job->threads,
		.patient = true};
	fb_engine *engine = NULL;
	fb_plan *plan = NULL;
	if (job->period < 1 || job->period > PERIOD_MAX) {
		return fb_fail(error, FB_INVALID, "period", "must be 1 to %d frames", PERIOD_MAX);
	}
	period_work *work = aligned_alloc(FB_ALIGN, sizeof *work);
	fb_status status = work ? FB_OK : fb_fail(error, FB_NO_MEMORY, "render", "out of memory");
	if (!status) {
		status = fb_engine_create(&options, &engine, error);
	}
	if (!status) {
		status = fb_plan_compile(job->patch, job->rate_hz, NULL, 0.0, &plan, error);
	}
	if (!status) {
		fb_event event = {.kind = FB_EVENT_PLAN, .plan = plan};
		(void)fb_engine_send(engine, &event); /* an empty ring has room */
		fb_engine_switch(engine, 0, FB_SWITCH_GUARD, false);
		fb_engine_set_tap(engine, 0, job->reduction_db != NULL);
		job->latency = plan->latency;
		status = run(job, engine, plan, work, error);
		job->faults = fb_engine_station_faults(engine, 0);
	}
	fb_engine_destroy(engine);
	free(work);
	return status;
}
