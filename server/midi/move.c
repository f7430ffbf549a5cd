/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a controller does to a leaf. thread: control */
#include "parts.h"

#include "../../osc/value.h"

#include <math.h>
#include <string.h>

enum { WHEEL_STEPS = 127 }; /* steps of a relative controller from one end to the other */

fb_status fb_midi_movable(const fb_branch *leaf, fb_error *error)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	const char *address = fb_branch_address(leaf);
	if (!spec || !(spec->access & FB_WRITE)) {
		return fb_fail(error, FB_FORBIDDEN, address, "cannot be set");
	}
	if (spec->kind == FB_LEAF_TEXT ||
		(spec->kind == FB_LEAF_COMMAND && spec->args[0] && spec->args[0] != '?')) {
		return fb_fail(error, FB_WRONG_TYPE, address,
			"a controller has no text: it moves numbers, switches, choices and plain commands");
	}
	return FB_OK;
}

static double place_in(double value, double min, double max)
{
	return max > min ? (value - min) / (max - min) : 0.0;
}

double fb_midi_position_of(fb_tree *tree, const fb_branch *leaf)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	fb_value value;
	double number = 0.0;
	fb_tree_get(tree, leaf, &value);
	fb_value_number(&value, &number);
	switch (spec->kind) {
	case FB_LEAF_FLOAT:
		return fb_scale_to_norm(spec->scale, spec->min, spec->max, number);
	case FB_LEAF_INT:
		return place_in(number, spec->min, spec->max);
	case FB_LEAF_CHOICE:
		for (uint32_t i = 0; i < spec->n_choices; i++) {
			if (strcmp(spec->choices[i], value.s) == 0) {
				return place_in(i, 0, spec->n_choices - 1.0);
			}
		}
		return 0.0;
	default:
		return number;
	}
}

/** Whole numbers and choices: how many steps there are. */
static double steps_of(const fb_leaf_spec *spec)
{
	return spec->kind == FB_LEAF_INT      ? spec->max - spec->min
		   : spec->kind == FB_LEAF_CHOICE ? spec->n_choices - 1.0
										  : 1.0;
}

static fb_value value_at(const fb_leaf_spec *spec, double at)
{
	switch (spec->kind) {
	case FB_LEAF_FLOAT:
		return (fb_value){
			.tag = 'f', .f = fb_scale_from_norm(spec->scale, spec->min, spec->max, at)};
	case FB_LEAF_INT:
		return (fb_value){.tag = 'i', .i = (int64_t)llround(spec->min + at * steps_of(spec))};
	case FB_LEAF_CHOICE:
		return (fb_value){.tag = 'i', .i = (int64_t)llround(at * steps_of(spec))};
	default:
		return (fb_value){.tag = at >= 0.5 ? 'T' : 'F'};
	}
}

/** A wheel: along the taper, or one choice, switch or whole number a step. */
static double turned(const fb_leaf_spec *spec, double now, int steps)
{
	double whole = steps_of(spec);
	bool fine = spec->kind == FB_LEAF_FLOAT || whole > WHEEL_STEPS;
	return fb_clamp(now + steps / (fine ? (double)WHEEL_STEPS : whole), 0.0, 1.0);
}

/** A button: over and over through the choices, else from one end to the other. */
static double pressed(const fb_leaf_spec *spec, double now)
{
	if (spec->kind != FB_LEAF_CHOICE) {
		return now >= 0.5 ? 0.0 : 1.0;
	}
	double next = now + 1.0 / steps_of(spec);
	return next > 1.0 + 1e-9 ? 0.0 : next;
}

/** The position that a move leads to; false if it leads nowhere. */
static bool goal(const fb_leaf_spec *spec, fb_midi_binding *binding, const fb_midi_move *move,
	double now, double *at)
{
	bool momentary = binding->mode == FB_MIDI_MOMENTARY;
	switch (move->what) {
	case FB_MIDI_POSITION:
		*at = move->position;
		return !binding->pickup || fb_midi_meets(binding, move->position, now);
	case FB_MIDI_STEPS:
		*at = turned(spec, now, move->steps);
		return true;
	case FB_MIDI_PRESS:
		*at = momentary ? 1.0 : pressed(spec, now);
		return true;
	case FB_MIDI_RELEASE:
		*at = 0.0;
		return momentary;
	default:
		return false;
	}
}

fb_status fb_midi_apply(fb_tree *tree, fb_branch *leaf, fb_midi_binding *binding,
	const fb_midi_move *move, const fb_origin *origin, fb_error *error)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	double at = 0.0;
	if (spec->kind == FB_LEAF_COMMAND) {
		bool run = move->what == FB_MIDI_PRESS ||
				   (move->what == FB_MIDI_POSITION && move->position >= 0.5 && !binding->met);
		binding->met = move->what == FB_MIDI_POSITION && move->position >= 0.5;
		return run ? fb_tree_set(tree, leaf, NULL, 0, FB_CLIP, origin, NULL, error) : FB_OK;
	}
	if (!goal(spec, binding, move, fb_midi_position_of(tree, leaf), &at)) {
		return FB_OK;
	}
	fb_value value = value_at(spec, at);
	return fb_tree_set(tree, leaf, &value, 1, FB_CLIP, origin, NULL, error);
}
