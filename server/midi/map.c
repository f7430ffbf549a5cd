/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS = 0xF0, NOTE_OFF = 0x80, NOTE_ON = 0x90, CONTROL = 0xB0, BEND = 0xE0, FINE = 32 };

#define STEP_7 (1.0 / 127.0)

static const char *const kinds[] = {"cc", "cc14", "bend", "note"};
static const char *const modes[] = {
	"absolute", "relative_twos", "relative_offset", "relative_sign", "toggle", "momentary"};

const char *fb_midi_mode_name(fb_midi_mode mode)
{
	return modes[mode];
}

const char *fb_midi_kind_name(fb_midi_kind kind)
{
	return kinds[kind];
}

static int index_of(const char *name, const char *const *names, int count)
{
	int i = 0;
	while (i < count && strcmp(name, names[i]) != 0) {
		i++;
	}
	return i;
}

fb_midi_mode fb_midi_mode_of(const char *name)
{
	return (fb_midi_mode)index_of(name, modes, FB_MIDI_MODES);
}

/* --- the map */

void fb_midi_map_finish(fb_midi_map *map)
{
	free(map->binding);
	*map = (fb_midi_map){0};
}

/** Do two controllers share a message? */
static bool same_controller(const fb_midi_binding *a, const fb_midi_binding *b)
{
	if (a->channel != b->channel || (a->kind == FB_MIDI_BEND) != (b->kind == FB_MIDI_BEND) ||
		(a->kind == FB_MIDI_NOTE) != (b->kind == FB_MIDI_NOTE)) {
		return false;
	}
	bool fine_of_a = a->kind == FB_MIDI_CC14 && a->number + FINE == b->number;
	bool fine_of_b = b->kind == FB_MIDI_CC14 && b->number + FINE == a->number;
	return a->number == b->number || fine_of_a || fine_of_b;
}

static void start(fb_midi_binding *binding)
{
	binding->coarse = binding->sent = -1;
	binding->fine_seen = binding->known = binding->met = false;
	binding->moved_us = INT64_MIN / 2;
	binding->due = true;
}

static void drop(fb_midi_map *map, uint32_t i)
{
	map->count--;
	memmove(&map->binding[i], &map->binding[i + 1], (map->count - i) * sizeof *map->binding);
}

static fb_status append(fb_midi_map *map, const fb_midi_binding *binding, fb_error *error)
{
	if (map->count == FB_MIDI_BINDINGS) {
		return fb_fail(error, FB_TOO_MANY, "midi", "there may be %d bindings", FB_MIDI_BINDINGS);
	}
	fb_midi_binding *grown = realloc(map->binding, (map->count + 1) * sizeof *grown);
	if (!grown) {
		return fb_fail(error, FB_NO_MEMORY, "midi", "out of memory");
	}
	map->binding = grown;
	grown[map->count] = *binding;
	start(&grown[map->count++]);
	return FB_OK;
}

fb_status fb_midi_map_put(fb_midi_map *map, const fb_midi_binding *binding, fb_error *error)
{
	uint32_t replaced = map->count;
	fb_midi_binding taken = *binding;
	fb_status status = append(map, &taken, error);
	if (status) {
		return status;
	}
	for (uint32_t i = replaced; i-- > 0;) {
		const fb_midi_binding *other = &map->binding[i];
		if (strcmp(other->address, taken.address) == 0 || same_controller(other, &taken)) {
			drop(map, i);
		}
	}
	return FB_OK;
}

uint32_t fb_midi_map_forget(fb_midi_map *map, const char *address)
{
	uint32_t before = map->count;
	for (uint32_t i = map->count; i-- > 0;) {
		if (!address || strcmp(map->binding[i].address, address) == 0) {
			drop(map, i);
		}
	}
	return before - map->count;
}

/* --- as JSON */

json_t *fb_midi_map_json(const fb_midi_map *map)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < map->count; i++) {
		const fb_midi_binding *b = &map->binding[i];
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:i, s:i, s:s, s:b, s:b}", "address", b->address, "type",
					  kinds[b->kind], "channel", b->channel, "number", b->number, "mode",
					  modes[b->mode], "pickup", b->pickup, "feedback", b->feedback));
	}
	return json_pack("{s:o}", "bindings", list);
}

/** A whole number of a binding, or a refusal that names it. */
static bool read_whole(const json_t *json, const char *key, int min, int max, uint8_t *out)
{
	const json_t *value = json_object_get(json, key);
	json_int_t n = json_integer_value(value);
	if (value && (!json_is_integer(value) || n < min || n > max)) {
		return false;
	}
	*out = value ? (uint8_t)n : *out;
	return true;
}

static bool read_flag(const json_t *json, const char *key, bool *out)
{
	const json_t *value = json_object_get(json, key);
	*out = value ? json_is_true(value) : *out;
	return !value || json_is_boolean(value);
}

