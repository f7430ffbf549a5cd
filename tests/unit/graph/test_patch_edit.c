/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding, removing and moving stages, in series and in branches. */
#include "testing.h"

#include "stand.h"

static fb_error error;

static const fb_node_desc *type(const char *id)
{
	const fb_node_desc *found = fb_nodes_find(stand_nodes(), id);
	assert_non_null(found);
	return found;
}

static const char *end_name(const fb_patch *patch, int stage)
{
	return stage == FB_PATCH_IN ? "in" : stage == FB_PATCH_OUT ? "out" : patch->stage[stage].id;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/** All connections as text, sorted: "a>b a:1>b:1*0.5". */
static const char *links(const fb_patch *patch)
{
	static char text[8192], line[FB_LINKS_MAX][64];
	char *sorted[FB_LINKS_MAX];
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *l = &patch->link[i];
		char from[16] = "", to[16] = "", weight[16] = "";
		if (l->from_port) {
			snprintf(from, sizeof from, ":%u", l->from_port);
		}
		if (l->to_port) {
			snprintf(to, sizeof to, ":%u", l->to_port);
		}
		if (l->weight != 1.0f) {
			snprintf(weight, sizeof weight, "*%g", (double)l->weight);
		}
		snprintf(line[i], sizeof line[i], "%s%s>%s%s%s", end_name(patch, l->from), from,
			end_name(patch, l->to), to, weight);
		sorted[i] = line[i];
	}
	qsort(sorted, patch->n_links, sizeof *sorted, by_text);
	text[0] = '\0';
	for (uint32_t i = 0; i < patch->n_links; i++) {
		strcat(strcat(text, i ? " " : ""), sorted[i]);
	}
	return text;
}

/** A patch must always be one that its own JSON brings back. */
static void check_sound(const fb_patch *patch)
{
	fb_patch *again;
	json_t *json = fb_patch_to_json(patch);
	char *text = json_dumps(json, JSON_REAL_PRECISION(9));
	if (fb_patch_parse(text, strlen(text), "again", stand_nodes(), &again, &error)) {
		fail_msg("%s\n%s: %s", text, error.where, error.text);
	}
	fb_patch_destroy(again);
	free(text);
	json_decref(json);
}

static void test_series(void **state)
{
	(void)state;
	fb_patch *patch = fb_patch_create("x");
	assert_string_equal(links(patch), "in>out");
	assert_int_equal(fb_patch_add(patch, type("gain"), "a", NULL, &error), FB_OK);
	assert_int_equal(fb_patch_add(patch, type("gain"), "c", NULL, &error), FB_OK);
	assert_int_equal(fb_patch_add(patch, type("gain"), "b", "c", &error), FB_OK);
	assert_string_equal(links(patch), "a>b b>c c>out in>a");
	assert_int_equal(fb_patch_move(patch, "c", "a", &error), FB_OK);
	assert_string_equal(links(patch), "a>b b>out c>a in>c");
	assert_int_equal(fb_patch_move(patch, "c", NULL, &error), FB_OK);
	assert_string_equal(links(patch), "a>b b>c c>out in>a");
	assert_int_equal(fb_patch_move(patch, "b", "b", &error), FB_OK);
	assert_int_equal(fb_patch_move(patch, "b", "c", &error), FB_OK);
	assert_string_equal(links(patch), "a>b b>c c>out in>a");
	check_sound(patch);
	assert_int_equal(fb_patch_remove(patch, "b", &error), FB_OK);
	assert_string_equal(links(patch), "a>c c>out in>a");
	assert_int_equal(fb_patch_remove(patch, "a", &error), FB_OK);
	assert_int_equal(fb_patch_remove(patch, "c", &error), FB_OK);
	assert_string_equal(links(patch), "in>out");
	assert_int_equal(patch->n_stages, 0);
	fb_patch_destroy(patch);
}

