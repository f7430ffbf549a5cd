/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What there is to turn: a station's parameters as its address tree describes them. Nothing here
	or elsewhere in the optimizer knows a node or a parameter by name. */
#ifndef FB_KNOB_H
#define FB_KNOB_H

#include "../../graph/scale.h"
#include "../../graph/status.h"

#include <jansson.h>
#include <stdbool.h>

typedef enum fb_knob_kind {
	FB_KNOB_FLOAT,
	FB_KNOB_INT,
	FB_KNOB_BOOL,   ///< value 0 or 1
	FB_KNOB_CHOICE, ///< value is the index into `choices`
} fb_knob_kind;

/** A value of a knob is a double in the knob's own unit everywhere. */
typedef struct fb_knob {
	char *address; ///< "/station/1/comp/ratio"
	char *key;     ///< "comp.ratio", as REST and runs have it
	char *node;    ///< "comp"
	char *section; ///< what it shares with its next of kin: "b3" of b3_gain and b3_freq, or ""
	char *unit, *label, *doc;
	fb_knob_kind kind;
	fb_scale scale;
	double min, max;
	char **choices;
	int n_choices;
	double start; ///< when the session began
} fb_knob;

typedef struct fb_knobs {
	fb_knob *knob;
	int count;
} fb_knobs;

void fb_knob_finish(fb_knob *knob);
void fb_knobs_finish(fb_knobs *knobs);
int fb_knobs_find(const fb_knobs *knobs, const char *key); ///< -1 if none

bool fb_knob_is_switch(const fb_knob *knob); ///< bool or choice: no way in between
int fb_knob_settings(const fb_knob *knob);   ///< of a switch: how many

bool fb_knob_same_node(const fb_knob *a, const fb_knob *b);
bool fb_knob_kin(const fb_knob *a, const fb_knob *b); ///< of one section
/** Alike in all but the name: the gains of an equaliser's bands. */
bool fb_knob_family(const fb_knob *a, const fb_knob *b);

/** Says what the other knobs of its section are about: the type of an equaliser's band. */
bool fb_knob_says_what(const fb_knob *knob);

/** Travel 0..1 of a value through the knob's taper, and back. */
double fb_knob_to_travel(const fb_knob *knob, double value);
double fb_knob_from_travel(const fb_knob *knob, double travel);
/** How much travel an engineer tries first, so that something is heard: 3 dB, half an octave. */
double fb_knob_step(const fb_knob *knob);

/** What a step away from the start costs, of what turning the knob has to bring at least: far out
	is for much alone. Nobody wants a balance at 50 % for a tenth of a point. */
#define FB_KNOB_DRIFT 3.0
/** What a parameter set costs, in units of what turning one knob has to bring: each turned knob,
	and how far it is turned. */
double fb_knobs_cost(const fb_knobs *knobs, const double *value);
/** The nearest value in few digits, within the range: what a person would set. The start is left
	alone. */
double fb_knob_round(const fb_knob *knob, double value);

/** A value as REST has it. false: it does not fit the knob; *value is untouched then. */
bool fb_knob_read(const fb_knob *knob, const json_t *json, double *value);
/** As REST takes it. NULL when out of memory. */
json_t *fb_knob_json(const fb_knob *knob, double value);
/** With its unit, for people: "-6.5 dB", "on", "bell". Returns `text`. */
const char *fb_knob_text(const fb_knob *knob, double value, char text[48]);

#endif
