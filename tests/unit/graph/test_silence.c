/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After silence a node is as freshly made: the same sound gives the same bits, whenever it comes.
   Without that a live bounce, whose station has heard silence before, would not be the bits of a
   render. What moves by itself is where the clock is, and left out. */
#include "testing.h"

#include "../../../graph/offline.h"

#include "rig.h"
#include "stand.h"

enum { SOUND = 24000, RATE = 48000 };

/** Odd, so that no block or ring of a node divides it. */
enum { SILENCE = 10 * RATE + 17 * FB_TICK };

static fb_error error;

static void render(const fb_patch *patch, float *const in[2], float *const out[2], uint64_t frames)
{
	fb_offline job = {.patch = patch,
		.rate_hz = RATE,
		.period = 1024,
		.in = {in[0], in[1]},
		.out = {out[0], out[1]},
		.frames = frames};
	if (fb_offline_render(&job, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
}

/** Where the output of a sound after other sound and silence differs from that of it alone: SOUND
	if it does not. */
static size_t differs(const fb_patch *patch)
{
	enum { ALL = SOUND + SILENCE + SOUND };
	float *in[2], *out[2], *fresh[2];
	size_t at = 0;
	for (int c = 0; c < 2; c++) {
		in[c] = sig_alloc(ALL);
		out[c] = sig_alloc(ALL);
		fresh[c] = sig_alloc(SOUND);
		sig_noise(in[c], SOUND, 0.5, 3u + (unsigned)c);
		sig_noise(in[c] + SOUND + SILENCE, SOUND, 0.5, 7u + (unsigned)c);
	}
	render(patch, in, out, ALL);
	float *const sound[2] = {in[0] + SOUND + SILENCE, in[1] + SOUND + SILENCE};
	render(patch, sound, fresh, SOUND);
	while (at < SOUND && !memcmp(&out[0][SOUND + SILENCE + at], &fresh[0][at], sizeof(float)) &&
		   !memcmp(&out[1][SOUND + SILENCE + at], &fresh[1][at], sizeof(float))) {
		at++;
	}
	for (int c = 0; c < 2; c++) {
		free(in[c]);
		free(out[c]);
		free(fresh[c]);
	}
	return at;
}

static void expect_fresh(const char *json)
{
	fb_patch *patch = stand_patch(json);
	size_t at = differs(patch);
	fb_patch_destroy(patch);
	if (at < SOUND) {
		fail_msg("%s differs from frame %zu on", json, at);
	}
}

static void test_nodes(void **state)
{
	(void)state;
	static const char clocks[] = " chorus reverb nr "; /* two swing, one has learned the noise */
	for (size_t i = 0; i < fb_nodes_count(stand_nodes()); i++) {
		const fb_node_desc *type = fb_nodes_at(stand_nodes(), i);
		char json[128], word[64];
		snprintf(json, sizeof json, "{'stages': [{'type': '%s'}]}", type->id);
		snprintf(word, sizeof word, " %s ", type->id);
		if (strncmp(type->id, "t_", 2) != 0 && !strstr(clocks, word)) {
			expect_fresh(json);
		}
	}
}

static void test_detectors(void **state)
{
	(void)state;
	expect_fresh("{'stages': [{'type': 'comp', 'parameters': {'threshold': -30, 'release': 300, "
				 "'lookahead': 3.3}}]}");
	expect_fresh("{'stages': [{'type': 'comp', 'parameters': {'threshold': -30, 'detector': 'rms', "
				 "'link': 0, 'release': 77}}]}");
	expect_fresh("{'stages': [{'type': 'comp', 'parameters': {'threshold': -30, 'sc_hpf': 200}}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_detectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
