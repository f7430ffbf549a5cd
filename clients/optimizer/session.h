/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A calibration session: baseline, rounds until another would no longer help, winner. */
#ifndef FB_SESSION_H
#define FB_SESSION_H

#include "engine.h"
#include "link.h"
#include "walk.h"

#include <time.h>

typedef struct fb_session_options {
	int station;
	const fb_tuning_engine *engine;
	fb_walk_limits limits;
	const char *sample, *reference; ///< names of samples; NULL: live input
	double live_s;
	double epsilon; ///< of the score, 0..1; < 0: the goal's own
	int patience, rounds_max, auditions_max;
	double seconds_max; ///< 0: no limit
	uint64_t seed;
	bool accept;
	/* of engines that ask a model: */
	fb_relay_options relay;
	double max_step, request_tokens_max; ///< fb_brief
	bool send_audio;
	const json_t *recorded; ///< document of a session to do again, NULL: a new one
} fb_session_options;

enum { FB_SESSION_ID_MAX = 64, FB_SESSION_ROUNDS_MAX = 1000, FB_DOING_MAX = 600 };

/** What a turned knob is worth: what goes with it when it is put back. */
typedef struct fb_worth {
	bool known;
	double points; ///< of the score
	int metric;    ///< the goal's metric that it does most for
} fb_worth;

/** What a round took and gave. */
typedef struct fb_round {
	int number, auditions;
	double seconds, score, gain; ///< score: the best so far, 0..100
	fb_spend spend;              ///< on a model, since the beginning
	int best;                    ///< trial that was the best when it ended
	bool tidying;                ///< not a search: taking back what does not help
} fb_round;

typedef struct fb_session fb_session;

/** What a session tells while it works; all may be NULL. */
typedef struct fb_session_watch {
	void (*began)(void *ctx, const fb_session *session);    ///< after the baseline
	void (*progress)(void *ctx, const fb_session *session); ///< it does something else, or more
	void (*round)(void *ctx, const fb_session *session, const fb_round *round);
	bool (*go_on)(void *ctx); ///< false: stop and keep the best so far
	void *ctx;
} fb_session_watch;

struct fb_session {
	char id[FB_SESSION_ID_MAX];
	fb_session_options options;
	fb_session_watch watch;
	fb_link *link;
	json_t *tree;    ///< the station's place in it
	json_t *report;  ///< the baseline's
	fb_relay *relay; ///< NULL: the engine asks no model
	fb_brief brief;
	char *audio; ///< for the model
	fb_knobs knobs;
	fb_trials history;
	json_t *source;          ///< as asked for
	json_t *source_hash;     ///< of the audio, as the server names it
	double source_s;         ///< its length
	struct timespec started; ///< when the search began
	fb_round *round;
	int rounds;                    ///< in `round`, tidying included
	const char *doing;             ///< "listening", "searching", ...
	char model_does[FB_DOING_MAX]; ///< what `doing` is while a model is asked
	const char *stopped;           ///< why, NULL while it goes on
	char gave_up[512];             ///< why the engine asks its model no more, "" if it does
	bool wrapping_up;              ///< the search is over: interrupting is too late
	char proposal[FB_RUN_ID_MAX];  ///< run id of what is offered, "" if nothing is
	bool accepted;
	fb_worth *worth;          ///< [knobs] once tidied
	json_t *replay;           ///< of a session done again: how alike it is, NULL else
	json_t *turned_meanwhile; ///< keys that somebody turned while the session went on
};

/** Learn the station and hear it as it is. The link is borrowed.
	errors: those of fb_link_tree, fb_walk and fb_link_begin; FB_EXISTS there is nothing to tune,
	        for want of parameters or of sound */
FB_MUST_CHECK fb_status fb_session_begin(fb_session *session, const fb_session_options *options,
	const fb_session_watch *watch, fb_link *link, const char *id, fb_error *error);
/** Search. Interrupted it ends well, with `stopped` saying so. */
FB_MUST_CHECK fb_status fb_session_search(fb_session *session, fb_error *error);
/** Store the winner as a run, offer it (if it is better than what was), accept it if asked to, and
	store the session's document. */
FB_MUST_CHECK fb_status fb_session_conclude(fb_session *session, fb_error *error);
/** The search failed: store what there is, and propose nothing. */
void fb_session_abandon(fb_session *session, fb_error *error);
void fb_session_finish(fb_session *session);

const fb_trial *fb_session_before(const fb_session *session);
const fb_trial *fb_session_after(const fb_session *session); ///< the winner, or the same
fb_spend fb_session_spend(const fb_session *session);        ///< on a model
double fb_session_seconds(const fb_session *session);        ///< since the search began

/** Audition a batch for a round; on interruption what was heard until then counts. */
FB_MUST_CHECK fb_status fb_session_hear(
	fb_session *session, const fb_batch *batch, int round, fb_error *error);
/** How many auditions the budgets leave. */
int fb_session_room(const fb_session *session);

/** Hear the winner with each turned knob at its old value, and with all of those that hardly help:
	what is left can be explained. */
FB_MUST_CHECK fb_status fb_session_tidy(fb_session *session, fb_error *error);

#endif
