/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What sleeping sections could be used as: the settings of their choices that do anything by
	themselves, once the section is switched in. */
#ifndef FB_FORM_H
#define FB_FORM_H

#include "engine.h"
#include "probe.h"

enum {
	FB_FORMS_MAX = 8,
	FB_FORM_SETTINGS = 16, ///< choices with more are left alone
};

/** What is asked about: all new settings in one trial, each in one of its own, nothing any more. */
typedef enum fb_form_stage { FB_FORM_ALL, FB_FORM_EACH, FB_FORM_TASTED } fb_form_stage;

/** A choice and those like it in other sections: what kind of filter each band is. */
typedef struct fb_form {
	int choice; ///< the first of them
	fb_form_stage stage;
	int like;         ///< the section as whose the switches have to stand for it to be heard,
	bool turned_over; ///< or turned over
	bool deaf[FB_FORM_SETTINGS]; ///< settings that do nothing by themselves
} fb_form;

typedef struct fb_forms {
	const fb_trials *history;
	const fb_probes *probes;
	double *room; ///< [knobs] to work in, lent
	int base;     ///< the trial that everything is compared with
	fb_form form[FB_FORMS_MAX];
	int count;
} fb_forms;

/** Find the choices in sections with numbers, one of each family. */
void fb_forms_find(fb_forms *forms);

/** Ask what was not asked yet, from `base` on: begin, then ask and answer in turn until an answer
	is true. Asking may add nothing. */
void fb_forms_begin(fb_forms *forms, int base);
void fb_forms_ask(fb_forms *forms, int room, fb_batch *out);
bool fb_forms_answer(fb_forms *forms);

/** The next setting behind `setting` that no section has from the start and that is not known to
	be deaf, -1: none. */
int fb_form_next_setting(const fb_forms *forms, const fb_form *f, int setting);
/** The sleeping section that stands nearest to a place along its longest knob, -1: none sleeps, or
	nothing was asked yet. */
int fb_form_nearest(const fb_forms *forms, const fb_form *f, double place);
/** Put a section to use. */
void fb_form_use(const fb_forms *forms, const fb_form *f, int choice, int setting, double *value);

#endif
