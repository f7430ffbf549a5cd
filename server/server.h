/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldbackd's own state: all of it belongs to the control thread. The parts below each own one
	concern; this header is the server's inside and nobody else's. */
#ifndef FB_FOLDBACKD_H
#define FB_FOLDBACKD_H

#include "driver.h"
#include "leaves.h"
#include "proposal/proposal.h"

#include "../graph/params.h"
#include "../graph/station.h"
#include "../metrics/score.h"
#include "../metrics/voidline.h"
#include "../osc/server.h"
#include "../osc/tree.h"
#include "../storage/store.h"

typedef struct fb_server fb_server;
typedef struct fb_meters fb_meters;           ///< meters.h
typedef struct fb_calibration fb_calibration; ///< calibration.h
typedef struct fb_http fb_http;               ///< http.h
typedef struct fb_announce fb_announce;       ///< announce.h
typedef struct fb_events fb_events;           ///< http/events.h
typedef struct fb_pulse fb_pulse;             ///< pulse.h
typedef struct fb_ws_hub fb_ws_hub;           ///< http/ws.h
typedef struct fb_scenes fb_scenes;           ///< scene.h
typedef struct fb_midi fb_midi;               ///< midi/midi.h
typedef struct fb_tap fb_tap;                 ///< tap.h
typedef struct fb_stage_view fb_stage_view;   ///< station_tree.c

typedef enum fb_mode {
	FB_MODE_AUTO,   ///< an armed proposal may change it
	FB_MODE_MANUAL, ///< only people change it
	FB_MODE_BYPASS, ///< the input passes, as late as the chain
} fb_mode;

enum {
	FB_CHANNEL_COUNTS = 4,    ///< of what went wrong at a station: station_counts.c
	FB_NODE_METERS_MAX = 256, ///< of a station, that are told of by themselves
};

/** What is known already of how a station does (health.c). */
typedef struct fb_watch {
	double ceiling_db, budget_pc;
	uint64_t faults, over; ///< as last looked at
	double guard_db;
	bool guarding, alarm;
	double fault_told_s, guard_told_s, over_s; ///< when
	char faulty[FB_LEAF_ADDRESS_LEN];          ///< address of the node that failed last
} fb_watch;

/** What the server keeps of a station beside its patch. */
struct fb_channel {
	fb_server *server;
	uint32_t index; ///< from 0
	fb_station *station;
	fb_goal goal;
	char name[64];
	fb_mode mode;
	fb_metric_set metrics; ///< the latest live ones
	double quality, voidline;
	double voidline_part[FB_VOIDLINE_PARTS]; ///< 0..1, -1 where it has no answer
	double latency_ms; ///< of the chain and the driver, as last told to the meters
	fb_branch *metric_leaf[FB_METRICS];
	uint64_t told[FB_CHANNEL_COUNTS];     ///< counts, as subscribers know them
	float meter_told[FB_NODE_METERS_MAX]; ///< the row of node meters, as subscribers know it
	fb_proposal proposal;
	char last_run[64];
	double last_run_score;
	char run_failed[384]; ///< why the newest run did; "" if it did not
	fb_watch watch;
	fb_stage_view *views; ///< list: the stages that are in the tree
};

/** What is known of the audio's way in and out. */
typedef struct fb_audio {
	fb_driver_state driver; ///< as last told
	uint64_t xruns;         ///< since start
	fb_xrun xrun[8];        ///< the last ones, the newest first
} fb_audio;

struct fb_server {
	fb_options options;
	fb_nodes *nodes;
	fb_tree *tree;
	fb_driver *driver;
	fb_audio audio;
	fb_engine *engine;
	fb_channel channel[FB_STATIONS_MAX];
	uint32_t n_channels;
	fb_osc *osc;
	fb_accounts *accounts; ///< what each address takes of the loop
	fb_store *store;
	fb_meters *meters;
	fb_calibration *calibration;
	fb_monitor *monitor;
	fb_scenes *scenes;
	fb_http *http;
	fb_midi *midi;
	fb_ws_hub *ws;
	fb_events *events; ///< list: those who get server-sent events
	fb_pulse *pulse;
	fb_announce *announce; ///< NULL where there is nothing to announce
	fb_tree_watcher watcher;
	fb_tap *taps;          ///< list: those who listen over WebSocket
	uint64_t taps_dropped; ///< of them, those that were too slow
	double started_s;
	double start_ms; ///< JACK's answer (else the program's start) to ready
	bool panic;
	double tell_rows_s;   ///< when to look at them next
	double budgets_s;     ///< likewise
	bool limits_changed;  ///< those of proposals: they have to be kept
	double limits_kept_s; ///< when they were
	uint64_t ticks;       ///< of the loop
	int64_t group_us;     ///< when the group at hand began, Unix time; 0: none is under way
	double group_s;       ///< when the last one began, by fb_now_s()
	char token[256];
};

/* --- clock */
int64_t fb_unix_us(void); ///< Unix time in microseconds

/* --- server.c */
FB_MUST_CHECK fb_status fb_server_start(fb_server *server, fb_error *error);
/** Serve until asked to end. */
void fb_server_run(fb_server *server);
void fb_server_stop(fb_server *server);
/** What has to be done every few milliseconds. Called by the loop. */
void fb_server_tick(fb_server *server);
/** One line on standard error. */
void fb_log(const char *fmt, ...) FB_PRINTF(1, 2);
void fb_log_error(const char *what, const fb_error *error);

