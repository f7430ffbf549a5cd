/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The determinism contract: same input, patch and events at the same frames, same bits, at any
   period, live or offline, early or just in time. */
#include "testing.h"

#include "../../../graph/offline.h"

#include "rig.h"
#include "stand.h"

enum { FRAMES = 48000, PLANS = 6, SWEEP = 400 };

static float in[2][FRAMES];

/** Noise; then a level that falls through all denormals to nothing; then noise with gaps. */
static void make_input(void)
{
	for (int c = 0; c < 2; c++) {
		sig_noise(in[c], FRAMES, 0.9, 21u + (unsigned)c);
		for (size_t i = 20000; i < 30000; i++) {
			in[c][i] *= (float)pow(10.0, -44.0 * (double)(i - 20000) / 10000.0);
		}
	}
}

/** The patches of the run: what is edited when. The third comes while the second still fades in. */
static const struct {
	uint64_t frame;
	const char *json;
} edits[PLANS] = {
	{0, "{'stages': [{'type': 'gain', 'id': 'g'}, {'type': 't_echo', 'id': 'e'}]}"},
	{5003, "{'stages': [{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 37}}, "
		   "{'type': 'gain', 'id': 'g'}, {'type': 't_echo', 'id': 'e'}]}"},
	{5900, "{'stages': [{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 411}}, "
		   "{'type': 'gain', 'id': 'g'}, {'type': 't_echo', 'id': 'e'}]}"},
	{14000, "{'stages': [{'type': 't_echo', 'id': 'e'}, {'type': 'gain', 'id': 'g'}, "
			"{'type': 't_denormal', 'id': 'n'}]}"},
	{20001, "{'stages': [{'type': 't_denormal', 'id': 'n'}, {'type': 't_mono', 'id': 'm'}]}"},
	{33333, "{'stages': [{'type': 't_denormal', 'id': 'n'}, {'type': 'gain', 'id': 'g'}]}"},
};

/** A run: the engine's periods in turn, and how far ahead events are sent. */
typedef struct schedule {
	const char *name;
	uint32_t period, sizes[8]; ///< sizes: frames per call, repeated; 0 ends
	uint64_t ahead;
} schedule;

typedef struct run {
	fb_engine *engine;
	fb_event event[PLANS + 2 * SWEEP + 64];
	size_t n_events, sent;
} run;

static void add(run *r, fb_event event)
{
	r->event[r->n_events++] = event;
}

static int by_frame(const void *a, const void *b)
{
	uint64_t x = ((const fb_event *)a)->frame, y = ((const fb_event *)b)->frame;
	return x < y ? -1 : x > y;
}

/** All plans compiled, each against the one before, and parameters of nodes that last. */
static void prepare(run *r)
{
	const fb_plan *live = NULL;
	uint32_t gain = 0;
	fb_error error;
	for (int i = 0; i < PLANS; i++) {
		fb_patch *patch = stand_patch(edits[i].json);
		fb_plan *plan;
		assert_int_equal(fb_plan_compile(patch, 48000, live, 20, &plan, &error), FB_OK);
		fb_patch_destroy(patch);
		live = plan->next ? plan->next : plan;
		add(r, (fb_event){.frame = edits[i].frame, .kind = FB_EVENT_PLAN, .plan = plan});
		const fb_instance *g = fb_plan_find(live, "g");
		gain = g && !gain ? g->serial : gain;
	}
	for (uint32_t i = 0; i < SWEEP; i++) {
		add(r, (fb_event){.frame = 1000 + 31 * i,
				   .kind = FB_EVENT_PARAM,
				   .serial = gain,
				   .value = (float)(i % 31) - 24.0f,
				   .ticks = i % 3 ? UINT32_MAX : i % 7});
	}
	for (uint32_t i = 0; i < 6; i++) {
		add(r, (fb_event){.frame = 3000 + 1777 * i,
				   .kind = FB_EVENT_BYPASS,
				   .serial = gain,
				   .value = (float)(i % 2)});
		add(r, (fb_event){.frame = 35000 + 1501 * i,
				   .kind = FB_EVENT_STATION,
				   .param = i % FB_SWITCHES,
				   .value = (float)(i < 3)});
	}
	qsort(r->event, r->n_events, sizeof *r->event, by_frame);
}

