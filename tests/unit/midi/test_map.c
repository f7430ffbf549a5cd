/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MIDI bindings: what messages mean, learning, soft takeover, feedback, the map as JSON. */
#include "testing.h"

#include "../../../server/midi/map.h"

static fb_midi_binding bound(fb_midi_kind kind, fb_midi_mode mode, int number)
{
	return (fb_midi_binding){.address = "/x",
		.kind = kind,
		.mode = mode,
		.channel = 3,
		.number = (uint8_t)number,
		.coarse = -1,
		.sent = -1};
}

static fb_midi_move take(fb_midi_binding *b, int status, int one, int two)
{
	return fb_midi_take(b, (uint8_t[3]){(uint8_t)status, (uint8_t)one, (uint8_t)two}, 3);
}

static void test_absolute(void **state)
{
	(void)state;
	fb_midi_binding b = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7);
	assert_near(take(&b, 0xB2, 7, 0).position, 0, 0);
	assert_near(take(&b, 0xB2, 7, 127).position, 1, 0);
	assert_near(take(&b, 0xB2, 7, 64).position, 64.0 / 127, 1e-12);
	assert_int_equal(take(&b, 0xB3, 7, 64).what, FB_MIDI_NOTHING); /* another channel */
	assert_int_equal(take(&b, 0xB2, 8, 64).what, FB_MIDI_NOTHING); /* another controller */
	assert_int_equal(take(&b, 0x92, 7, 64).what, FB_MIDI_NOTHING); /* a note */
	assert_int_equal(take(&b, 0xB2, 7, 0x80).what, FB_MIDI_NOTHING);
	assert_int_equal(fb_midi_take(&b, (uint8_t[3]){0xB2, 7}, 2).what, FB_MIDI_NOTHING);
	fb_midi_binding bend = bound(FB_MIDI_BEND, FB_MIDI_ABSOLUTE, 0);
	assert_near(take(&bend, 0xE2, 127, 127).position, 1, 0);
	assert_near(take(&bend, 0xE2, 0, 64).position, 8192.0 / 16383, 1e-12);
}

static void test_pairs(void **state)
{
	(void)state;
	fb_midi_binding b = bound(FB_MIDI_CC14, FB_MIDI_ABSOLUTE, 7);
	assert_near(take(&b, 0xB2, 7, 127).position, 1, 0); /* nothing says yet that more comes */
	assert_near(take(&b, 0xB2, 39, 127).position, 1, 0);
	/* from here on the upper half waits for the lower one: no step back in between */
	assert_int_equal(take(&b, 0xB2, 7, 64).what, FB_MIDI_NOTHING);
	assert_near(take(&b, 0xB2, 39, 1).position, (64 * 128 + 1) / 16383.0, 1e-12);
	fb_midi_binding late = bound(FB_MIDI_CC14, FB_MIDI_ABSOLUTE, 7);
	assert_int_equal(take(&late, 0xB2, 39, 5).what, FB_MIDI_NOTHING); /* half of a number */
}

