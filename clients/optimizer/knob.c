/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "knob.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 0.1    /* of the travel, where the unit says nothing */
#define STEP_DB 3.0 /* clearly heard, rarely too much */
#define STEP_OCTAVES 0.5
#define FINE 300.0     /* linear knobs have between this many and ten times as many settings */
#define RATIO_DIGITS 3 /* of knobs with a log taper */

void fb_knob_finish(fb_knob *knob)
{
	free(knob->address);
	free(knob->key);
	free(knob->node);
	free(knob->section);
	free(knob->unit);
	free(knob->label);
	free(knob->doc);
	for (int i = 0; i < knob->n_choices; i++) {
		free(knob->choices[i]);
	}
	free(knob->choices);
}

void fb_knobs_finish(fb_knobs *knobs)
{
	for (int i = 0; i < knobs->count; i++) {
		fb_knob_finish(&knobs->knob[i]);
	}
	free(knobs->knob);
	*knobs = (fb_knobs){0};
}

int fb_knobs_find(const fb_knobs *knobs, const char *key)
{
	for (int i = 0; i < knobs->count; i++) {
		if (!strcmp(knobs->knob[i].key, key)) {
			return i;
		}
	}
	return -1;
}

bool fb_knob_is_switch(const fb_knob *knob)
{
	return knob->kind == FB_KNOB_BOOL || knob->kind == FB_KNOB_CHOICE;
}

int fb_knob_settings(const fb_knob *knob)
{
	return knob->kind == FB_KNOB_BOOL ? 2 : knob->n_choices;
}

bool fb_knob_same_node(const fb_knob *a, const fb_knob *b)
{
	return !strcmp(a->node, b->node);
}

bool fb_knob_kin(const fb_knob *a, const fb_knob *b)
{
	return fb_knob_same_node(a, b) && *a->section && !strcmp(a->section, b->section);
}

bool fb_knob_family(const fb_knob *a, const fb_knob *b)
{
	bool named_alike = a->n_choices == b->n_choices;
	for (int i = 0; i < a->n_choices && named_alike; i++) {
		named_alike = !strcmp(a->choices[i], b->choices[i]);
	}
	return fb_knob_same_node(a, b) && a->kind == b->kind && a->scale == b->scale &&
		   a->min == b->min && a->max == b->max && named_alike && !strcmp(a->unit, b->unit);
}

bool fb_knob_says_what(const fb_knob *knob)
{
	return knob->kind == FB_KNOB_CHOICE && knob->n_choices > 2 && *knob->section;
}

double fb_knob_to_travel(const fb_knob *knob, double value)
{
	return fb_scale_to_norm(knob->scale, knob->min, knob->max, value);
}

double fb_knob_from_travel(const fb_knob *knob, double travel)
{
	return fb_scale_from_norm(knob->scale, knob->min, knob->max, travel);
}

double fb_knob_step(const fb_knob *knob)
{
	double step = STEP, span = knob->max - knob->min;
	if (knob->kind == FB_KNOB_INT) {
		return fmax(STEP, 1.0 / span);
	}
	if (!strcmp(knob->unit, "dB") && knob->scale == FB_SCALE_LINEAR) {
		step = STEP_DB / span;
	} else if (!strcmp(knob->unit, "Hz") && knob->scale == FB_SCALE_LOG) {
		step = STEP_OCTAVES / log2(knob->max / knob->min);
	}
	return fmin(step, 0.5);
}

double fb_knobs_cost(const fb_knobs *knobs, const double *value)
{
	double cost = 0.0;
	for (int k = 0; k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		if (value[k] != knob->start) {
			double travel =
				fb_knob_to_travel(knob, value[k]) - fb_knob_to_travel(knob, knob->start);
			cost += 1.0;
			cost +=
				fb_knob_is_switch(knob) ? 0.0 : FB_KNOB_DRIFT * fabs(travel) / fb_knob_step(knob);
		}
	}
	return cost;
}

/** To a multiple of 10^n so that the result has few digits. */
static double to_multiple(double value, double exponent)
{
	double grain = pow(10.0, fabs(exponent));
	return exponent < 0.0 ? round(value * grain) / grain : round(value / grain) * grain;
}

double fb_knob_round(const fb_knob *knob, double value)
{
	if (value == knob->start) {
		return value;
	}
	double rounded = value;
	if (knob->kind != FB_KNOB_FLOAT) {
		rounded = round(value);
	} else if (knob->scale == FB_SCALE_LOG) {
		rounded = to_multiple(value, floor(log10(value)) - (RATIO_DIGITS - 1));
	} else {
		rounded = to_multiple(value, floor(log10((knob->max - knob->min) / FINE)));
	}
	return fb_clamp(rounded, knob->min, knob->max) + 0.0; /* no -0 */
}

bool fb_knob_read(const fb_knob *knob, const json_t *json, double *value)
{
	const char *text = json_string_value(json);
	switch (knob->kind) {
	case FB_KNOB_BOOL:
		*value = json_is_boolean(json) ? json_is_true(json) : *value;
		return json_is_boolean(json);
	case FB_KNOB_CHOICE:
		for (int i = 0; text && i < knob->n_choices; i++) {
			if (!strcmp(text, knob->choices[i])) {
				*value = i;
				return true;
			}
		}
		return false;
	default:
		*value = json_is_number(json) ? json_number_value(json) : *value;
		return json_is_number(json);
	}
}

json_t *fb_knob_json(const fb_knob *knob, double value)
{
	switch (knob->kind) {
	case FB_KNOB_BOOL:
		return json_boolean(value != 0.0);
	case FB_KNOB_INT:
		return json_integer((json_int_t)llround(value));
	case FB_KNOB_CHOICE:
		return json_string(knob->choices[(int)value]);
	default:
		return json_real(value);
	}
}

const char *fb_knob_text(const fb_knob *knob, double value, char text[48])
{
	const size_t size = 48;
	switch (knob->kind) {
	case FB_KNOB_BOOL:
		snprintf(text, size, "%s", value != 0.0 ? "on" : "off");
		break;
	case FB_KNOB_CHOICE:
		snprintf(text, size, "%s", knob->choices[(int)value]);
		break;
	default:
		snprintf(text, size, "%.6g%s%s", value, *knob->unit && *knob->unit != ':' ? " " : "",
			knob->unit);
		break;
	}
	return text;
}
