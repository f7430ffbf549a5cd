/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"

#include "model.h"
#include "section.h"

#include <math.h>
#include <string.h>

static const fb_knob *knob_at(const fb_forms *forms, int k)
{
	return &forms->history->knobs->knob[k];
}

static int longest(const fb_forms *forms, int choice)
{
	return fb_section_longest(forms->history->knobs, choice);
}

/** The next sleeping section of a form behind choice k, -1: none. */
static int next_sleeping(const fb_forms *forms, const fb_form *f, int k)
{
	for (k++; k < forms->history->knobs->count; k++) {
		if (fb_knob_family(knob_at(forms, k), knob_at(forms, f->choice)) &&
			fb_section_sleeps(forms->history, forms->probes, forms->base, k)) {
			return k;
		}
	}
	return -1;
}

int fb_form_next_setting(const fb_forms *forms, const fb_form *f, int setting)
{
	int settings = knob_at(forms, f->choice)->n_choices;
	for (setting++; setting < settings; setting++) {
		if (!f->deaf[setting] && fb_section_is_new(forms->history->knobs, f->choice, setting)) {
			return setting;
		}
	}
	return -1;
}

void fb_forms_find(fb_forms *forms)
{
	for (int k = 0; k < forms->history->knobs->count && forms->count < FB_FORMS_MAX; k++) {
		const fb_knob *knob = knob_at(forms, k);
		bool known =
			!fb_knob_says_what(knob) || knob->n_choices > FB_FORM_SETTINGS || longest(forms, k) < 0;
		for (int i = 0; i < forms->count && !known; i++) {
			known = fb_knob_family(knob, knob_at(forms, forms->form[i].choice));
		}
		if (!known) {
			forms->form[forms->count++] = (fb_form){.choice = k, .like = -1};
		}
	}
}

int fb_form_nearest(const fb_forms *forms, const fb_form *f, double place)
{
	int best = -1;
	double least = 0.0;
	for (int k = -1; f->like >= 0 && (k = next_sleeping(forms, f, k)) >= 0;) {
		const fb_knob *along = knob_at(forms, longest(forms, k));
		double away = fabs(fb_model_place(along, along->start) - place);
		if (best < 0 || away < least) {
			best = k;
			least = away;
		}
	}
	return best;
}

/* --- tasting: which settings do anything by themselves? */

/** A sleeping section in which a setting alone is heard, since turning its switches is not. */
static int exemplar(const fb_forms *forms, const fb_form *f)
{
	for (int k = -1; (k = next_sleeping(forms, f, k)) >= 0;) {
		if (!fb_section_has_live_switch(forms->history->knobs, forms->probes, k)) {
			return k;
		}
	}
	return -1;
}

void fb_form_use(const fb_forms *forms, const fb_form *f, int choice, int setting, double *value)
{
	fb_section_switch_in(forms->history->knobs, choice, f->like, f->turned_over, value);
	value[choice] = setting;
}

/** All that is new at once, in as many sections as sleep, or one setting alone (-1: all). Returns
	the values, rounded. */
static const double *taste(fb_forms *forms, const fb_form *f, int alone)
{
	double *value = forms->room;
	int setting = fb_form_next_setting(forms, f, -1), k = -1;
	memcpy(value, forms->history->trial[forms->base].value,
		(size_t)forms->history->knobs->count * sizeof *value);
	if (alone >= 0) {
		fb_form_use(forms, f, f->like, alone, value);
	}
	while (alone < 0 && setting >= 0 && (k = next_sleeping(forms, f, k)) >= 0) {
		if (!fb_section_has_live_switch(forms->history->knobs, forms->probes, k)) {
			fb_form_use(forms, f, k, setting, value);
			setting = fb_form_next_setting(forms, f, setting);
		}
	}
	for (int i = 0; i < forms->history->knobs->count; i++) { /* as fb_batch_add() would have it */
		value[i] = fb_knob_round(knob_at(forms, i), value[i]);
	}
	return value;
}

void fb_forms_ask(fb_forms *forms, int room, fb_batch *out)
{
	for (int i = 0; i < forms->count; i++) {
		fb_form *f = &forms->form[i];
		const char *key = knob_at(forms, f->choice)->key;
		int only = f->stage == FB_FORM_ALL ? -1 : fb_form_next_setting(forms, f, -1);
		while (f->stage != FB_FORM_TASTED && f->like >= 0 && out->count < room) {
			fb_batch_add(out, forms->history, taste(forms, f, only), "other settings of %s", key);
			only = only < 0 ? -1 : fb_form_next_setting(forms, f, only);
			if (only < 0) {
				break;
			}
		}
	}
}

/** Was a taste heard? What was not asked may be. */
static bool is_heard(fb_forms *forms, const fb_form *f, int alone)
{
	int trial = fb_trials_find(forms->history, taste(forms, f, alone));
	return trial < 0 || !fb_trials_sound_alike(forms->history, trial, forms->base);
}

static void forget_deaf(fb_forms *forms, fb_form *f, bool all)
{
	bool deaf[FB_FORM_SETTINGS] = {false};
	for (int s = -1; (s = fb_form_next_setting(forms, f, s)) >= 0;) {
		deaf[s] = all || !is_heard(forms, f, s);
	}
	memcpy(f->deaf, deaf, sizeof deaf);
	f->stage = FB_FORM_TASTED;
}

bool fb_forms_answer(fb_forms *forms)
{
	bool over = true;
	for (int i = 0; i < forms->count; i++) {
		fb_form *f = &forms->form[i];
		if (f->stage == FB_FORM_TASTED || f->like < 0) {
			continue;
		}
		if (f->stage == FB_FORM_EACH) {
			forget_deaf(forms, f, false);
		} else if (is_heard(forms, f, -1)) {
			f->stage = FB_FORM_EACH;
		} else if (f->turned_over) {
			forget_deaf(forms, f, true);
		} else { /* its switches may stand wrong */
			f->turned_over = true;
		}
		over = over && f->stage == FB_FORM_TASTED;
	}
	return over;
}

void fb_forms_begin(fb_forms *forms, int base)
{
	forms->base = base;
	for (int i = 0; i < forms->count; i++) {
		fb_form *f = &forms->form[i];
		if (fb_form_next_setting(forms, f, -1) < 0) {
			f->stage = FB_FORM_TASTED;
		}
		f->like = f->stage == FB_FORM_TASTED ? f->like : exemplar(forms, f);
	}
}
