/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Three threads at once, as in the server: audio processes, control edits, sets and frees, a meter
   reads the taps. Run under ThreadSanitizer it shows every race between them; without, that nothing
   is lost and the frames of the taps are in order. */
/* pytest: alone */
#include "testing.h"

#include "stand.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { STATIONS = 3, PERIOD = 64, EDITS = 150 };

static const char *const patches[] = {
	"{'stages': [{'type': 'gain', 'id': 'g'}, {'type': 't_echo', 'id': 'e'}, {'type': 't_key', "
	"'id': 'k'}]}",
	"{'stages': [{'type': 't_echo', 'id': 'e'}, {'type': 't_delay', 'id': 'd', 'parameters': "
	"{'frames': 50}}, {'type': 'gain', 'id': 'g'}]}",
	"{'stages': [{'type': 'gain', 'id': 'g'}, {'type': 't_slow', 'id': 's', 'parameters': {'ms': "
	"0}}, {'type': 't_delay', 'id': 'd', 'parameters': {'frames': 99}}]}",
};

static fb_engine *engine;
static _Atomic bool over;

static void *audio(void *none)
{
	static float in[2 * STATIONS][PERIOD], out[2 * STATIONS][PERIOD];
	const float *ins[2 * STATIONS];
	float *outs[2 * STATIONS];
	for (int i = 0; i < 2 * STATIONS; i++) {
		ins[i] = in[i];
		outs[i] = out[i];
		in[i][0] = 0.5f;
	}
	while (!atomic_load(&over)) {
		fb_engine_set_tempo(engine, 120);
		fb_engine_process(engine, ins, outs, PERIOD);
		for (int i = 0; i < 2 * STATIONS; i++) {
			for (int k = 0; k < PERIOD; k++) {
				assert_true(isfinite(out[i][k]));
			}
		}
		sched_yield(); /* as a real driver waits, so that the others get on */
	}
	return none;
}

static void *meter(void *none)
{
	static fb_tap_block block;
	uint64_t next[STATIONS] = {0}, read = 0;
	while (!atomic_load(&over)) {
		for (uint32_t i = 0; i < STATIONS; i++) {
			while (fb_ring_read(fb_engine_tap(engine, i), &block)) {
				assert_true(block.frame >= next[i] && block.frame % FB_TICK == 0);
				next[i] = block.frame + FB_TICK;
				read++;
			}
			(void)fb_engine_station_faults(engine, i);
		}
		assert_true(fb_engine_frame(engine) + FB_TICK > 0);
		sched_yield();
	}
	assert_true(read > 0);
	return none;
}

static void control(fb_station *station, uint32_t i, uint64_t *seed)
{
	fb_error error;
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	const fb_patch *patch = fb_station_patch(station);
	uint32_t stage = (uint32_t)(*seed >> 20) % patch->n_stages;
	const fb_node_desc *type = patch->stage[stage].type;
	if (type->n_params) {
		uint32_t p = (uint32_t)(*seed >> 30) % type->n_params;
		const fb_param_info *info = &type->params[p];
		float value = strcmp(type->id, "t_slow") ? (float)(*seed >> 40 & 0xff) / 255.0f : 0.0f;
		assert_int_equal(fb_station_set(station, stage, p,
							 info->min + value * (info->max - info->min), -1, &error),
			FB_OK);
	}
	fb_station_bypass(station, stage, *seed >> 50 & 1);
	fb_station_switch(station, (fb_switch)(*seed >> 51 & 1), *seed >> 53 & 1);
	if (fb_station_turned(station) || i % 8 == 7) {
		fb_patch *turned = fb_patch_copy(patch);
		(void)fb_station_turn_in(station, turned);
		fb_station_end_turn(station);
		assert_int_equal(fb_station_apply(station, turned, -1, &error), FB_OK);
		patch = fb_station_patch(station);
	} else if (i % 8 == 2) {
		fb_patch *end = fb_patch_copy(patch);
		end->stage[stage].bypass = !end->stage[stage].bypass;
		assert_int_equal(
			fb_station_turn(station, end, 1u << FB_SWITCH_MONO, (double)(*seed >> 58), &error),
			FB_OK);
	}
	for (uint32_t m = 0; m < type->n_meters; m++) {
		assert_true(isfinite(fb_station_meter(station, stage, m)));
	}
	if (i % 4 == 0) {
		fb_station_remember(station);
		fb_patch *next = stand_patch(patches[(*seed >> 55) % 3]);
		assert_int_equal(fb_station_apply(station, next, -1, &error), FB_OK);
	} else if (i % 4 == 3 && fb_station_undos(station)) {
		assert_int_equal(fb_station_undo(station, -1, &error), FB_OK);
	}
}

static void test_three_threads(void **state)
{
	(void)state;
	fb_engine_options options = {
		.stations = STATIONS, .rate_hz = 48000, .period = PERIOD, .taps = true};
	fb_station *station[STATIONS];
	fb_error error;
	fb_engine_counts counts;
	pthread_t threads[2];
	uint64_t seed = 88172645463325252u;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_OK);
	for (uint32_t i = 0; i < STATIONS; i++) {
		fb_patch *patch = stand_patch(patches[i]);
		assert_int_equal(fb_station_create(engine, i, patch, &station[i], &error), FB_OK);
		fb_engine_set_tap(engine, i, true);
	}
	assert_int_equal(pthread_create(&threads[0], NULL, audio, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, meter, NULL), 0);
	for (uint32_t i = 0; i < EDITS * STATIONS; i++) {
		control(station[i % STATIONS], i / STATIONS, &seed);
		fb_engine_set_tap(engine, i % STATIONS, i % 10 != 0);
		for (uint32_t k = 0; k < STATIONS; k++) {
			fb_station_service(station[k]);
		}
		fb_engine_service(engine);
		fb_engine_count(engine, &counts);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	for (uint32_t i = 0; i < STATIONS; i++) {
		/* what was edited last arrives */
		for (int wait = 0; !fb_engine_settled(engine, i); wait++) {
			assert_in_range(wait, 0, 5000);
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
		}
	}
	atomic_store(&over, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	fb_engine_count(engine, &counts);
	assert_int_equal(
		counts.events_orphan + counts.events_lost + counts.replies_lost + counts.faults, 0);
	fb_engine_destroy(engine);
	for (uint32_t i = 0; i < STATIONS; i++) {
		fb_station_destroy(station[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