static void play(const schedule *s, float *out[2])
{
	fb_engine_options options = {.stations = 1, .rate_hz = 48000, .period = s->period};
	fb_error error;
	run *r = calloc(1, sizeof *r);
	assert_int_equal(fb_engine_create(&options, &r->engine, &error), FB_OK);
	prepare(r);
	uint32_t skip = fb_engine_latency(r->engine), total = FRAMES + skip, n;
	for (uint32_t at = 0, turn = 0; at < total; at += n) {
		n = s->sizes[turn++];
		turn = s->sizes[turn] ? turn : 0;
		float x[2][4096] = {{0}}, y[2][4096];
		for (uint32_t i = 0; i < n && at + i < FRAMES; i++) {
			x[0][i] = in[0][at + i];
			x[1][i] = in[1][at + i];
		}
		while (r->sent < r->n_events && r->event[r->sent].frame < at + n + s->ahead) {
			assert_true(fb_engine_send(r->engine, &r->event[r->sent++]));
		}
		const float *ins[2] = {x[0], x[1]};
		float *outs[2] = {y[0], y[1]};
		fb_engine_process(r->engine, ins, outs, n);
		fb_engine_service(r->engine);
		for (uint32_t i = 0; i < n; i++) {
			if (at + i >= skip && at + i - skip < FRAMES) {
				out[0][at + i - skip] = y[0][i];
				out[1][at + i - skip] = y[1][i];
			}
		}
	}
	fb_engine_counts counts;
	fb_engine_count(r->engine, &counts);
	assert_int_equal(counts.events_late + counts.events_orphan, 0);
	assert_int_equal(counts.events_lost + counts.faults + counts.bad_samples, 0);
	fb_engine_destroy(r->engine);
	free(r);
}

