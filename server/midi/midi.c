/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map in force: between the driver's MIDI ports and the tree. thread: control */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGES_MAX = 512, /* taken at a turn */
	FEEDBACK_MAX = 128, /* sent at a turn: what a DIN cable carries in 0.1 s */
	HOLD_US = 300000,   /* a fader that somebody moves is not pulled back */
	PAIR_US = 50000,    /* the second half of a 14 bit controller comes at once */
	SETTLE_TICKS = 20,  /* between two looks at whether the driver runs */
};

int64_t fb_midi_now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

static void touch(fb_midi *midi, const char *address)
{
	static const fb_origin origin = {"midi", NULL};
	fb_leaf_touch(midi->server->tree, address, &origin);
}

/* --- the map */

json_t *fb_midi_to_json(const fb_midi *midi)
{
	return fb_midi_map_json(&midi->map);
}

/** After the map became another: find its leaves, tell of it. */
static fb_status settle(fb_midi *midi, fb_error *error)
{
	for (uint32_t i = 0; i < midi->map.count; i++) {
		fb_branch *found = fb_tree_find(midi->server->tree, midi->map.binding[i].address);
		midi->leaf[i] = found && fb_midi_movable(found, NULL) == FB_OK ? found : NULL;
		midi->map.binding[i].due = true;
	}
	midi->moving = NULL;
	json_t *json = fb_midi_map_json(&midi->map);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text) {
		return fb_fail(error, FB_NO_MEMORY, "midi", "out of memory");
	}
	free(midi->text);
	midi->text = text;
	touch(midi, "/midi/map");
	return FB_OK;
}

/** And keep it. */
static void keep(fb_midi *midi)
{
	json_t *json = fb_midi_map_json(&midi->map);
	if (json && fb_store_put(midi->server->store, "setting", "midi", json)) {
		fb_log("midi: the map could not be kept");
	}
	json_decref(json);
}

static fb_status changed_map(fb_midi *midi, fb_error *error)
{
	fb_status status = settle(midi, error);
	if (!status) {
		keep(midi);
	}
	return status;
}

fb_status fb_midi_replace(
	fb_midi *midi, const json_t *map, const fb_origin *origin, fb_error *error)
{
	fb_tree *tree = midi->server->tree;
	char text[64];
	fb_value before = {.tag = 'N'}, after = {.tag = 's', .s = text};
	fb_status status = fb_midi_map_read(map, &midi->map, error);
	if (!status) {
		status = changed_map(midi, error);
	}
	snprintf(text, sizeof text, "%zu bindings", json_array_size(json_object_get(map, "bindings")));
	fb_tree_record(
		tree, fb_tree_find(tree, "/midi/map"), &before, &after, origin, status ? error : NULL);
	return status;
}

uint32_t fb_midi_forget(fb_midi *midi, const char *address)
{
	fb_error error;
	uint32_t n = fb_midi_map_forget(&midi->map, address);
	if (n && changed_map(midi, &error)) {
		fb_log_error("midi", &error);
	}
	return n;
}

void fb_midi_refresh(fb_midi *midi)
{
	for (uint32_t i = 0; i < midi->map.count; i++) {
		midi->map.binding[i].sent = -1;
		midi->map.binding[i].due = true;
	}
}

static void kept(void *ctx, const json_t *row, const fb_error *error)
{
	fb_midi *midi = ctx;
	fb_error own;
	if (error || !row || midi->map.count) {
		return; /* none was kept, or somebody was faster */
	}
	if (fb_midi_map_read(json_object_get(row, "document"), &midi->map, &own) ||
		settle(midi, &own)) {
		fb_log_error("the MIDI map that was kept is not used", &own);
	}
}

/* --- learning */

fb_status fb_midi_start_learning(
	fb_midi *midi, const char *address, const char *mode, fb_error *error)
{
	const fb_branch *leaf = fb_tree_find(midi->server->tree, address);
	if (!leaf || strncmp(address, "/norm/", 6) == 0) {
		return fb_fail(error, FB_NOT_FOUND, address, "there is no such address to learn");
	}
	fb_status status = fb_midi_movable(leaf, error);
	fb_midi_mode as = mode ? fb_midi_mode_of(mode) : FB_MIDI_MODES;
	if (!status && mode && as == FB_MIDI_MODES) {
		status = fb_fail(error, FB_INVALID, "mode",
			"absolute, relative_twos, relative_offset, relative_sign, toggle or momentary");
	}
	if (!status) {
		midi->lesson = (fb_midi_binding){.mode = as, .pickup = midi->pickup, .feedback = true};
		snprintf(midi->lesson.address, sizeof midi->lesson.address, "%s", address);
		snprintf(midi->learning, sizeof midi->learning, "%s", address);
		midi->half = false;
		touch(midi, "/midi/learning");
	}
	return status;
}

