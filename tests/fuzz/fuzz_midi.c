/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MIDI maps as JSON, and behind a zero byte MIDI messages of three bytes: a map is refused with a
   place and a reason or comes back as it was, and every position is within its range. */
#include "fuzz.h"

#include "../../server/midi/map.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void play(fb_midi_map *map, const uint8_t *bytes, size_t size)
{
	uint8_t out[FB_MIDI_MESSAGES][3];
	fb_midi_binding learned = {0};
	for (; size >= 3; size -= 3, bytes += 3) {
		for (uint32_t i = 0; i < map->count; i++) {
			fb_midi_binding *b = &map->binding[i];
			fb_midi_move move = fb_midi_take(b, bytes, (uint8_t)(1 + bytes[2] % 3));
			must(move.what != FB_MIDI_POSITION || (move.position >= 0.0 && move.position <= 1.0));
			must(move.what != FB_MIDI_STEPS || (move.steps >= -64 && move.steps <= 63));
			fb_midi_meets(b, bytes[1] / 255.0, bytes[2] / 255.0);
			must(fb_midi_feedback(b, bytes[2] / 100.0 - 0.5, out) <= FB_MIDI_MESSAGES);
		}
		strcpy(learned.address, "/learned");
		if (fb_midi_learn(&learned, bytes, 3)) {
			learned.mode = learned.kind == FB_MIDI_NOTE ? FB_MIDI_TOGGLE : FB_MIDI_ABSOLUTE;
			must(fb_midi_map_put(map, &learned, NULL) == FB_OK);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memchr(data, 0, size);
	size_t text = cut ? (size_t)(cut - data) : size;
	fb_midi_map map = {0}, again = {0};
	fb_error error = {0};
	json_t *json = json_loadb((const char *)data, text, 0, NULL);
	if (json && fb_midi_map_read(json, &map, &error)) {
		must(!map.binding && error.where[0] && error.text[0]);
	}
	json_decref(json);
	if (cut) {
		play(&map, cut + 1, size - text - 1);
	}
	json = fb_midi_map_json(&map);
	must(json && fb_midi_map_read(json, &again, &error) == FB_OK);
	json_t *second = fb_midi_map_json(&again);
	must(json_equal(json, second));
	json_decref(json);
	json_decref(second);
	fb_midi_map_finish(&map);
	fb_midi_map_finish(&again);
	return 0;
}