static bool read_name(
	const json_t *json, const char *key, const char *const *names, int count, int *out)
{
	const json_t *value = json_object_get(json, key);
	const char *text = json_string_value(value);
	*out = text ? index_of(text, names, count) : value ? count : *out;
	return *out < count;
}

static bool read_address(const json_t *json, fb_midi_binding *out)
{
	const char *text = json_string_value(json_object_get(json, "address"));
	if (!text || text[0] != '/' || strlen(text) >= sizeof out->address) {
		return false;
	}
	strcpy(out->address, text);
	return true;
}

/** A mode suits a kind: buttons are pressed, wheels are turned. */
static bool suits(const fb_midi_binding *b)
{
	if (b->kind == FB_MIDI_CC) {
		return true;
	}
	bool press = b->mode == FB_MIDI_TOGGLE || b->mode == FB_MIDI_MOMENTARY;
	return b->kind == FB_MIDI_NOTE ? press : b->mode == FB_MIDI_ABSOLUTE;
}

/** The key that is wrong or unknown; NULL if all is well. */
static const char *read_binding(const json_t *json, fb_midi_binding *out)
{
	static const char *const keys[] = {
		"address", "type", "channel", "number", "mode", "pickup", "feedback"};
	const char *key;
	json_t *value;
	int kind = FB_MIDI_CC, mode;
	*out = (fb_midi_binding){.channel = 1, .feedback = true};
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		if (index_of(key, keys, sizeof keys / sizeof *keys) == sizeof keys / sizeof *keys) {
			return key;
		}
	}
	if (!read_address(json, out)) {
		return "address";
	}
	if (!read_name(json, "type", kinds, FB_MIDI_KINDS, &kind)) {
		return "type";
	}
	mode = kind == FB_MIDI_NOTE ? FB_MIDI_TOGGLE : FB_MIDI_ABSOLUTE;
	int number_max = kind == FB_MIDI_CC14 ? FINE - 1 : kind == FB_MIDI_BEND ? 0 : 127;
	if (!read_whole(json, "channel", 1, 16, &out->channel)) {
		return "channel";
	}
	if (!read_whole(json, "number", 0, number_max, &out->number)) {
		return "number";
	}
	out->kind = (fb_midi_kind)kind;
	bool named = read_name(json, "mode", modes, FB_MIDI_MODES, &mode);
	out->mode = (fb_midi_mode)mode;
	if (!named || !suits(out)) {
		return "mode";
	}
	return !read_flag(json, "pickup", &out->pickup)       ? "pickup"
		   : !read_flag(json, "feedback", &out->feedback) ? "feedback"
														  : NULL;
}

static fb_status read_at(const json_t *json, size_t at, fb_midi_map *map, fb_error *error)
{
	char where[300];
	fb_midi_binding binding;
	const char *wrong = json_is_object(json) ? read_binding(json, &binding) : "";
	if (wrong) {
		snprintf(where, sizeof where, "bindings[%zu]%s%.64s", at, *wrong ? "." : "", wrong);
		return fb_fail(error, FB_INVALID, where, "%s",
			*wrong ? "is missing, unknown, or has no such value" : "is no object");
	}
	for (uint32_t i = 0; i < map->count; i++) {
		bool twice = same_controller(&map->binding[i], &binding);
		if (twice || strcmp(map->binding[i].address, binding.address) == 0) {
			snprintf(where, sizeof where, "bindings[%zu]", at);
			return fb_fail(error, FB_EXISTS, where, "the same %s as bindings[%u]",
				twice ? "controller" : "address", i);
		}
	}
	return append(map, &binding, error);
}

fb_status fb_midi_map_read(const json_t *json, fb_midi_map *out, fb_error *error)
{
	const json_t *list = json_object_get(json, "bindings");
	fb_midi_map map = {0};
	fb_status status = FB_OK;
	if (!json_is_array(list) || json_object_size(json) != 1) {
		return fb_fail(error, FB_INVALID, "bindings", "a map is an object of one list, bindings");
	}
	for (size_t i = 0; i < json_array_size(list) && !status; i++) {
		status = read_at(json_array_get(list, i), i, &map, error);
	}
	if (status) {
		fb_midi_map_finish(&map);
		return status;
	}
	fb_midi_map_finish(out);
	*out = map;
	return FB_OK;
}

/* --- messages */

static const fb_midi_move nothing = {.what = FB_MIDI_NOTHING};

static fb_midi_move position(double at)
{
	return (fb_midi_move){.what = FB_MIDI_POSITION, .position = at};
}

static fb_midi_move relative(fb_midi_mode mode, int value)
{
	int steps = mode == FB_MIDI_TWOS     ? (value < 64 ? value : value - 128)
				: mode == FB_MIDI_OFFSET ? value - 64
										 : (value < 64 ? value : 64 - value);
	return (fb_midi_move){.what = steps ? FB_MIDI_STEPS : FB_MIDI_NOTHING, .steps = steps};
}

