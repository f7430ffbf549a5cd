/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patches spoilt in thousands of ways, handed to a running station: each is refused with a place
   and a reason, or taken and played. A refusal changes nothing; nothing makes the output infinite.
   Seed fixed: the same cases each time. */
#include "testing.h"

#include "rig.h"
#include "stand.h"

enum { CASES = 30000, TEXT_MAX = 4096, PERIOD = 32, FRAMES = 8192 };

static const char *const seeds[] = {
	"{\"name\": \"a\", \"role\": \"station\", \"tags\": [\"x\"], \"goal\": {\"weights\": {\"snr\": "
	"1}}, \"stages\": [{\"id\": \"g\", \"type\": \"gain\", \"bypass\": true, \"parameters\": "
	"{\"gain\": {\"value\": -20, \"unit\": \"dB\"}, \"mono\": false}}, {\"type\": \"t_delay\", "
	"\"parameters\": {\"frames\": 77}}]}",
	"{\"stages\": [{\"id\": \"s\", \"type\": \"t_split\"}, {\"id\": \"k\", \"type\": \"t_key\"}, "
	"{\"id\": \"v\", \"type\": \"t_value\", \"parameters\": {\"rate\": {\"value\": 1, \"unit\": "
	"\"kHz\"}, \"steps\": 3}}], \"connections\": [{\"from\": \"in\", \"to\": \"s\"}, {\"from\": "
	"\"s:side\", \"to\": \"k:key\", \"weight\": 0.5}, {\"from\": \"s\", \"to\": \"v\"}, "
	"{\"from\": \"v\", \"to\": \"k\"}, {\"from\": \"k\", \"to\": \"out\", \"weight\": -4}]}",
	"{\"stages\": [{\"type\": \"t_source\"}, {\"type\": \"t_mono\"}, {\"type\": \"t_echo\"}, "
	"{\"type\": \"t_fail\", \"parameters\": {\"mode\": \"huge\"}}, {\"type\": \"t_refuse\", "
	"\"parameters\": {\"limit\": 1}}]}",
};

/** Words that mean something here, to put where others stand. */
static const char *const words[] = {"\"stages\"", "\"connections\"", "\"from\"", "\"to\"", "\"in\"",
	"\"out\"", "\"id\"", "\"type\"", "\"gain\"", "\"t_key\"", "\"t_delay\"", "\"k:key\"", "\"k\"",
	"\"s\"", "\"v\"", "\"g\"", "\"weight\"", "\"parameters\"", "\"frames\"", "\"nan\"", "\"mode\"",
	"\"t_fail\"", "\"value\"", "\"unit\"", "null", "true", "-1", "1e308", "9600", "0.5", "{}", "[]",
	"{", "}", "[", "]", ",", ":", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\xff", "\"bypass\""};

static uint64_t state_of_chance = 88172645463325252u;

static uint32_t chance(uint32_t n)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (uint32_t)(state_of_chance >> 20) % n;
}

/** Where the token at or after `at` ends. */
static size_t token_end(const char *text, size_t len, size_t at)
{
	if (at < len && text[at] == '"') {
		for (at++; at < len && text[at] != '"'; at++) {
		}
		return at < len ? at + 1 : at;
	}
	while (at < len && !strchr("{}[],: \"", text[at])) {
		at++;
	}
	return at;
}

static size_t splice(char *text, size_t len, size_t from, size_t to, const char *word, size_t n)
{
	if (len - (to - from) + n >= TEXT_MAX) {
		return len;
	}
	memmove(text + from + n, text + to, len - to);
	memcpy(text + from, word, n);
	return len - (to - from) + n;
}

/** A value for a value, a token for a token, a piece twice, a piece gone, a byte changed. */
static size_t spoil(char *text, size_t len)
{
	static const char *const values[] = {"0", "1", "7", "-3", "0.25", "true", "false", "\"g\"",
		"\"gain\"", "\"t_echo\"", "\"t_delay\"", "\"t_mono\"", "\"out\"", "\"in\"", "\"k\"",
		"\"v\"", "\"nan\"", "\"fresh\""};
	size_t at = chance((uint32_t)len), end;
	const char *word = words[chance(sizeof words / sizeof *words)];
	char piece[64];
	switch (chance(8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		word = values[chance(sizeof values / sizeof *values)];
		while (at < len && text[at] != ':') {
			at++;
		}
		at = at + 2 < len ? at + 2 : 0;
		end = token_end(text, len, at);
		return splice(text, len, at, end, word, end > at ? strlen(word) : 0);
	case 4:
		while (at < len && !strchr("\"-0123456789tfn{[", text[at])) {
			at++;
		}
		end = token_end(text, len, at);
		return splice(text, len, at, end > at ? end : at, word, strlen(word));
	case 5:
		end = at + chance(60);
		end = end < len ? end : len;
		memcpy(piece, text + at, end - at);
		return splice(text, len, at, at, piece, end - at);
	case 6:
		end = at + chance(20);
		return splice(text, len, at, end < len ? end : len, "", 0);
	default:
		text[at] = (char)chance(256);
		return len;
	}
}

static void expect_printable(const char *text)
{
	json_t *json = json_string(text);
	assert_non_null(json);
	json_decref(json);
}

static void test_spoilt_patches(void **state)
{
	(void)state;
	stand s;
	uint32_t taken = 0, parsed = 0;
	static char text[TEXT_MAX];
	stand_open(&s, "{'stages': [{'type': 'gain'}]}", PERIOD, FRAMES);
	fb_engine_set_tap(s.engine, 0, true);
	for (int i = 0; i < CASES; i++) {
		const char *seed = seeds[chance(sizeof seeds / sizeof *seeds)];
		size_t len = strlen(seed);
		memcpy(text, seed, len);
		for (uint32_t k = chance(4) / 2 + 1; k > 0 && len; k--) {
			len = spoil(text, len);
		}
		fb_patch *patch = NULL;
		const fb_patch *before = fb_station_patch(s.station);
		fb_error error = {0};
		fb_status status = fb_patch_parse(text, len, "fuzz", stand_nodes(), &patch, &error);
		assert_true(!status == !!patch);
		parsed += !status;
		if (!status && fb_station_apply(s.station, patch, -1, &error)) {
			fb_patch_destroy(patch);
			status = error.status;
		}
		if (status) {
			assert_ptr_equal(fb_station_patch(s.station), before);
			assert_true(status == error.status && error.where[0] && error.text[0]);
			expect_printable(error.text);
			expect_printable(error.where);
		}
		taken += !status;
		if (i % 8 == 0) {
			s.at = 0;
			stand_run(&s, chance(4) * PERIOD);
			assert_true(sig_finite(s.out[0], s.at) && sig_finite(s.out[1], s.at));
		}
	}
	/* enough of both for either to mean something */
	assert_in_range(taken, CASES / 20, CASES / 2);
	assert_in_range(parsed - taken, 10, CASES / 2);
	fb_engine_counts counts;
	fb_engine_count(s.engine, &counts);
	assert_int_equal(counts.events_orphan + counts.replies_lost, 0);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoilt_patches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