static void test_refusals(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 'gain', 'id': 'a'}, {'type': 't_source', "
								  "'id': 's'}]}");
	assert_int_equal(fb_patch_add(patch, type("gain"), "a", NULL, &error), FB_EXISTS);
	assert_string_equal(error.where, "a");
	assert_int_equal(fb_patch_add(patch, type("gain"), "out", NULL, &error), FB_INVALID);
	assert_int_equal(fb_patch_add(patch, type("gain"), "B", NULL, &error), FB_INVALID);
	assert_int_equal(fb_patch_add(patch, type("gain"), "b", "c", &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "c");
	/* a source has no input that a stage could stand before */
	assert_int_equal(fb_patch_add(patch, type("gain"), "b", "s", &error), FB_INVALID);
	assert_string_equal(error.where, "s");
	assert_string_equal(error.text, "t_source has no input");
	assert_int_equal(fb_patch_move(patch, "a", "s", &error), FB_INVALID);
	assert_int_equal(fb_patch_move(patch, "a", "c", &error), FB_NOT_FOUND);
	assert_int_equal(fb_patch_move(patch, "c", "a", &error), FB_NOT_FOUND);
	assert_int_equal(fb_patch_remove(patch, "c", &error), FB_NOT_FOUND);
	assert_string_equal(links(patch), "a>out in>a s>out");
	assert_int_equal(patch->n_stages, 2);
	fb_patch_destroy(patch);
}

static void test_source_joins(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 'gain', 'id': 'a'}]}");
	assert_int_equal(fb_patch_add(patch, type("t_source"), "s", "a", &error), FB_OK);
	assert_string_equal(links(patch), "a>out in>a s>a");
	assert_int_equal(fb_patch_move(patch, "s", NULL, &error), FB_OK);
	assert_string_equal(links(patch), "a>out in>a s>out");
	assert_int_equal(fb_patch_remove(patch, "s", &error), FB_OK);
	assert_string_equal(links(patch), "a>out in>a");
	fb_patch_destroy(patch);
}

#define BRANCHES                                                                                   \
	"{'stages': [{'type': 'gain', 'id': 'a'}, {'type': 'gain', 'id': 'b'}, "                       \
	"{'type': 'gain', 'id': 'c'}], 'connections': [{'from': 'in', 'to': 'a'}, "                    \
	"{'from': 'in', 'to': 'b', 'weight': 0.5}, {'from': 'a', 'to': 'c'}, "                         \
	"{'from': 'b', 'to': 'c', 'weight': -0.5}, {'from': 'c', 'to': 'out'}]}"

static void test_branches(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(BRANCHES);
	/* in front of c: both branches run through it */
	assert_int_equal(fb_patch_add(patch, type("gain"), "n", "c", &error), FB_OK);
	assert_string_equal(links(patch), "a>n b>n*-0.5 c>out in>a in>b*0.5 n>c");
	assert_int_equal(fb_patch_remove(patch, "n", &error), FB_OK);
	assert_string_equal(links(patch), "a>c b>c*-0.5 c>out in>a in>b*0.5");
	/* one branch away: its weights multiply */
	assert_int_equal(fb_patch_remove(patch, "b", &error), FB_OK);
	assert_string_equal(links(patch), "a>c c>out in>a in>c*-0.25");
	/* two ways of the same ends become one, or JSON would refuse the patch */
	assert_int_equal(fb_patch_remove(patch, "a", &error), FB_OK);
	assert_string_equal(links(patch), "c>out in>c*0.75");
	check_sound(patch);
	fb_patch_destroy(patch);
}

/* Weights stay within what a patch may say. */
static void test_weights_stay_in_range(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(
		"{'stages': [{'type': 'gain', 'id': 'a'}], 'connections': [{'from': 'in', 'to': 'a', "
		"'weight': 3}, {'from': 'a', 'to': 'out', 'weight': -3}]}");
	assert_int_equal(fb_patch_remove(patch, "a", &error), FB_OK);
	assert_string_equal(links(patch), "in>out*-4");
	check_sound(patch);
	fb_patch_destroy(patch);
}