static void test_relative(void **state)
{
	(void)state;
	static const struct {
		fb_midi_mode mode;
		int value, steps;
	} cases[] = {{FB_MIDI_TWOS, 1, 1}, {FB_MIDI_TWOS, 127, -1}, {FB_MIDI_TWOS, 120, -8},
		{FB_MIDI_TWOS, 5, 5}, {FB_MIDI_OFFSET, 65, 1}, {FB_MIDI_OFFSET, 63, -1},
		{FB_MIDI_OFFSET, 64, 0}, {FB_MIDI_SIGN, 1, 1}, {FB_MIDI_SIGN, 65, -1},
		{FB_MIDI_SIGN, 70, -6}, {FB_MIDI_SIGN, 64, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fb_midi_binding b = bound(FB_MIDI_CC, cases[i].mode, 16);
		fb_midi_move move = take(&b, 0xB2, 16, cases[i].value);
		assert_int_equal(move.what, cases[i].steps ? FB_MIDI_STEPS : FB_MIDI_NOTHING);
		assert_int_equal(move.steps, cases[i].steps);
	}
}

static void test_buttons(void **state)
{
	(void)state;
	fb_midi_binding note = bound(FB_MIDI_NOTE, FB_MIDI_TOGGLE, 60);
	assert_int_equal(take(&note, 0x92, 60, 1).what, FB_MIDI_PRESS);
	assert_int_equal(take(&note, 0x92, 60, 0).what, FB_MIDI_RELEASE);
	assert_int_equal(take(&note, 0x82, 60, 64).what, FB_MIDI_RELEASE);
	assert_int_equal(take(&note, 0x92, 61, 1).what, FB_MIDI_NOTHING);
	fb_midi_binding button = bound(FB_MIDI_CC, FB_MIDI_MOMENTARY, 80);
	assert_int_equal(take(&button, 0xB2, 80, 127).what, FB_MIDI_PRESS);
	assert_int_equal(take(&button, 0xB2, 80, 0).what, FB_MIDI_RELEASE);
}

static void test_learning(void **state)
{
	(void)state;
	fb_midi_binding b = {0};
	assert_true(fb_midi_learn(&b, (uint8_t[3]){0xB5, 7, 3}, 3));
	assert_int_equal(b.kind, FB_MIDI_CC);
	assert_int_equal(b.channel, 6);
	assert_int_equal(b.number, 7);
	assert_true(fb_midi_is_pair(&b, (uint8_t[3]){0xB5, 39, 3}, 3));
	assert_false(fb_midi_is_pair(&b, (uint8_t[3]){0xB4, 39, 3}, 3));
	assert_false(fb_midi_is_pair(&b, (uint8_t[3]){0xB5, 40, 3}, 3));
	assert_true(fb_midi_learn(&b, (uint8_t[3]){0xE0, 1, 2}, 3));
	assert_int_equal(b.kind, FB_MIDI_BEND);
	assert_true(fb_midi_learn(&b, (uint8_t[3]){0x90, 60, 2}, 3));
	assert_int_equal(b.kind, FB_MIDI_NOTE);
	assert_false(fb_midi_learn(&b, (uint8_t[3]){0x90, 60, 0}, 3));  /* let go */
	assert_false(fb_midi_learn(&b, (uint8_t[3]){0xB0, 123, 0}, 3)); /* all notes off */
	assert_false(fb_midi_learn(&b, (uint8_t[3]){0xF8, 0, 0}, 1));   /* clock */
	assert_false(fb_midi_learn(&b, (uint8_t[3]){0xD0, 5, 0}, 2));   /* channel pressure */
}

static void test_pickup(void **state)
{
	(void)state;
	fb_midi_binding b = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7);
	assert_false(fb_midi_meets(&b, 0.1, 0.5));
	assert_false(fb_midi_meets(&b, 0.4, 0.5));
	assert_true(fb_midi_meets(&b, 0.7, 0.5)); /* passed it between two messages */
	assert_true(fb_midi_meets(&b, 0.9, 0.7)); /* and holds it since */
	b = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7);
	assert_true(fb_midi_meets(&b, 0.505, 0.5)); /* near enough for 7 bits */
	b = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7);
	assert_false(fb_midi_meets(&b, 0.9, 0.5)); /* the first message says nothing of the way */
}

static void test_feedback(void **state)
{
	(void)state;
	uint8_t out[FB_MIDI_MESSAGES][3];
	for (int kind = 0; kind < FB_MIDI_KINDS; kind++) {
		fb_midi_mode mode = kind == FB_MIDI_NOTE ? FB_MIDI_TOGGLE : FB_MIDI_ABSOLUTE;
		fb_midi_binding b = bound((fb_midi_kind)kind, mode, kind == FB_MIDI_BEND ? 0 : 7);
		double step = kind == FB_MIDI_CC ? 1.0 / 127 : 1.0 / 16383;
		for (double at = 0.0; at <= 1.0 && kind != FB_MIDI_NOTE; at += 0.0371) {
			fb_midi_move move = {0};
			uint32_t n = fb_midi_feedback(&b, at, out);
			for (uint32_t i = 0; i < n; i++) {
				move = fb_midi_take(&b, out[i], 3);
			}
			/* what goes out comes in as the same position, within half a step of the controller */
			assert_near(move.position, at, step / 2 + 1e-9);
		}
	}
	fb_midi_binding b = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7);
	assert_int_equal(fb_midi_feedback(&b, 0.5, out), 1);
	assert_int_equal(fb_midi_feedback(&b, 0.501, out), 0); /* the same in 7 bits */
	fb_midi_binding lamp = bound(FB_MIDI_NOTE, FB_MIDI_TOGGLE, 60);
	assert_int_equal(fb_midi_feedback(&lamp, 1.0, out), 1);
	assert_memory_equal(out[0], ((uint8_t[3]){0x92, 60, 127}), 3);
	assert_int_equal(fb_midi_feedback(&lamp, 0.0, out), 1);
	assert_memory_equal(out[0], ((uint8_t[3]){0x92, 60, 0}), 3);
}

