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
typedef struct fb_live fb_live;       ///< live.h

enum {
	FB_ALLOW_LEN = 256,
	FB_WATCH_BEFORE = 20, ///< live scores that are remembered, half a second apart
	FB_WATCH_AFTER = 6    ///< and whose mean is held against theirs
};

/** A live score, and how loud the input was. */
typedef struct fb_watch_score {
	double quality, input_lufs;
} fb_watch_score;

/** Takes an armed change back. */
typedef struct fb_watchdog {
	double drop;                                                   ///< points; 0: off
	fb_watch_score before[FB_WATCH_BEFORE], after[FB_WATCH_AFTER]; ///< rings
	uint32_t n_before, n_after;                                    ///< ever written
	uint32_t in_vain;    ///< scores that could not be compared
	uint64_t next_frame; ///< when the next score is taken
	uint32_t steps;      ///< armed changes that are watched together, 0: not watching
	fb_watch_score was;  ///< the mean before them
	json_t *settings;    ///< what they set the station to
} fb_watchdog;

/** A parameter set that waits for the engineer. */
typedef struct fb_proposal {
	char id[64];              ///< of the run it comes from; "" = none was ever offered
	const char *state;        ///< "none" "offered" "accepted" "rejected" "taken back"
	json_t *parameters;       ///< {"node.param": value}: what it turns, and nothing else
	bool armed;               ///< accept at once, in mode auto
	double morph_s;           ///< accepting takes this long
	char allow[FB_ALLOW_LEN]; ///< patterns of what a proposal may turn
	double max_step;          ///< and how far, of its travel
	bool of_live;             ///< it was found on the station's input
	int source;               ///< fb_hearing_source: what the monitor plays it on
	int audition;             ///< fb_hearing: what the monitor plays
	json_t *heard;            ///< what its two versions are made of, NULL: nothing is heard
	uint32_t rendering;       ///< how often they are on their way; the last of them counts
	fb_live *live;            ///< they are made of what comes in now; NULL: they are not
	double followed_s;        ///< when its settings were looked at
	fb_watchdog watchdog;
} fb_proposal;

void fb_proposal_init(fb_proposal *proposal);
void fb_proposal_finish(fb_proposal *proposal);

/* --- proposal.c */

/** A run that may be proposed; all borrowed. */
typedef struct fb_proposed {
	const char *run_id;
	const json_t *parameters; ///< {"node.param": value}
	const json_t *began; ///< the settings that its source was first heard with; NULL: not known
	bool of_live;        ///< its source was the station's input
} fb_proposed;

/** Propose what a run's parameters turn against what it began with: what people turned since is
	theirs. In an armed station it is accepted at once, unless somebody turned something that it
	turns too.
	errors: FB_FORBIDDEN naming a parameter that it turns and may not, or too far */
FB_MUST_CHECK fb_status fb_proposal_offer(
	fb_channel *channel, const fb_proposed *run, const fb_origin *origin, fb_error *error);
FB_MUST_CHECK fb_status fb_proposal_accept(
	fb_channel *channel, const fb_origin *origin, fb_error *error);
FB_MUST_CHECK fb_status fb_proposal_reject(
	fb_channel *channel, const fb_origin *origin, fb_error *error);
void fb_proposal_set_state(fb_channel *channel, const char *state, const fb_origin *origin);
/** Watchdogs and auditions. Call it often. */
void fb_proposals_service(fb_server *server);
/** Auditions end, and what is to be kept goes to the store: before store and meters end. */
void fb_proposals_stop(fb_server *server);

/* --- limits.c */

/** Read patterns of what may be turned, into what stands for them in a leaf.
	errors: FB_INVALID, FB_TOO_LARGE */
FB_MUST_CHECK fb_status fb_proposal_read_allow(
	const char *text, char allow[FB_ALLOW_LEN], fb_error *error);

/** May a proposal turn `now` into `then`? errors: FB_FORBIDDEN, `where` the parameter */
FB_MUST_CHECK fb_status fb_proposal_check(
	const fb_proposal *proposal, const fb_patch *now, const fb_patch *then, fb_error *error);

/* --- watchdog.c */

/** Is there an armed change that has not been judged yet, and is the station as that set it? */
bool fb_watchdog_judges(const fb_channel *channel);
/** An armed change has just been accepted. goes_on: before another was judged; they are one then,
	held against what was before both. */
void fb_watchdog_start(fb_channel *channel, bool goes_on);
void fb_watchdog_stop(fb_channel *channel);
void fb_watchdog_service(fb_channel *channel);

/* --- kept.c */

/** Ask for the limits that were kept; they come with fb_store_poll(), in the order in which the
	store is asked. errors: what the store refuses */
FB_MUST_CHECK fb_status fb_proposals_restore(fb_server *server, fb_error *error);
/** Keep them if they have changed; at_once: however often. */
void fb_proposals_keep(fb_server *server, bool at_once);

/* --- hearing.c: the proposal on the monitor */

typedef enum fb_hearing { FB_HEAR_OFF, FB_HEAR_CURRENT, FB_HEAR_PROPOSED } fb_hearing;

typedef enum fb_hearing_source { FB_HEAR_AUTO, FB_HEAR_LIVE, FB_HEAR_CAPTURED } fb_hearing_source;

/** Play what comes in now, or the proposal's source (auto: the former if that is what it was found
	on), with the station's settings or with the proposal's, alike in loudness, on the monitor.
	Switching between the two is immediate. Another station's audition ends.
	errors: FB_EXISTS there is no proposal; FB_NOT_FOUND its source is not at hand any more;
			FB_UNAVAILABLE there is no live input */
FB_MUST_CHECK fb_status fb_proposal_hear(
	fb_channel *channel, fb_hearing hearing, const fb_origin *origin, fb_error *error);

/** End its audition, if there is one. */
void fb_proposal_deafen(fb_channel *channel, const fb_origin *origin);

/** It is to be heard on something else: a hearing begins anew. */
FB_MUST_CHECK fb_status fb_proposal_set_source(
	fb_channel *channel, fb_hearing_source source, const fb_origin *origin, fb_error *error);
/** A live hearing follows what people turn. Call it often. */
void fb_proposal_follow(fb_channel *channel);

/* --- leaves.c */
FB_MUST_CHECK fb_status fb_monitor_add_leaves(fb_server *server, fb_error *error);
FB_MUST_CHECK fb_status fb_proposal_add_leaves(fb_channel *channel, fb_error *error);

#endif