static void test_any_period(void **state)
{
	(void)state;
	static const schedule schedules[] = {
		{"32", 32, {32}, 0},
		{"64", 64, {64}, 0},
		{"100", 100, {100}, 0},
		{"128", 128, {128}, 0},
		{"1024", 1024, {1024}, 0},
		{"4096", 4096, {4096}, 0},
		{"32, events a second ahead", 32, {32}, FRAMES},
		{"441, events a while ahead", 441, {441}, 500},
		{"all sorts", 1, {1, 7, 33, 500, 31, 64, 97}, 0},
	};
	float *first[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
	float *out[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
	make_input();
	play(&schedules[0], first);
	assert_true(sig_peak(first[0] + 46000, 2000) > 0.01);
	for (size_t i = 1; i < sizeof schedules / sizeof *schedules; i++) {
		play(&schedules[i], out);
		for (int c = 0; c < 2; c++) {
			for (size_t f = 0; f < FRAMES; f++) {
				if (memcmp(&out[c][f], &first[c][f], sizeof(float)) != 0) {
					fail_msg("%s: channel %d differs first at frame %zu: %a, not %a",
						schedules[i].name, c, f, (double)out[c][f], (double)first[c][f]);
				}
			}
		}
	}
	for (int c = 0; c < 2; c++) {
		free(first[c]);
		free(out[c]);
	}
}

/* Every node there is, in one chain, its parameters moved about: the offline driver gives the same
   bits at every period, taken out of the chain's latency and left in it. */
static void test_offline(void **state)
{
	(void)state;
	static const uint32_t periods[] = {32, 64, 100, 128, 1024, 8192, 1, 33};
	const fb_nodes *nodes = stand_nodes();
	fb_patch *patch = fb_patch_create("all");
	fb_error error;
	fb_offline_event events[FB_STAGES_MAX * 40];
	size_t n_events = 0;
	for (size_t i = 0; i < fb_nodes_count(nodes) && patch->n_stages < 20; i++) {
		const fb_node_desc *type = fb_nodes_at(nodes, i);
		if (type->n_inputs && strncmp(type->id, "t_", 2) != 0) {
			assert_int_equal(fb_patch_add(patch, type, type->id, NULL, &error), FB_OK);
		}
	}
	assert_true(patch->n_stages > 0);
	for (uint64_t frame = 500; frame < 20000; frame += 997) {
		for (uint32_t s = 0; s < patch->n_stages && n_events < FB_STAGES_MAX * 40 - 1; s++) {
			const fb_node_desc *type = patch->stage[s].type;
			uint32_t p = (uint32_t)(frame / 7 + s) % (type->n_params ? type->n_params : 1);
			if (p < type->n_params && !(type->params[p].flags & FB_PARAM_REPREPARE)) {
				const fb_param_info *info = &type->params[p];
				double norm = (double)(frame * 31 % 101) / 100.0;
				events[n_events++] = (fb_offline_event){frame, patch->stage[s].id, p,
					(float)fb_scale_from_norm(
						info->scale, (double)info->min, (double)info->max, norm)};
			}
		}
	}
	make_input();
	float *first[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
	float *out[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
	float *reduction[2] = {sig_alloc(FRAMES / FB_TICK), sig_alloc(FRAMES / FB_TICK)};
	for (int late = 0; late < 2; late++) {
		for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
			float **to = i ? out : first;
			fb_offline job = {.patch = patch,
				.rate_hz = 48000,
				.period = periods[i],
				.in = {in[0], in[1]},
				.out = {to[0], to[1]},
				.reduction_db = reduction[i > 0],
				.frames = FRAMES,
				.events = events,
				.n_events = n_events,
				.late = late};
			assert_int_equal(fb_offline_render(&job, &error), FB_OK);
			assert_int_equal(job.faults, 0);
			if (i) {
				assert_memory_equal(out[0], first[0], FRAMES * sizeof(float));
				assert_memory_equal(out[1], first[1], FRAMES * sizeof(float));
				assert_memory_equal(reduction[0], reduction[1], FRAMES / FB_TICK * sizeof(float));
			}
		}
	}
	for (int c = 0; c < 2; c++) {
		free(first[c]);
		free(out[c]);
		free(reduction[c]);
	}
	fb_patch_destroy(patch);
}

/* A filter's tail sinks through the denormals to exactly nothing, where flushing them ends it. */
static void test_denormals_are_flushed(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_denormal'}]}");
	fb_error error;
	float *x = sig_alloc(FRAMES), *y = sig_alloc(FRAMES), *z = sig_alloc(FRAMES);
	x[0] = 1.0f;
	fb_offline job = {.patch = patch,
		.rate_hz = 48000,
		.period = 64,
		.in = {x, x},
		.out = {y, z},
		.frames = FRAMES};
	assert_int_equal(fb_offline_render(&job, &error), FB_OK);
	assert_true(y[8000] > 0.0f); /* 0.99^8000 = 1e-35 */
	for (size_t i = 0; i < FRAMES; i++) {
		assert_true(fpclassify(y[i]) != FP_SUBNORMAL);
	}
	assert_true(sig_peak(y + 9000, FRAMES - 9000) == 0.0);
	/* and the caller's own arithmetic is as it was */
	volatile float tiny = 1e-30f;
	assert_true(tiny * 1e-10f > 0.0f);
	free(x);
	free(y);
	free(z);
	fb_patch_destroy(patch);
}

/** Where a render in pieces stands, and what it may still read. */
typedef struct pieces {
	float *out[2];
	size_t read, written, end;
} pieces;

static fb_status read_piece(void *ctx, float *const *to, uint32_t frames, fb_error *error)
{
	pieces *p = ctx;
	if (p->read + frames > p->end) {
		return fb_fail(error, FB_IO, "tape", "it tore");
	}
	for (int c = 0; c < 2; c++) {
		memcpy(to[c], in[c] + p->read, frames * sizeof(float));
	}
	p->read += frames;
	return FB_OK;
}

static fb_status write_piece(void *ctx, const float *const *from, uint32_t frames, fb_error *error)
{
	pieces *p = ctx;
	(void)error;
	for (int c = 0; c < 2; c++) {
		memcpy(p->out[c] + p->written, from[c], frames * sizeof(float));
	}
	p->written += frames;
	return FB_OK;
}

/* Piece by piece is the same as whole, every frame read and written once. */
static void test_offline_in_pieces(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_delay', 'parameters': {'frames': 777}}, "
								  "{'type': 't_echo'}]}");
	fb_error error;
	float *whole[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
	pieces p = {.out = {sig_alloc(FRAMES), sig_alloc(FRAMES)}};
	make_input();
	fb_offline job = {.patch = patch,
		.rate_hz = 48000,
		.period = 128,
		.in = {in[0], in[1]},
		.out = {whole[0], whole[1]},
		.frames = FRAMES - 5};
	assert_int_equal(fb_offline_render(&job, &error), FB_OK);
	job.read = read_piece;
	job.write = write_piece;
	job.ctx = &p;
	for (job.period = 100; job.period < 5000; job.period *= 7) {
		p.read = p.written = 0;
		p.end = FRAMES;
		assert_int_equal(fb_offline_render(&job, &error), FB_OK);
		assert_int_equal(p.read, FRAMES - 5);
		assert_int_equal(p.written, FRAMES - 5);
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(p.out[c], whole[c], (FRAMES - 5) * sizeof(float));
		}
	}
	p.read = p.written = 0;
	p.end = 20000;
	job.period = 128;
	assert_int_equal(fb_offline_render(&job, &error), FB_IO);
	assert_string_equal(error.text, "it tore");
	for (int c = 0; c < 2; c++) {
		free(whole[c]);
		free(p.out[c]);
	}
	fb_patch_destroy(patch);
}

static void test_offline_refusals(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_delay'}, {'type': 't_value'}]}");
	fb_error error;
	float x[64] = {0}, y[64], z[64];
	fb_offline_event event = {10, "gain", 0, 0};
	fb_offline job = {.patch = patch,
		.rate_hz = 48000,
		.period = 0,
		.in = {x, NULL},
		.out = {y, z},
		.frames = 64,
		.events = &event,
		.n_events = 1};
	assert_int_equal(fb_offline_render(&job, &error), FB_INVALID);
	assert_string_equal(error.where, "period");
	job.period = 8193;
	assert_int_equal(fb_offline_render(&job, &error), FB_INVALID);
	job.period = 64;
	assert_int_equal(fb_offline_render(&job, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "gain");
	event = (fb_offline_event){10, "t_value", 4, 0};
	assert_int_equal(fb_offline_render(&job, &error), FB_NOT_FOUND);
	event = (fb_offline_event){10, "t_delay", 0, 100};
	assert_int_equal(fb_offline_render(&job, &error), FB_INVALID);
	assert_string_equal(error.where, "t_delay");
	assert_string_equal(error.text, "\"frames\" cannot change while it runs");
	job.n_events = 0;
	job.frames = 0;
	assert_int_equal(fb_offline_render(&job, &error), FB_OK);
	job.frames = 64;
	job.rate_hz = 1000;
	assert_int_equal(fb_offline_render(&job, &error), FB_INVALID);
	fb_patch_destroy(patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_period),
		cmocka_unit_test(test_offline),
		cmocka_unit_test(test_denormals_are_flushed),
		cmocka_unit_test(test_offline_in_pieces),
		cmocka_unit_test(test_offline_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
