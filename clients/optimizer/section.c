/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "section.h"

static double steps_of(const fb_knob *knob)
{
	return 1.0 / fb_knob_step(knob);
}

int fb_section_numbers(const fb_knobs *knobs, int choice, int number[FB_SECTION_NUMBERS])
{
	int n = 0;
	for (int k = 0; k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		if (fb_knob_is_switch(knob) || !fb_knob_kin(knob, &knobs->knob[choice])) {
			continue;
		}
		int at = n < FB_SECTION_NUMBERS ? n++ : FB_SECTION_NUMBERS;
		while (at > 0 && steps_of(knob) > steps_of(&knobs->knob[number[at - 1]])) {
			if (at < FB_SECTION_NUMBERS) {
				number[at] = number[at - 1];
			}
			at--;
		}
		if (at < FB_SECTION_NUMBERS) {
			number[at] = k;
		}
	}
	return n;
}

int fb_section_longest(const fb_knobs *knobs, int choice)
{
	int number[FB_SECTION_NUMBERS];
	return fb_section_numbers(knobs, choice, number) ? number[0] : -1;
}

bool fb_section_sleeps(const fb_trials *history, const fb_probes *probes, int base, int choice)
{
	const fb_knobs *knobs = history->knobs;
	int along = fb_section_longest(knobs, choice);
	for (int k = 0; k < knobs->count; k++) {
		bool own = k == choice || fb_knob_kin(&knobs->knob[k], &knobs->knob[choice]);
		if (own && history->trial[base].value[k] != knobs->knob[k].start) {
			return false;
		}
	}
	return along >= 0 && !fb_probes_live(probes)[along];
}

bool fb_section_has_live_switch(const fb_knobs *knobs, const fb_probes *probes, int choice)
{
	for (int k = 0; k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		if (knob->kind == FB_KNOB_BOOL && fb_knob_kin(knob, &knobs->knob[choice]) &&
			fb_probes_live(probes)[k]) {
			return true;
		}
	}
	return false;
}

/** The next switch of a section behind knob k, -1: none. */
static int next_switch(const fb_knobs *knobs, int choice, int k)
{
	for (k++; k < knobs->count; k++) {
		if (knobs->knob[k].kind == FB_KNOB_BOOL &&
			fb_knob_kin(&knobs->knob[k], &knobs->knob[choice])) {
			return k;
		}
	}
	return -1;
}

void fb_section_switch_in(
	const fb_knobs *knobs, int choice, int like, bool turned_over, double *value)
{
	int mine = next_switch(knobs, choice, -1), its = next_switch(knobs, like, -1);
	while (mine >= 0 && its >= 0) {
		value[mine] = (knobs->knob[its].start != 0.0) != turned_over;
		mine = next_switch(knobs, choice, mine);
		its = next_switch(knobs, like, its);
	}
}

bool fb_section_is_new(const fb_knobs *knobs, int choice, int setting)
{
	for (int k = 0; k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		if (fb_knob_family(knob, &knobs->knob[choice]) && (int)knob->start == setting) {
			return false;
		}
	}
	return true;
}