/* Moving takes the main path along; what is connected to other ports stays connected. */
static void test_move_keeps_side_connections(void **state)
{
	(void)state;
	static const char json[] =
		"{'stages': [{'type': 't_split', 'id': 'split'}, {'type': 'gain', 'id': 'a'}, "
		"{'type': 't_key', 'id': 'key'}], 'connections': [{'from': 'in', 'to': 'split'}, "
		"{'from': 'split', 'to': 'a'}, {'from': 'a', 'to': 'key'}, "
		"{'from': 'split:side', 'to': 'key:key', 'weight': 2}, {'from': 'key', 'to': 'out'}]}";
	fb_patch *patch = stand_patch(json);
	assert_int_equal(fb_patch_move(patch, "key", "a", &error), FB_OK);
	assert_string_equal(links(patch), "a>out in>split key>a split:1>key:1*2 split>key");
	check_sound(patch);
	/* before split its key would come from behind it: refused, and nothing has moved */
	assert_int_equal(fb_patch_move(patch, "key", "split", &error), FB_INVALID);
	assert_string_equal(error.text, "they form a loop: split > key > split");
	assert_string_equal(links(patch), "a>out in>split key>a split:1>key:1*2 split>key");
	assert_int_equal(fb_patch_remove(patch, "key", &error), FB_OK);
	assert_string_equal(links(patch), "a>out in>split split>a");
	fb_patch_destroy(patch);
}

/** A patch of 32 stages with `n` connections from a0.. to b0.. around stage "m". */
static fb_patch *crowd(uint32_t feeders, uint32_t followers)
{
	fb_patch *patch = fb_patch_create("crowd");
	char id[FB_ID_LEN];
	assert_int_equal(fb_patch_add(patch, type("gain"), "m", NULL, &error), FB_OK);
	patch->n_links = 0;
	for (uint32_t i = 0; i < feeders + followers; i++) {
		snprintf(id, sizeof id, "s%u", i);
		assert_int_equal(fb_patch_add(patch, type("gain"), id, NULL, &error), FB_OK);
		patch->n_links = i;
		patch->link[patch->n_links++] = i < feeders ? (fb_link){(int)i + 1, 0, 0, 0, 1.0f}
													: (fb_link){0, (int)i + 1, 0, 0, 1.0f};
	}
	return patch;
}

/* 15 feeders and 15 followers would become 225 connections. */
static void test_too_many_connections(void **state)
{
	(void)state;
	fb_patch *patch = crowd(15, 15);
	char *before = strdup(links(patch));
	assert_int_equal(fb_patch_remove(patch, "m", &error), FB_TOO_MANY);
	assert_string_equal(error.where, "m");
	assert_string_equal(links(patch), before);
	assert_int_equal(fb_patch_move(patch, "m", "s0", &error), FB_TOO_MANY);
	assert_string_equal(links(patch), before);
	assert_int_equal(patch->n_stages, 31);
	free(before);
	fb_patch_destroy(patch);

	patch = crowd(15, 8); /* 120 */
	assert_int_equal(fb_patch_remove(patch, "m", &error), FB_OK);
	assert_int_equal(patch->n_links, 120);
	fb_patch_destroy(patch);
}

static void test_too_many_stages(void **state)
{
	(void)state;
	fb_patch *patch = crowd(15, 15);
	assert_int_equal(fb_patch_add(patch, type("gain"), "t1", NULL, &error), FB_OK);
	assert_int_equal(fb_patch_add(patch, type("gain"), "t2", NULL, &error), FB_TOO_MANY);
	assert_int_equal(patch->n_stages, 32);
	fb_patch_destroy(patch);
}

