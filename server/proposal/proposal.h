/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a calibration found waits as a station's proposal until an engineer accepts it, or the
	station is armed. Nothing automatic touches audio that an audience hears otherwise, a proposal
	turns no more than the station lets it, the engineer may hear it alone first, and an armed
	change that makes things worse is taken back. thread: control */
#ifndef FB_PROPOSAL_H
#define FB_PROPOSAL_H

#include "../../graph/patch.h"
#include "../../osc/tree.h"

typedef struct fb_server fb_server;
typedef struct fb_channel fb_channel;
typedef struct fb_monitor fb_monitor; ///< monitor.h

enum {
	FB_WATCH_BEFORE = 20, ///< live scores that are remembered, half a second apart
	FB_WATCH_AFTER = 4    ///< and whose mean is held against theirs
};

/** Takes an armed change back. */
typedef struct fb_watchdog {
	double drop;                                           ///< points of live score; 0: off
	double before[FB_WATCH_BEFORE], after[FB_WATCH_AFTER]; ///< rings
	uint32_t n_before, n_after;                            ///< ever written
	double next_s;                                         ///< when the next score is taken
	double until_s;                                        ///< watching until then, 0: not watching
	double floor;                                          ///< the score may not fall below this
	json_t *settings;                                      ///< what the change set the station to
} fb_watchdog;

/** A parameter set that waits for the engineer. */
typedef struct fb_proposal {
	char id[64];        ///< of the run it comes from; "" = none was ever offered
	const char *state;  ///< "none" "offered" "accepted" "rejected" "taken back"
	json_t *parameters; ///< {"node.param": value}
	bool armed;         ///< accept at once, in mode auto
	double morph_s;     ///< accepting takes this long
	char allow[256];    ///< patterns of what a proposal may turn
	double max_step;    ///< and how far, of its travel
	int audition;       ///< fb_hearing: what the monitor plays
	json_t *heard;      ///< what its two versions are made of, NULL: nothing is heard
	uint32_t rendering; ///< how often they are on their way; the last of them counts
	fb_watchdog watchdog;
} fb_proposal;

void fb_proposal_init(fb_proposal *proposal);
void fb_proposal_finish(fb_proposal *proposal);

/* --- proposal.c */

/** errors: FB_FORBIDDEN naming a parameter that it turns and may not, or too far */
FB_MUST_CHECK fb_status fb_proposal_offer(fb_channel *channel, const char *run_id,
	const json_t *parameters, const fb_origin *origin, fb_error *error);
FB_MUST_CHECK fb_status fb_proposal_accept(
	fb_channel *channel, const fb_origin *origin, fb_error *error);
FB_MUST_CHECK fb_status fb_proposal_reject(
	fb_channel *channel, const fb_origin *origin, fb_error *error);
void fb_proposal_set_state(fb_channel *channel, const char *state, const fb_origin *origin);
/** Watchdogs. Call it often. */
void fb_proposals_service(fb_server *server);

/* --- limits.c */

/** May a proposal turn `now` into `then`? errors: FB_FORBIDDEN, `where` the parameter */
FB_MUST_CHECK fb_status fb_proposal_check(
	const fb_proposal *proposal, const fb_patch *now, const fb_patch *then, fb_error *error);

/* --- watchdog.c */

/** An armed change has just been accepted. */
void fb_watchdog_start(fb_channel *channel, double now_s);
void fb_watchdog_service(fb_channel *channel, double now_s);

/* --- hearing.c: the proposal on the monitor */

typedef enum fb_hearing { FB_HEAR_OFF, FB_HEAR_CURRENT, FB_HEAR_PROPOSED } fb_hearing;

/** Play the proposal's source with the station's settings, or with the proposal's, alike in
	loudness, on the monitor. What is played is rendered first; switching between the two is then
	immediate. Another station's audition ends.
	errors: FB_EXISTS no proposal waits; FB_NOT_FOUND its source is not at hand any more */
FB_MUST_CHECK fb_status fb_proposal_hear(
	fb_channel *channel, fb_hearing hearing, const fb_origin *origin, fb_error *error);

/** End its audition, if there is one. */
void fb_proposal_deafen(fb_channel *channel, const fb_origin *origin);

/* --- leaves.c */
FB_MUST_CHECK fb_status fb_proposal_add_leaves(fb_channel *channel, fb_error *error);

#endif
