/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs with their metrics, audio and its pruning, documents. */
#include "scratch.h"

static json_t *report_of(const char *id, double score)
{
	return json_pack("{s:s, s:i, s:{s:f}, s:{s:f, s:f, s:i}, s:[s], s:f, s:s}", "run_id", id,
		"station_id", 5, "parameters", "comp.threshold", -20.125, "metrics", "rms", -19.4, "snr",
		0.1 + 0.2, "clipping", 0, "invalid", "snr", "score", score, "notes", "a\x01 note");
}

static fb_status store_run(fb_store *store, const char *id, int64_t time_us, const float *audio,
	uint64_t frames, answer *a)
{
	json_t *report = report_of(id, 61.25);
	const float *both[2] = {audio, audio};
	fb_run_record run = {.run_id = id,
		.session = "night-1",
		.station = 5,
		.time_us = time_us,
		.report = report,
		.source_hash = "source-a",
		.audio = audio ? both : NULL,
		.frames = frames,
		.rate_hz = 48000};
	fb_status status = fb_store_run(store, &run, a ? keep_rows : NULL, a);
	json_decref(report);
	return status;
}

static int64_t now_us(void)
{
	return (int64_t)time(NULL) * 1000000;
}

static json_t *query(fb_store *store, fb_status posted, answer *a)
{
	assert_int_equal(posted, FB_OK);
	wait_for(store, a);
	return a->rows;
}

static void test_a_run_comes_back_whole(void **state)
{
	answer stored = {0}, found = {0};
	(void)state;
	fb_store *store = open_store();
	assert_int_equal(store_run(store, "run-1", 1234567, NULL, 480000, &stored), FB_OK);
	json_t *row = query(store, fb_store_find_run(store, "run-1", keep_rows, &found), &found);
	assert_int_equal(stored.calls, 1);
	assert_int_equal(stored.error.status, FB_OK);
	json_t *wanted = report_of("run-1", 61.25);
	const char *key;
	json_t *value;
	json_object_foreach(wanted, key, value)
	{
		if (!json_equal(json_object_get(row, key), value)) { /* bit for bit, 0.1 + 0.2 too */
			fail_msg("%s is not what was stored", key);
		}
	}
	assert_string_equal(json_string_value(json_object_get(row, "session")), "night-1");
	assert_string_equal(json_string_value(json_object_get(row, "source_hash")), "source-a");
	assert_int_equal(json_integer_value(json_object_get(row, "time_us")), 1234567);
	assert_true(json_is_false(json_object_get(row, "snapshot")));
	json_decref(wanted);
	json_decref(row);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM metric"), 3);
	assert_int_equal(
		outside(scratch_db, "SELECT count(*) FROM metric WHERE id = 'snr' AND NOT valid"), 1);
	assert_int_equal(
		outside(scratch_db, "SELECT count(*) FROM metric JOIN run ON run.number = metric.run"
							" WHERE metric.id = 'rms' AND value = -19.4 AND valid"
							" AND run.id = 'run-1' AND score = 61.25"),
		1);
}

static void test_runs_are_listed_newest_first(void **state)
{
	answer all = {0}, two = {0}, none = {0};
	float silence[64] = {0};
	(void)state;
	fb_store *store = open_store();
	store_run(store, "b", now_us() + 2, silence, 64, NULL);
	store_run(store, "c", now_us() + 3000000, NULL, 0, NULL);
	store_run(store, "a", now_us() - 3000000, NULL, 0, NULL);
	json_t *rows = query(store, fb_store_runs(store, 5, 0, keep_rows, &all), &all);
	assert_int_equal(json_array_size(rows), 3);
	assert_string_equal(string_of(rows, 0, "run_id"), "c");
	assert_string_equal(string_of(rows, 1, "run_id"), "b");
	assert_string_equal(string_of(rows, 2, "run_id"), "a");
	const json_t *b = json_array_get(rows, 1);
	assert_true(json_is_true(json_object_get(b, "snapshot")));
	assert_near(json_real_value(json_object_get(b, "score")), 61.25, 0);
	assert_near(json_number_value(json_object_get(b, "sample_rate")), 48000, 0);
	assert_int_equal(integer_of(rows, 1, "frames"), 64);
	assert_int_equal(integer_of(rows, 1, "station_id"), 5);
	const json_t *parameters = json_object_get(b, "parameters");
	assert_near(json_real_value(json_object_get(parameters, "comp.threshold")), -20.125, 0);
	assert_true(json_is_null(json_object_get(b, "subjective")));
	json_decref(rows);
	rows = query(store, fb_store_runs(store, 0, 2, keep_rows, &two), &two);
	assert_int_equal(json_array_size(rows), 2);
	json_decref(rows);
	rows = query(store, fb_store_runs(store, 6, 0, keep_rows, &none), &none);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	fb_store_close(store);
}