void fb_midi_stop_learning(fb_midi *midi)
{
	midi->learning[0] = '\0';
	midi->half = false;
	touch(midi, "/midi/learning");
}

/** A lesson is over: the controller moves the leaf from now on. */
static void learned(fb_midi *midi)
{
	fb_error error;
	fb_midi_binding *b = &midi->lesson;
	bool button = b->kind == FB_MIDI_NOTE;
	bool press = b->mode == FB_MIDI_TOGGLE || b->mode == FB_MIDI_MOMENTARY;
	if (b->mode == FB_MIDI_MODES || (button && !press) || (b->kind > FB_MIDI_CC && !button)) {
		b->mode = button ? FB_MIDI_TOGGLE : FB_MIDI_ABSOLUTE; /* what suits it */
	}
	if (fb_midi_map_put(&midi->map, b, &error) || changed_map(midi, &error)) {
		fb_log_error("midi", &error);
	}
	fb_midi_stop_learning(midi);
}

/** Take a message as the lesson. A control change may be the first half of a pair: wait for the
	second a moment. */
static void study(fb_midi *midi, const fb_midi_event *event)
{
	fb_midi_binding *b = &midi->lesson;
	if (midi->half && fb_midi_is_pair(b, event->bytes, event->size)) {
		b->kind = FB_MIDI_CC14;
		learned(midi);
	} else if (!midi->half && fb_midi_learn(b, event->bytes, event->size)) {
		bool absolute = b->mode == FB_MIDI_ABSOLUTE || b->mode == FB_MIDI_MODES;
		if (b->kind == FB_MIDI_CC && b->number < 32 && absolute) {
			midi->half = true;
			midi->half_until_us = fb_midi_now_us() + PAIR_US;
		} else {
			learned(midi);
		}
	}
}

/* --- in */

static void note_last(fb_midi *midi, const fb_midi_event *event)
{
	size_t n = 0;
	midi->received++;
	for (uint8_t i = 0; i < event->size; i++) {
		n += (size_t)snprintf(
			midi->last + n, sizeof midi->last - n, "%s%02x", i ? " " : "", event->bytes[i]);
	}
}

static void move(fb_midi *midi, uint32_t i, const fb_midi_move *to)
{
	fb_error error;
	uint8_t unsent[FB_MIDI_MESSAGES][3];
	char text[64];
	fb_midi_binding *b = &midi->map.binding[i];
	snprintf(text, sizeof text, "midi %s %u/%u", fb_midi_kind_name(b->kind), b->channel, b->number);
	fb_origin origin = {text, midi};
	midi->moving = b;
	if (fb_midi_apply(midi->server->tree, midi->leaf[i], b, to, &origin, &error)) {
		midi->refused++;
	}
	if (!midi->moving) {
		return; /* it was a command that changed the map */
	}
	midi->moving = NULL;
	b->moved_us = fb_midi_now_us();
	b->due = true; /* where it is let go it shall stand as the value does */
	if (to->what == FB_MIDI_POSITION) {
		(void)fb_midi_feedback(b, to->position, unsent); /* it stands there already */
	}
}

static void take(fb_midi *midi, const fb_midi_event *event)
{
	note_last(midi, event);
	if (midi->learning[0]) {
		study(midi, event);
		return;
	}
	for (uint32_t i = 0; i < midi->map.count; i++) {
		fb_midi_move to = fb_midi_take(&midi->map.binding[i], event->bytes, event->size);
		if (to.what != FB_MIDI_NOTHING && midi->leaf[i]) {
			move(midi, i, &to);
		}
	}
}

static void take_all(fb_midi *midi)
{
	fb_driver *driver = midi->server->driver;
	fb_midi_event event;
	int n = 0;
	if (!driver->ops->midi_read || !driver->ops->midi_read(driver, &event)) {
		return;
	}
	fb_tree_begin(midi->server->tree);
	do {
		take(midi, &event);
	} while (++n < MESSAGES_MAX && driver->ops->midi_read(driver, &event));
	fb_tree_end(midi->server->tree);
	touch(midi, "/midi/last");
	touch(midi, "/midi/received");
}

/* --- out */

/** A fader in somebody's hand is left alone until it rests. */
static bool is_held(const fb_midi_binding *b, int64_t now_us)
{
	return b->mode == FB_MIDI_ABSOLUTE && now_us - b->moved_us < HOLD_US;
}