static void test_putting(void **state)
{
	(void)state;
	fb_midi_map map = {0};
	fb_midi_binding a = bound(FB_MIDI_CC, FB_MIDI_ABSOLUTE, 7), b = a, pair = a;
	strcpy(b.address, "/y");
	b.number = 39;
	assert_int_equal(fb_midi_map_put(&map, &a, NULL), FB_OK);
	assert_int_equal(fb_midi_map_put(&map, &b, NULL), FB_OK);
	assert_int_equal(map.count, 2);
	/* a pair needs both controllers, so that both make room */
	strcpy(pair.address, "/z");
	pair.kind = FB_MIDI_CC14;
	assert_int_equal(fb_midi_map_put(&map, &pair, NULL), FB_OK);
	assert_int_equal(map.count, 1);
	assert_string_equal(map.binding[0].address, "/z");
	/* learned anew: one controller a leaf */
	pair.channel = 9;
	assert_int_equal(fb_midi_map_put(&map, &pair, NULL), FB_OK);
	assert_int_equal(map.count, 1);
	assert_int_equal(map.binding[0].channel, 9);
	assert_int_equal(fb_midi_map_forget(&map, "/nowhere"), 0);
	assert_int_equal(fb_midi_map_forget(&map, NULL), 1);
	fb_midi_map_finish(&map);
}

static fb_status read_text(const char *text, fb_midi_map *map, fb_error *error)
{
	char json_text[1000];
	snprintf(json_text, sizeof json_text, "%s", text);
	for (char *c = json_text; *c; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	json_t *json = json_loads(json_text, 0, NULL);
	assert_non_null(json);
	fb_status status = fb_midi_map_read(json, map, error);
	json_decref(json);
	return status;
}

static void test_json(void **state)
{
	(void)state;
	fb_midi_map map = {0};
	fb_error error = {0};
	assert_int_equal(
		read_text("{'bindings': [{'address': '/a', 'type': 'cc14', 'channel': 2, 'number': 7, "
				  "'pickup': true}, {'address': '/b', 'type': 'note', 'number': 60}, {'address': "
				  "'/c', 'type': 'bend', 'channel': 16, 'feedback': false}]}",
			&map, &error),
		FB_OK);
	assert_int_equal(map.count, 3);
	assert_int_equal(map.binding[1].mode, FB_MIDI_TOGGLE);
	json_t *json = fb_midi_map_json(&map);
	fb_midi_map again = {0};
	assert_int_equal(fb_midi_map_read(json, &again, &error), FB_OK);
	json_t *second = fb_midi_map_json(&again);
	assert_true(json_equal(json, second));
	json_decref(json);
	json_decref(second);
	fb_midi_map_finish(&again);

	static const char *const wrong[][3] = {
		{"{}", "bindings", ""},
		{"{'bindings': [], 'x': 1}", "bindings", ""},
		{"{'bindings': [3]}", "bindings[0]", "is no object"},
		{"{'bindings': [{'type': 'cc'}]}", "bindings[0].address", ""},
		{"{'bindings': [{'address': '/a', 'type': 'pedal'}]}", "bindings[0].type", ""},
		{"{'bindings': [{'address': '/a', 'channel': 17}]}", "bindings[0].channel", ""},
		{"{'bindings': [{'address': '/a', 'channel': 1.5}]}", "bindings[0].channel", ""},
		{"{'bindings': [{'address': '/a', 'number': 128}]}", "bindings[0].number", ""},
		{"{'bindings': [{'address': '/a', 'type': 'cc14', 'number': 32}]}", "bindings[0].number",
			""},
		{"{'bindings': [{'address': '/a', 'type': 'note', 'mode': 'absolute'}]}",
			"bindings[0].mode", ""},
		{"{'bindings': [{'address': '/a', 'pickup': 1}]}", "bindings[0].pickup", ""},
		{"{'bindings': [{'address': '/a', 'chanel': 1}]}", "bindings[0].chanel", ""},
		{"{'bindings': [{'address': '/a'}, {'address': '/b'}]}", "bindings[1]",
			"the same controller as bindings[0]"},
		{"{'bindings': [{'address': '/a'}, {'address': '/a', 'number': 3}]}", "bindings[1]",
			"the same address as bindings[0]"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		error = (fb_error){0};
		assert_int_not_equal(read_text(wrong[i][0], &map, &error), FB_OK);
		assert_string_equal(error.where, wrong[i][1]);
		assert_true(!*wrong[i][2] || strcmp(error.text, wrong[i][2]) == 0);
		assert_int_equal(map.count, 3); /* the map in force stays */
	}
	fb_midi_map_finish(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_relative),
		cmocka_unit_test(test_buttons), cmocka_unit_test(test_learning),
		cmocka_unit_test(test_pickup), cmocka_unit_test(test_feedback),
		cmocka_unit_test(test_putting), cmocka_unit_test(test_json)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