static fb_midi_move pressed(bool down)
{
	return (fb_midi_move){.what = down ? FB_MIDI_PRESS : FB_MIDI_RELEASE};
}

static fb_midi_move take_pair(fb_midi_binding *b, int number, int value)
{
	if (number == b->number) {
		b->coarse = value;
		/* some send no lower half at all: they are 7 bit */
		return b->fine_seen ? nothing : position(value * STEP_7);
	}
	b->fine_seen = true;
	if (b->coarse < 0) {
		return nothing;
	}
	return position((b->coarse << 7 | value) / 16383.0);
}

static fb_midi_move take_control(fb_midi_binding *b, int number, int value)
{
	switch (b->mode) {
	case FB_MIDI_ABSOLUTE:
		return b->kind == FB_MIDI_CC14 ? take_pair(b, number, value) : position(value * STEP_7);
	case FB_MIDI_TOGGLE:
	case FB_MIDI_MOMENTARY:
		return pressed(value >= 64);
	default:
		return relative(b->mode, value);
	}
}

fb_midi_move fb_midi_take(fb_midi_binding *binding, const uint8_t *bytes, uint8_t size)
{
	if (size != 3 || (bytes[0] & 0x0F) + 1 != binding->channel || (bytes[1] | bytes[2]) & 0x80) {
		return nothing;
	}
	int status = bytes[0] & STATUS;
	bool fine = binding->kind == FB_MIDI_CC14 && bytes[1] == binding->number + FINE;
	switch (binding->kind) {
	case FB_MIDI_BEND:
		return status == BEND ? position((bytes[2] << 7 | bytes[1]) / 16383.0) : nothing;
	case FB_MIDI_NOTE:
		if ((status != NOTE_ON && status != NOTE_OFF) || bytes[1] != binding->number) {
			return nothing;
		}
		return pressed(status == NOTE_ON && bytes[2]);
	default:
		return status == CONTROL && (bytes[1] == binding->number || fine)
				   ? take_control(binding, bytes[1], bytes[2])
				   : nothing;
	}
}

bool fb_midi_learn(fb_midi_binding *binding, const uint8_t *bytes, uint8_t size)
{
	int status = bytes[0] & STATUS;
	if (size != 3 || (bytes[1] | bytes[2]) & 0x80) {
		return false;
	}
	binding->channel = (uint8_t)((bytes[0] & 0x0F) + 1);
	binding->number = status == BEND ? 0 : bytes[1];
	switch (status) {
	case CONTROL: /* above are channel mode messages: all notes off and the like */
		binding->kind = FB_MIDI_CC;
		return bytes[1] < 120;
	case BEND:
		binding->kind = FB_MIDI_BEND;
		return true;
	case NOTE_ON:
		binding->kind = FB_MIDI_NOTE;
		return bytes[2] > 0;
	default:
		return false;
	}
}

bool fb_midi_is_pair(const fb_midi_binding *first, const uint8_t *bytes, uint8_t size)
{
	return first->kind == FB_MIDI_CC && first->number < FINE && size == 3 &&
		   bytes[0] == (CONTROL | (first->channel - 1)) && bytes[1] == first->number + FINE;
}

bool fb_midi_meets(fb_midi_binding *binding, double at, double now)
{
	bool near = fabs(at - now) <= 1.5 * STEP_7;
	bool passed = binding->known && (binding->last - now) * (at - now) <= 0.0;
	binding->known = true;
	binding->last = at;
	binding->met = binding->met || near || passed;
	return binding->met;
}

uint32_t fb_midi_feedback(fb_midi_binding *b, double at, uint8_t out[FB_MIDI_MESSAGES][3])
{
	bool wide = b->kind == FB_MIDI_BEND || b->kind == FB_MIDI_CC14;
	int value = (int)lround(fmin(fmax(at, 0.0), 1.0) * (wide ? 16383.0 : 127.0));
	uint8_t channel = (uint8_t)(b->channel - 1), low = (uint8_t)(value & 0x7F);
	uint8_t high = (uint8_t)(value >> 7 & 0x7F);
	if (value == b->sent) {
		return 0;
	}
	b->sent = value;
	switch (b->kind) {
	case FB_MIDI_BEND:
		memcpy(out[0], (uint8_t[3]){BEND | channel, low, high}, 3);
		return 1;
	case FB_MIDI_NOTE:
		memcpy(out[0], (uint8_t[3]){NOTE_ON | channel, b->number, value ? 127 : 0}, 3);
		return 1;
	case FB_MIDI_CC14:
		memcpy(out[0], (uint8_t[3]){CONTROL | channel, b->number, high}, 3);
		memcpy(out[1], (uint8_t[3]){CONTROL | channel, (uint8_t)(b->number + FINE), low}, 3);
		return 2;
	default:
		memcpy(out[0], (uint8_t[3]){CONTROL | channel, b->number, low}, 3);
		return 1;
	}
}