static void test_copy_is_its_own(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(BRANCHES);
	fb_patch *copy = fb_patch_copy(patch);
	patch->stage[0].values[0] = -20.0f;
	json_object_set_new(patch->about, "name", json_string("other"));
	assert_true(copy->stage[0].values[0] == 0.0f);
	assert_string_equal(fb_patch_name(copy), "");
	fb_patch_destroy(patch);
	check_sound(copy);
	fb_patch_destroy(copy);
	fb_patch_destroy(NULL);
}

/* A thousand random edits: each works or refuses, and leaves a patch that is sound and has no loop.
   Seed fixed, so the same edits each time. */
static void test_random_edits(void **state)
{
	(void)state;
	static const char *const types[] = {"gain", "t_key", "t_split", "t_source", "t_mono"};
	fb_patch *patch = fb_patch_create("random");
	uint64_t seed = 88172645463325252u;
	uint32_t order[FB_STAGES_MAX], done = 0;
	for (int i = 0; i < 2000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		char id[FB_ID_LEN], before[FB_ID_LEN];
		snprintf(id, sizeof id, "n%u", (unsigned)(seed >> 8) % 12);
		snprintf(before, sizeof before, "n%u", (unsigned)(seed >> 16) % 12);
		const char *target = seed >> 24 & 1 ? before : NULL;
		fb_status status;
		switch ((seed >> 32) % 6) {
		case 0:
			status = fb_patch_add(patch, type(types[(seed >> 40) % 5]), id, target, &error);
			break;
		case 1:
			status = fb_patch_move(patch, id, target, &error);
			break;
		case 2:
			status = fb_patch_connect(patch, id, target ? target : "out", 0.5, &error);
			break;
		case 3:
			status = fb_patch_replace(patch, id, type(i % 2 ? "gain" : "t_echo"), &error);
			break;
		case 4:
			status = fb_patch_disconnect(patch, id, target ? target : "out", &error);
			break;
		default:
			status = fb_patch_remove(patch, id, &error);
		}
		done += !status;
		assert_int_equal(fb_patch_order(patch, order, &error), FB_OK);
		check_sound(patch);
	}
	assert_in_range(done, 500, 1800);
	fb_patch_destroy(patch);
}

/* A loop of as many stages as there can be, with ids as long as they can be: the text names both
   ends in full and says how many are left out between, whole ids all. */
static void test_a_long_loop_is_told(void **state)
{
	(void)state;
	char id[FB_ID_LEN], last[FB_ID_LEN] = "", text[sizeof error.text];
	fb_patch *patch = fb_patch_create("long");
	for (int i = 0; i < FB_STAGES_MAX; i++) {
		snprintf(id, sizeof id, "a_stage_with_a_rather_long_id%02d", i);
		assert_int_equal(strlen(id), FB_ID_LEN - 1);
		assert_int_equal(
			fb_patch_add(patch, fb_nodes_find(stand_nodes(), "gain"), id, NULL, &error), FB_OK);
	}
	snprintf(last, sizeof last, "%s", id);
	const char *first = patch->stage[0].id;
	assert_int_equal(fb_patch_connect(patch, last, first, 1.0, &error), FB_INVALID);
	snprintf(text, sizeof text, "%s", error.text);
	assert_true(strstr(text, "they form a loop: ") == text);
	uint32_t named = 0, more = 0, jumps = 0;
	int before = -1;
	char *rest;
	for (char *at = strtok_r(text + 18, ">", &rest); at; at = strtok_r(NULL, ">", &rest)) {
		int i, end = 0;
		if (sscanf(at, " (%u more)", &more) == 1) {
			jumps++;
			before = (before + (int)more) % FB_STAGES_MAX;
			continue;
		}
		assert_int_equal(sscanf(at, " a_stage_with_a_rather_long_id%2d%n", &i, &end), 1);
		assert_true(at[end] == '\0' || at[end] == ' ');
		assert_true(before < 0 || i == (before + 1) % FB_STAGES_MAX);
		before = i;
		named++;
	}
	assert_int_equal(jumps, 1);
	assert_int_equal(named + more, FB_STAGES_MAX + 1);
	assert_in_range(named, 6, 12);
	assert_int_equal(before, 0); /* it ends where it began, with the connection asked for */
	fb_patch_destroy(patch);
}