/* --- station_tree.c: a station's leaves */
FB_MUST_CHECK fb_status fb_channel_add(fb_channel *channel, fb_error *error);
/** After the patch changed by other ways than a set: leaves come and go, changed values are told.
 */
void fb_channel_sync(fb_channel *channel, const fb_patch *before, const fb_origin *origin);
void fb_channel_remove(fb_channel *channel);
/** Take a patch into force, with undo, as a step of its own; `take` is the channel's on success.
	glide_s: stages that stay glide this long; less than 0.05: as each parameter smooths. */
FB_MUST_CHECK fb_status fb_channel_load(
	fb_channel *channel, fb_patch *take, double glide_s, const fb_origin *origin, fb_error *error);
/** The same as no step of undo: the rest of a change that was one. */
FB_MUST_CHECK fb_status fb_channel_change(
	fb_channel *channel, fb_patch *take, const fb_origin *origin, fb_error *error);
/** Could fb_channel_load() take this patch? Changes nothing. */
FB_MUST_CHECK fb_status fb_channel_check(
	const fb_channel *channel, const fb_patch *patch, fb_error *error);

/* --- leaf_json.c: leaves as JSON */
/** A leaf's value. NULL when out of memory. */
json_t *fb_leaf_to_json(fb_tree *tree, const fb_branch *leaf);
/** A JSON value as one to set; its text is borrowed. */
fb_value fb_leaf_value(const json_t *json);

/* --- station_leaves.c: the leaves that are not of a node */
/** Of leaves that are a switch of the station (fb_switch, as their index). */
extern const fb_leaf_ops fb_switch_ops;
/** The switches of the station, by their bits, that a leaf with this value would move. */
uint32_t fb_channel_switches(const fb_channel *channel, const fb_branch *leaf, const fb_value *fit);
FB_MUST_CHECK fb_status fb_channel_add_own(fb_channel *channel, fb_error *error);
/** Work the scores out of the latest metrics. */
void fb_channel_rate(fb_channel *channel, const fb_origin *origin);

/* --- station_counts.c: how often something went wrong at a station */
FB_MUST_CHECK fb_status fb_channel_add_counts(fb_channel *channel, fb_error *error);
/** Tell of those that have grown. */
void fb_channel_tell_counts(fb_channel *channel, const fb_origin *origin);

/* --- health.c: guard, faults, time */
FB_MUST_CHECK fb_status fb_channel_add_health(fb_channel *channel, fb_error *error);
/** Look for faults and at the guard. Often. */
void fb_channel_watch(fb_channel *channel);
/** Does the station keep its budget? Once a second. */
void fb_channel_watch_budget(fb_channel *channel);

/* --- panic.c */
FB_MUST_CHECK fb_status fb_server_add_switches(fb_server *server, fb_error *error);

/* --- station_rows.c: measurements in one message */
FB_MUST_CHECK fb_status fb_channel_add_rows(fb_channel *channel, fb_error *error);
/** Tell of the row of node meters if any of them has moved. */
void fb_channel_tell_rows(fb_channel *channel, const fb_origin *origin);

/* --- patches.c: the patch as a whole, /station/N/patch */
FB_MUST_CHECK fb_status fb_channel_add_patch(fb_channel *channel, fb_error *error);
/** Load a patch that came as JSON, audited.
	errors: as fb_patch_parse and fb_channel_load */
FB_MUST_CHECK fb_status fb_channel_put(
	fb_channel *channel, const char *text, size_t len, const fb_origin *origin, fb_error *error);
/** Read the station's file again, if it has one. */
void fb_channel_reread(fb_channel *channel);
/** Have it audited that the patch was not changed. */
void fb_channel_refuse(
	fb_channel *channel, const char *what, const fb_origin *origin, const fb_error *error);

/* --- edits.c: /station/N/node/add and its like */
FB_MUST_CHECK fb_status fb_channel_add_edits(fb_channel *channel, fb_error *error);
/** A list of edits as one step, all or nothing: [{"op": "add", "type": "eq", "id": "eq2"}, ...].
	errors: `where` names the edit, "edits[1]" */
FB_MUST_CHECK fb_status fb_channel_edit(
	fb_channel *channel, const json_t *list, const fb_origin *origin, fb_error *error);

/* --- server_leaves.c */
FB_MUST_CHECK fb_status fb_server_add_leaves(fb_server *server, fb_error *error);

/* --- audio.c: the driver, as it comes and goes */
/** All is ready: let audio run. */
FB_MUST_CHECK fb_status fb_audio_start(fb_server *server, fb_error *error);
/** Follow the driver. Called by the loop. */
void fb_audio_service(fb_server *server);
/** Does audio run at this moment? Not while there is no JACK server. */
bool fb_audio_runs(fb_server *server);

/* --- audio_leaves.c */
FB_MUST_CHECK fb_status fb_audio_add_leaves(fb_server *server, fb_error *error);

/* --- audit.c: every accepted and refused set, into the store */
FB_MUST_CHECK fb_status fb_audit_start(fb_server *server, fb_error *error);
/** A row of what happened at an address by itself; origin: "engine", "watchdog". */
void fb_audit_note(fb_server *server, const char *origin, const char *address, const char *what);
/** As fb_store_text. */
void fb_audit_text(char tag, double value, char *text, size_t size);

#endif