static void test_a_run_id_is_given_once(void **state)
{
	answer first = {0}, again = {0};
	(void)state;
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/station/5/run");
	store_run(store, "run-1", 1, NULL, 0, &first);
	store_run(store, "run-1", 2, NULL, 0, &again);
	fb_store_audit(store, &entry); /* in the same transaction as the refused run */
	sync_ok(store);
	assert_int_equal(first.error.status, FB_OK);
	assert_int_equal(again.error.status, FB_EXISTS);
	assert_string_equal(again.error.where, "run-1");
	fb_store_status health;
	fb_store_health(store, &health);
	assert_true(health.recording);
	assert_int_equal(health.rows, 1);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT time_us FROM run"), 1);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM metric"), 3);
}

static void test_what_is_not_there(void **state)
{
	answer run = {0}, audio = {0}, scene = {0};
	(void)state;
	fb_store *store = open_store();
	assert_null(query(store, fb_store_find_run(store, "nine", keep_rows, &run), &run));
	assert_int_equal(run.error.status, FB_NOT_FOUND);
	assert_string_equal(run.error.where, "nine");
	query(store, fb_store_audio(store, "nine", keep_audio, &audio), &audio);
	assert_int_equal(audio.error.status, FB_NOT_FOUND);
	assert_null(audio.audio);
	query(store, fb_store_find(store, "scene", "nine", keep_rows, &scene), &scene);
	assert_int_equal(scene.error.status, FB_NOT_FOUND);
	fb_store_close(store);
}

static void test_a_report_with_something_else_for_a_number(void **state)
{
	static const char *const reports[] = {
		"[1]", "{\"score\": \"high\"}", "{\"metrics\": [1]}", "{\"metrics\": {\"rms\": null}}"};
	static const char *const said[] = {"no object", "score", "metrics", "metrics.rms"};
	(void)state;
	fb_store *store = open_store();
	for (int i = 0; i < 4; i++) {
		json_t *report = json_loads(reports[i], 0, NULL);
		fb_run_record run = {.run_id = "r", .station = 1, .report = report, .rate_hz = 48000};
		assert_int_equal(fb_store_run(store, &run, NULL, NULL), FB_INVALID);
		assert_string_equal(fb_store_refusal(store)->where, "r");
		assert_mentions(fb_store_refusal(store)->text, said[i]);
		json_decref(report);
	}
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM run"), 0);
}

/* --- audio */

static void test_audio_comes_back_bit_for_bit(void **state)
{
	enum { FRAMES = 100000, CHANNELS = 3 };
	static float data[CHANNELS][FRAMES];
	answer a = {0};
	(void)state;
	uint32_t seed = 1;
	for (int c = 0; c < CHANNELS; c++) {
		for (int i = 0; i < FRAMES; i++) { /* any bits: denormals, infinities, NaN */
			seed = seed * 1664525u + 1013904223u;
			memcpy(&data[c][i], &seed, sizeof seed);
		}
	}
	const float *audio[CHANNELS] = {data[0], data[1], data[2]};
	fb_store *store = open_store();
	assert_int_equal(
		fb_store_snapshot(store, "source-a", audio, CHANNELS, FRAMES, 44100.5, false), FB_OK);
	query(store, fb_store_audio(store, "source-a", keep_audio, &a), &a);
	assert_int_equal(a.error.status, FB_OK);
	assert_int_equal(a.channels, CHANNELS);
	assert_int_equal(a.frames, FRAMES);
	assert_near(a.rate_hz, 44100.5, 0);
	for (int c = 0; c < CHANNELS; c++) {
		for (int i = 0; i < FRAMES; i++) {
			if (memcmp(&a.audio[i * CHANNELS + c], &data[c][i], sizeof(float)) != 0) {
				fail_msg("channel %d, frame %d differs", c, i);
			}
		}
	}
	free(a.audio);
	fb_store_close(store);
	/* What the schema says of it: the first sample's bytes, little-endian. */
	assert_int_equal(
		outside(scratch_db, "SELECT hex(substr(audio, 1, 4)) = '6C59883C' FROM snapshot"
							" WHERE bytes = length(audio)"),
		1);
}

