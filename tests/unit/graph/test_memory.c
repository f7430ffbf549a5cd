/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing leaks, whatever happens: a thousand edits leave the heap as large as it was, and when any
   one allocation fails, all made before it are given back and the error says so. */
#include "testing.h"

#include "heap.h"
#include "stand.h"

#include "../../../graph/offline.h"

#include "rig.h"

enum { PERIOD = 64, SECOND = 48000 };

static fb_error error;

static const char *const patches[] = {
	"{'name': 'one', 'stages': [{'type': 'gain', 'id': 'g'}, {'type': 't_echo', 'id': 'e'}]}",
	"{'name': 'two', 'stages': [{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 99}}, "
	"{'type': 't_echo', 'id': 'e'}, {'type': 't_slow', 'id': 's', 'parameters': {'ms': 0}}]}",
	"{'name': 'three', 'stages': [{'type': 't_echo', 'id': 'e'}, {'type': 'gain', 'id': 'g'}, "
	"{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 777}}], 'connections': [{'from': "
	"'in', 'to': 'g'}, {'from': 'in', 'to': 'd'}, {'from': 'd', 'to': 'e'}, {'from': 'g', 'to': "
	"'out', 'weight': 0.5}, {'from': 'e', 'to': 'out'}]}",
};

static void edits(stand *s, int n)
{
	for (int i = 0; i < n; i++) {
		s->at = 0;
		fb_station_remember(s->station);
		stand_edit(s, patches[i % 3]);
		stand_bypass(s, "e", i % 2);
		/* some edits are heard to the end, some overtaken */
		stand_run(s, (size_t)(i % 5 ? 3 : 60) * PERIOD);
	}
	s->at = 0;
	stand_run(s, SECOND / 4);
}

/* 300 edits fill the undo history; from there on every block taken is given back. */
static void test_a_thousand_edits(void **state)
{
	(void)state;
	if (!heap_watched) {
		skip();
	}
	stand s;
	stand_open(&s, patches[0], PERIOD, SECOND / 4);
	edits(&s, 300);
	long before = atomic_load(&heap_alive);
	edits(&s, 999);
	assert_int_equal(atomic_load(&heap_alive) - before, 0);
	stand_close(&s);
}

/* --- every allocation fails once */

/** Do something, all or nothing, and undo it. Returns false if it failed for want of memory. */
typedef bool attempt(void *with);

static void fail_each(const char *what, attempt *try, void *with)
{
	if (!heap_watched) {
		skip();
	}
	assert_true(try(with)); /* once to settle what libraries keep for themselves */
	long before = atomic_load(&heap_alive);
	bool done = false;
	int n = 0;
	for (; !done; n++) {
		error = (fb_error){0};
		atomic_store(&heap_fail_in, n);
		done = try(with);
		done = atomic_exchange(&heap_fail_in, -1) >= 0 && done;
		if (atomic_load(&heap_alive) != before) {
			fail_msg("%s: %ld blocks left when allocation %d fails", what,
				atomic_load(&heap_alive) - before, n);
		}
	}
	assert_true(n > 1);
}

/** Did it work? If not, it must say why. */
static bool worked(fb_status status)
{
	if (status && (status != FB_NO_MEMORY || error.status != FB_NO_MEMORY)) {
		atomic_store(&heap_fail_in, -1);
		fail_msg("%d: %s: %s", status, error.where, error.text);
	}
	return !status;
}

static bool parse(void *with)
{
	const char *text = with;
	fb_patch *patch = NULL;
	/* jansson itself takes some failures for faults in the text */
	fb_status status = fb_patch_parse(text, strlen(text), "x", stand_nodes(), &patch, &error);
	assert_true(!status || status == FB_NO_MEMORY || strstr(error.where, "line"));
	fb_patch_destroy(patch);
	return !status;
}

/** A patch's text, as JSON wants it. */
static char *dump(const fb_patch *patch)
{
	json_t *json = fb_patch_to_json(patch);
	char *text = json_dumps(json, 0);
	json_decref(json);
	return text;
}