/* Connections by the names of their ends. What is refused leaves the patch as it was. */
static void test_connections(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(
		"{'stages': [{'type': 'gain', 'id': 'a'}, {'type': 't_key', 'id': 'k'}, {'type': 'gain', "
		"'id': 'b'}]}");
	assert_int_equal(fb_patch_connect(patch, "a", "k:key", 0.5, &error), FB_OK);
	assert_int_equal(fb_patch_connect(patch, "in", "out", -4.0, &error), FB_OK);
	assert_string_equal(links(patch), "a>k a>k:1*0.5 b>out in>a in>out*-4 k>b");
	assert_int_equal(fb_patch_weigh(patch, "a", "k", 2.0, &error), FB_OK);
	assert_int_equal(fb_patch_disconnect(patch, "in", "out", &error), FB_OK);
	assert_int_equal(fb_patch_disconnect(patch, "k", "b", &error), FB_OK);
	static const char after[] = "a>k*2 a>k:1*0.5 b>out in>a";
	assert_string_equal(links(patch), after);
	check_sound(patch);
	assert_int_equal(fb_patch_connect(patch, "a", "k:key", 1.0, &error), FB_EXISTS);
	assert_int_equal(fb_patch_connect(patch, "k", "a", 1.0, &error), FB_INVALID);
	assert_string_equal(error.text, "they form a loop: a > k > a");
	assert_int_equal(fb_patch_connect(patch, "k", "b", (double)NAN, &error), FB_INVALID);
	assert_int_equal(fb_patch_connect(patch, "k", "b", 4.01, &error), FB_INVALID);
	assert_int_equal(fb_patch_connect(patch, "k", "nobody", 1.0, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "nobody");
	assert_int_equal(fb_patch_connect(patch, "k:nothing", "b", 1.0, &error), FB_NOT_FOUND);
	assert_int_equal(fb_patch_weigh(patch, "a", "k", -4.01, &error), FB_INVALID);
	assert_int_equal(fb_patch_weigh(patch, "k", "b", 1.0, &error), FB_NOT_FOUND);
	assert_int_equal(fb_patch_disconnect(patch, "k", "b", &error), FB_NOT_FOUND);
	assert_string_equal(links(patch), after);
	fb_patch_destroy(patch);
}

/* What stands in another's place has its connections and bypass, and values of its own. */
static void test_replace(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(
		"{'stages': [{'type': 'gain', 'id': 'a', 'parameters': {'gain': -6}, 'bypass': true}, "
		"{'type': 't_key', 'id': 'k'}]}");
	assert_int_equal(fb_patch_connect(patch, "in", "k:key", 1.0, &error), FB_OK);
	assert_int_equal(fb_patch_replace(patch, "a", type("t_value"), &error), FB_OK);
	assert_string_equal(links(patch), "a>k in>a in>k:1 k>out");
	assert_true(patch->stage[0].bypass && patch->stage[0].values[1] == 1000.0f);
	assert_int_equal(fb_patch_replace(patch, "k", type("gain"), &error), FB_INVALID);
	assert_string_equal(error.text, "it has no input for what is connected to \"key\"");
	assert_int_equal(fb_patch_replace(patch, "nobody", type("gain"), &error), FB_NOT_FOUND);
	assert_string_equal(links(patch), "a>k in>a in>k:1 k>out");
	check_sound(patch);
	fb_patch_destroy(patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_source_joins),
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_weights_stay_in_range),
		cmocka_unit_test(test_move_keeps_side_connections),
		cmocka_unit_test(test_too_many_connections),
		cmocka_unit_test(test_too_many_stages),
		cmocka_unit_test(test_copy_is_its_own),
		cmocka_unit_test(test_a_long_loop_is_told),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_random_edits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