static void test_a_runs_audio_goes_by_its_id(void **state)
{
	float data[2][3] = {{1, 2, 3}, {-1, -2, -3}};
	const float *both[2] = {data[0], data[1]};
	answer a = {0}, clash = {0};
	(void)state;
	fb_store *store = open_store();
	json_t *report = report_of("run-1", 1);
	fb_run_record run = {.run_id = "run-1",
		.station = 1,
		.time_us = now_us(),
		.report = report,
		.audio = both,
		.frames = 3,
		.rate_hz = 48000};
	assert_int_equal(fb_store_run(store, &run, NULL, NULL), FB_OK);
	query(store, fb_store_audio(store, "run-1", keep_audio, &a), &a);
	const float wanted[] = {1, -1, 2, -2, 3, -3};
	assert_int_equal(a.frames, 3);
	assert_memory_equal(a.audio, wanted, sizeof wanted);
	free(a.audio);
	/* A run whose name is taken by a captured source is stored neither whole nor in part. */
	fb_store_snapshot(store, "run-2", both, 2, 3, 48000, false);
	run.run_id = "run-2";
	assert_int_equal(fb_store_run(store, &run, keep_rows, &clash), FB_OK);
	wait_for(store, &clash);
	assert_int_equal(clash.error.status, FB_EXISTS);
	json_decref(report);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM run"), 1);
}

static void test_audio_that_cannot_be_kept(void **state)
{
	float sample = 0;
	const float *audio[65] = {&sample};
	(void)state;
	fb_store *store = open_store();
	assert_int_equal(
		fb_store_snapshot(store, "long", audio, 2, 130000000, 48000, false), FB_TOO_LARGE);
	assert_string_equal(fb_store_refusal(store)->where, "long");
	assert_mentions(fb_store_refusal(store)->text, "130000000 frames");
	assert_int_equal(
		fb_store_snapshot(store, "huge", audio, 2, UINT64_MAX / 4, 48000, false), FB_TOO_LARGE);
	assert_int_equal(fb_store_snapshot(store, "none", audio, 0, 1, 48000, false), FB_INVALID);
	assert_int_equal(fb_store_snapshot(store, "wide", audio, 65, 1, 48000, false), FB_INVALID);
	assert_int_equal(fb_store_snapshot(store, "rate", audio, 1, 1, 0, false), FB_INVALID);
	assert_int_equal(fb_store_snapshot(store, "", audio, 1, 1, 48000, false), FB_INVALID);
	assert_int_equal(fb_store_snapshot(store, "empty", audio, 1, 0, 48000, false), FB_OK);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM snapshot WHERE frames = 0"), 1);
}

static void test_the_same_name_is_kept_once(void **state)
{
	float first = 1, second = 2;
	const float *a[1] = {&first}, *b[1] = {&second};
	answer kept = {0};
	(void)state;
	fb_store *store = open_store();
	fb_store_snapshot(store, "source-a", a, 1, 1, 48000, false);
	fb_store_snapshot(store, "source-a", b, 1, 1, 48000, true);
	fb_store_snapshot(store, "source-a", b, 1, 1, 48000, false);
	query(store, fb_store_audio(store, "source-a", keep_audio, &kept), &kept);
	assert_near(kept.audio[0], 1, 0);
	free(kept.audio);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM snapshot WHERE pinned"), 1);
}

/* --- pruning */

static fb_store *open_pruning(uint64_t bytes, uint32_t days)
{
	fb_store *store = NULL;
	fb_error error;
	fb_store_options options = {
		.path = scratch_db, .snapshot_bytes_max = bytes, .snapshot_days_max = days};
	assert_int_equal(fb_store_open(&options, &store, &error), FB_OK);
	return store;
}

static long long has(const char *name)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM snapshot WHERE name = '%s'", name);
	return outside(scratch_db, sql);
}

static void test_old_snapshots_are_pruned(void **state)
{
	const int64_t day_us = INT64_C(86400000000);
	float data[8] = {0};
	const float *audio[1] = {data};
	(void)state;
	fb_store *store = open_pruning(0, 7);
	fb_store_snapshot(store, "pinned", audio, 1, 8, 48000, true);
	store_run(store, "week", now_us() - 7 * day_us - 2000000, data, 8, NULL);
	store_run(store, "almost", now_us() - 7 * day_us + 60000000, data, 8, NULL);
	sync_ok(store);
	assert_int_equal(has("week"), 0);
	assert_int_equal(has("almost"), 1);
	fb_store_close(store);
	/* And those that grew old while nothing ran, once it runs again. The runs themselves stay. */
	outside(scratch_db, "UPDATE snapshot SET time_us = 1");
	store = open_pruning(0, 7);
	fb_store_close(store);
	assert_int_equal(has("almost"), 0);
	assert_int_equal(has("pinned"), 1);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM run"), 2);
}