static void test_parse(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(patches[2]);
	char *text = dump(patch);
	fail_each("parse", parse, text);
	free(text);
	fb_patch_destroy(patch);
}

static bool copy(void *with)
{
	fb_patch *made = fb_patch_copy(with);
	fb_patch_destroy(made);
	return made != NULL;
}

static bool create(void *with)
{
	(void)with;
	fb_patch *made = fb_patch_create("new");
	bool done =
		made && !fb_patch_add(made, fb_nodes_find(stand_nodes(), "gain"), "g", NULL, &error);
	fb_patch_destroy(made);
	return done;
}

static bool write(void *with)
{
	json_t *json = fb_patch_to_json(with);
	bool whole = json != NULL;
	if (whole) {
		assert_int_equal(json_array_size(json_object_get(json, "stages")), 3);
		assert_int_equal(json_array_size(json_object_get(json, "connections")), 5);
	}
	json_decref(json);
	return whole;
}

static void test_patches(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(patches[2]);
	patch->stage[1].bypass = true;
	fail_each("copy", copy, patch);
	fail_each("create", create, patch);
	fail_each("write", write, patch);
	fb_patch_destroy(patch);
}

typedef struct edit {
	fb_patch *patch;
	fb_plan *live;
} edit;

static bool compile(void *with)
{
	edit *e = with;
	fb_plan *plan;
	if (!worked(fb_plan_compile(e->patch, 48000, e->live, 20, &plan, &error))) {
		return false;
	}
	fb_plan *next = plan->next;
	fb_plan_destroy(plan);
	fb_plan_destroy(next);
	return true;
}

static void test_compile(void **state)
{
	(void)state;
	fb_patch *before = stand_patch(patches[0]);
	edit e = {.patch = stand_patch(patches[2])};
	fail_each("compile", compile, &e);
	assert_int_equal(fb_plan_compile(before, 48000, NULL, 20, &e.live, &error), FB_OK);
	fail_each("compile an edit", compile, &e);
	fb_plan_destroy(e.live);
	fb_patch_destroy(e.patch);
	fb_patch_destroy(before);
}

static bool engine(void *with)
{
	(void)with;
	fb_engine_options options = {.stations = 3, .rate_hz = 48000, .period = 64, .taps = true};
	fb_engine *made;
	if (!worked(fb_engine_create(&options, &made, &error))) {
		return false;
	}
	fb_engine_destroy(made);
	return true;
}

static bool offline(void *with)
{
	static float x[2][4096], y[2][4096];
	fb_offline job = {.patch = with,
		.rate_hz = 48000,
		.period = 100,
		.in = {x[0], x[1]},
		.out = {y[0], y[1]},
		.frames = 4096};
	return worked(fb_offline_render(&job, &error));
}

static void test_engine(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(patches[2]);
	fail_each("engine", engine, NULL);
	fail_each("offline", offline, patch);
	fb_patch_destroy(patch);
}

static bool station(void *with)
{
	stand *s = with;
	fb_patch *patch = fb_patch_copy(fb_station_patch(s->station));
	fb_station *made = NULL;
	bool done = patch && worked(fb_station_create(s->engine, 0, patch, &made, &error));
	if (made) {
		/* its plan goes to audio, which hands back that of the station before */
		s->at = 0;
		stand_run(s, PERIOD);
	} else {
		fb_patch_destroy(patch);
	}
	fb_station_destroy(made);
	return done;
}

static void test_station(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, patches[2], PERIOD, SECOND / 4);
	stand_run(&s, PERIOD);
	fail_each("station", station, &s);
	stand_close(&s);
}

/* A library that the linker itself has no memory for is skipped with a warning; types are never
   lost in silence. */
static int skipped;

static void count_skipped(const fb_error *why)
{
	skipped += strstr(why->text, "cannot be loaded") != NULL;
}