static bool send_feedback(fb_midi *midi, uint32_t i)
{
	fb_driver *driver = midi->server->driver;
	fb_midi_binding *b = &midi->map.binding[i];
	uint8_t out[FB_MIDI_MESSAGES][3];
	uint32_t n = fb_midi_feedback(b, fb_midi_position_of(midi->server->tree, midi->leaf[i]), out);
	for (uint32_t m = 0; m < n; m++) {
		fb_midi_event event = {.size = 3};
		memcpy(event.bytes, out[m], 3);
		if (!driver->ops->midi_write(driver, &event)) {
			b->sent = -1; /* all of it again, later */
			return false;
		}
		midi->sent++;
	}
	b->due = false;
	return true;
}

static void send_all(fb_midi *midi)
{
	int64_t now_us = fb_midi_now_us();
	int sent = 0;
	if (!midi->server->driver->ops->midi_write) {
		return;
	}
	for (uint32_t i = 0; i < midi->map.count && sent < FEEDBACK_MAX; i++) {
		fb_midi_binding *b = &midi->map.binding[i];
		if (!b->due || !b->feedback || !midi->leaf[i] || is_held(b, now_us)) {
			continue;
		}
		sent++;
		if (!send_feedback(midi, i)) {
			return;
		}
	}
}

/** Surfaces that come with the driver have to be told where everything stands. */
static void look_at_driver(fb_midi *midi)
{
	fb_driver_state state;
	midi->server->driver->ops->state(midi->server->driver, &state);
	if (state.running && !midi->running) {
		fb_midi_refresh(midi);
	}
	midi->running = state.running;
}

void fb_midi_service(fb_midi *midi)
{
	if (midi->server->ticks % SETTLE_TICKS == 0) {
		look_at_driver(midi);
	}
	take_all(midi);
	if (midi->half && fb_midi_now_us() > midi->half_until_us) {
		learned(midi); /* no second half came */
	}
	send_all(midi);
}

/* --- the tree */

static void on_changed(void *ctx, fb_branch *leaf, const fb_origin *origin)
{
	fb_midi *midi = ctx;
	(void)origin;
	const fb_branch *twin = midi->map.count ? fb_branch_twin(leaf) : NULL;
	for (uint32_t i = 0; i < midi->map.count; i++) {
		fb_midi_binding *b = &midi->map.binding[i];
		bool meant = midi->leaf[i] && (midi->leaf[i] == leaf || midi->leaf[i] == twin);
		if (meant && b != midi->moving) {
			b->due = true;
			b->met = false; /* soft takeover begins anew */
		}
	}
}

static void on_added(void *ctx, fb_branch *branch)
{
	fb_midi *midi = ctx;
	for (uint32_t i = 0; i < midi->map.count; i++) {
		if (!midi->leaf[i] && fb_branch_leaf(branch) &&
			strcmp(midi->map.binding[i].address, fb_branch_address(branch)) == 0 &&
			fb_midi_movable(branch, NULL) == FB_OK) {
			midi->leaf[i] = branch;
			midi->map.binding[i].due = true;
		}
	}
}

static void on_removing(void *ctx, fb_branch *branch)
{
	fb_midi *midi = ctx;
	for (uint32_t i = 0; i < midi->map.count; i++) {
		midi->leaf[i] = midi->leaf[i] == branch ? NULL : midi->leaf[i];
	}
}

fb_status fb_midi_create(fb_server *server, fb_midi **out, fb_error *error)
{
	fb_midi *midi = calloc(1, sizeof *midi);
	if (!midi) {
		return fb_fail(error, FB_NO_MEMORY, "midi", "out of memory");
	}
	midi->server = server;
	midi->watcher = (fb_tree_watcher){
		.ctx = midi, .changed = on_changed, .added = on_added, .removing = on_removing};
	fb_status status = settle(midi, error);
	if (!status) {
		status = fb_midi_add_leaves(midi, error);
	}
	if (!status && fb_tree_watch(server->tree, &midi->watcher)) {
		status = fb_fail(error, FB_TOO_MANY, "midi", "too many watch the tree");
	}
	if (!status) {
		(void)fb_store_find(server->store, "setting", "midi", kept, midi);
	}
	*out = midi; /* also of a failure: stopping the server takes it */
	return status;
}

void fb_midi_destroy(fb_midi *midi)
{
	if (!midi) {
		return;
	}
	fb_tree_unwatch(midi->server->tree, &midi->watcher);
	fb_midi_map_finish(&midi->map);
	free(midi->text);
	free(midi);
}