static void test_the_oldest_beyond_the_size_are_pruned(void **state)
{
	static float data[1000];
	const float *audio[1] = {data};
	char name[16];
	(void)state;
	fb_store *store = open_pruning(24000, 0); /* three runs of 2 x 1000 samples of 4 bytes */
	fb_store_snapshot(store, "pinned", audio, 1, 1000, 48000, true);
	sync_ok(store);
	outside(scratch_db, "UPDATE snapshot SET time_us = 1"); /* the oldest, and yet it stays */
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "run-%d", i);
		store_run(store, name, now_us() + i, data, 1000, NULL);
	}
	sync_ok(store);
	assert_int_equal(has("run-0") + has("run-1"), 0);
	assert_int_equal(has("run-2") + has("run-3") + has("run-4"), 3);
	assert_int_equal(has("pinned"), 1);
	answer a = {0};
	query(store, fb_store_find_run(store, "run-0", keep_rows, &a), &a);
	assert_true(json_is_false(json_object_get(a.rows, "snapshot")));
	json_decref(a.rows);
	/* One alone beyond the limit stays while it is the newest. */
	fb_store_close(store);
	store = open_pruning(100, 0);
	store_run(store, "run-5", now_us() + 5, data, 1000, NULL);
	sync_ok(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM snapshot"), 2);
	assert_int_equal(has("run-5"), 1);
	fb_store_close(store);
}

/* --- documents */

static void test_documents_are_put_listed_and_found(void **state)
{
	answer list = {0}, found = {0};
	(void)state;
	fb_store *store = open_store();
	const char *const kinds[] = {"session", "scene", "proposal", "setting"};
	for (int i = 0; i < 4; i++) {
		json_t *document =
			json_pack("{s:s, s:f, s:s%}", "kind", kinds[i], "gain", 0.1, "nul", "a\0b", (size_t)3);
		assert_int_equal(fb_store_put(store, kinds[i], "one", document), FB_OK);
		json_object_set_new(document, "gain", json_real(0.2)); /* ours is a copy */
		json_decref(document);
	}
	json_t *other = json_pack("[i]", 1);
	sleep_ms(2); /* last written is by the clock */
	fb_store_put(store, "scene", "two", other);
	sleep_ms(2);
	json_t *again = json_string("replaced");
	fb_store_put(store, "scene", "one", again);
	json_t *rows = query(store, fb_store_list(store, "scene", 0, keep_rows, &list), &list);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(string_of(rows, 0, "id"), "one");
	assert_string_equal(string_of(rows, 0, "document"), "replaced");
	assert_true(json_equal(json_object_get(json_array_get(rows, 1), "document"), other));
	json_decref(rows);
	query(store, fb_store_find(store, "proposal", "one", keep_rows, &found), &found);
	const json_t *document = json_object_get(found.rows, "document");
	assert_near(json_real_value(json_object_get(document, "gain")), 0.1, 0);
	assert_int_equal(json_string_length(json_object_get(document, "nul")), 3);
	json_decref(found.rows);
	json_decref(other);
	json_decref(again);
	fb_store_close(store);
}

static void test_documents_are_deleted(void **state)
{
	answer list = {0}, gone = {0};
	(void)state;
	fb_store *store = open_store();
	json_t *document = json_object();
	fb_store_put(store, "scene", "one", document);
	fb_store_put(store, "scene", "two", document);
	fb_store_put(store, "setting", "one", document);
	json_decref(document);
	assert_int_equal(fb_store_delete(store, "scene", "one"), FB_OK);
	assert_int_equal(fb_store_delete(store, "scene", "nobody"), FB_OK);
	assert_int_equal(fb_store_delete(store, "scene", ""), FB_INVALID);
	assert_int_equal(fb_store_delete(store, "run", "one"), FB_INVALID);
	query(store, fb_store_find(store, "scene", "one", keep_rows, &gone), &gone);
	assert_int_equal(gone.error.status, FB_NOT_FOUND);
	json_t *rows = query(store, fb_store_list(store, "scene", 0, keep_rows, &list), &list);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(string_of(rows, 0, "id"), "two");
	json_decref(rows);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM setting"), 1);
}

static void test_documents_that_cannot_be(void **state)
{
	answer a = {0};
	(void)state;
	fb_store *store = open_store();
	json_t *document = json_object();
	assert_int_equal(fb_store_put(store, "audit", "x", document), FB_INVALID);
	assert_mentions(fb_store_refusal(store)->text, "session, scene, proposal and setting");
	assert_int_equal(fb_store_put(store, "scene", "", document), FB_INVALID);
	assert_int_equal(fb_store_put(store, "scene", "x", NULL), FB_INVALID);
	assert_int_equal(fb_store_list(store, "run", 0, keep_rows, &a), FB_INVALID);
	assert_int_equal(fb_store_find(store, "scene", NULL, keep_rows, &a), FB_INVALID);
	assert_int_equal(a.calls, 0);
	json_decref(document);
	fb_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_run_comes_back_whole, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_runs_are_listed_newest_first, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_run_id_is_given_once, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_there, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_report_with_something_else_for_a_number, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_audio_comes_back_bit_for_bit, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_runs_audio_goes_by_its_id, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_audio_that_cannot_be_kept, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_the_same_name_is_kept_once, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_old_snapshots_are_pruned, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_the_oldest_beyond_the_size_are_pruned, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_documents_are_put_listed_and_found, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_documents_are_deleted, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_documents_that_cannot_be, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