static bool loader(void *with)
{
	fb_nodes *nodes = NULL;
	skipped = 0;
	fb_status status =
		fb_nodes_open(FB_BUILD "/nodes:" FB_BUILD "/tests/nodes", count_skipped, &nodes, &error);
	bool whole = !status && !skipped;
	assert_true(status || skipped || fb_nodes_count(nodes) == *(size_t *)with);
	fb_nodes_close(nodes);
	return worked(status) && whole;
}

static void test_loader(void **state)
{
	(void)state;
	/* they stay loaded beside, so that what is counted is the loader's own memory */
	size_t n = fb_nodes_count(stand_nodes());
	fail_each("loader", loader, &n);
}

/** An edit and its undo, of which any may fail: then the patch is the one before. */
static bool edit_and_undo(stand *s)
{
	const fb_patch *before = fb_station_patch(s->station);
	uint32_t undos = fb_station_undos(s->station);
	fb_station_remember(s->station);
	if (fb_station_undos(s->station) == undos) {
		return false;
	}
	fb_patch *next = fb_patch_copy(before);
	bool done = next && !fb_patch_remove(next, "g", &error) &&
				worked(fb_station_apply(s->station, next, -1, &error));
	if (!done) {
		assert_ptr_equal(fb_station_patch(s->station), before);
		fb_patch_destroy(next);
	}
	done = worked(fb_station_undo(s->station, -1, &error)) && done;
	if (fb_station_undos(s->station) > undos) { /* it is still there to be tried again */
		atomic_store(&heap_fail_in, -1);
		assert_int_equal(fb_station_undo(s->station, -1, &error), FB_OK);
	}
	return done;
}

static void test_edit_and_undo(void **state)
{
	(void)state;
	if (!heap_watched) {
		skip();
	}
	stand s;
	stand_open(&s, patches[0], PERIOD, SECOND / 4);
	for (int n = 0, done = 0; !done; n++) {
		s.at = 0;
		stand_run(&s, SECOND / 4);
		atomic_store(&heap_fail_in, n);
		done = edit_and_undo(&s);
		done = atomic_exchange(&heap_fail_in, -1) >= 0 && done;
		assert_int_equal(fb_station_undos(s.station), 0);
		assert_int_equal(fb_station_patch(s.station)->n_stages, 2);
		assert_int_equal(fb_station_patch(s.station)->n_links, 3);
	}
	stand_close(&s);
}

/* The counter counts and the failing fails, or all the above would say nothing. */
static void test_the_watch_itself(void **state)
{
	(void)state;
	if (!heap_watched) {
		skip();
	}
	long before = atomic_load(&heap_alive);
	void *volatile block = malloc(10);
	assert_int_equal(atomic_load(&heap_alive) - before, 1);
	void *volatile moved = realloc(block, 1000);
	assert_int_equal(atomic_load(&heap_alive) - before, 1);
	free(moved);
	assert_int_equal(atomic_load(&heap_alive) - before, 0);
	atomic_store(&heap_fail_in, 1);
	block = malloc(10);
	void *volatile none = malloc(10);
	assert_null(none);
	assert_non_null(block);
	free(block);
	/* one within a node is seen as well: t_slow allocates to prepare */
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_slow', 'parameters': {'ms': 0}}]}");
	fb_plan *plan;
	assert_int_equal(fb_plan_compile(patch, 48000, NULL, 0, &plan, &error), FB_OK);
	before = atomic_load(&heap_alive);
	plan->step[0].node->desc->finish(plan->step[0].node->self);
	assert_int_equal(atomic_load(&heap_alive) - before, -1);
	assert_true(
		plan->step[0].node->desc->prepare(plan->step[0].node->self, 48000, plan->step[0].node->to));
	fb_plan_destroy(plan);
	fb_patch_destroy(patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_watch_itself),
		cmocka_unit_test(test_a_thousand_edits),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_patches),
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_engine),
		cmocka_unit_test(test_station),
		cmocka_unit_test(test_loader),
		cmocka_unit_test(test_edit_and_undo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
