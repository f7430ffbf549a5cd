/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The server as a session needs it: one station's tree, auditions on its shadow, its proposal. */
#ifndef FB_LINK_H
#define FB_LINK_H

#include "../../graph/status.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct fb_link fb_link;

typedef struct fb_link_options {
	const char *host;
	int osc_port, http_port;
	bool osc_only;     ///< read the tree by OSC, not by HTTP; what is heard and stored goes by HTTP
	const char *token; ///< NULL: none
	int station;
	const char *session; ///< every run is stored under it
	/** Called often while the server works; false gives the request up. */
	bool (*go_on)(void *ctx);
	void *ctx;
} fb_link_options;

FB_MUST_CHECK fb_status fb_link_open(
	const fb_link_options *options, fb_link **out, fb_error *error);
void fb_link_close(fb_link *link); ///< NULL is allowed
void fb_link_set_station(fb_link *link, int station);

/* Every call fails with FB_UNAVAILABLE when no server answers and FB_IO when it goes in the middle
   or the request was given up; else with what the server says. */

/** The station's part of the tree.
	owns:   gives *out
	errors: FB_NOT_FOUND there is no such station */
FB_MUST_CHECK fb_status fb_link_tree(fb_link *link, json_t **out, fb_error *error);

/** Capture (or read) the source, measure the station as it is, and keep source and settings: all
	that follows is heard on this source and differs from these settings by what is given alone,
	whatever people turn meanwhile.
	range: settings: {"node.param": value} instead of the station's present ones; NULL: those
	owns:  gives *report, with its audio if asked to; borrows source and settings */
FB_MUST_CHECK fb_status fb_link_begin(fb_link *link, const json_t *source, const json_t *settings,
	bool audio, double seconds, json_t **report, fb_error *error);

/** Audition parameter sets, each the changes against the settings at the beginning.
	owns: gives *results, a list in the same order; borrows `changes` */
FB_MUST_CHECK fb_status fb_link_audition(
	fb_link *link, const json_t *changes, json_t **results, fb_error *error);

/** One more run of the winner, stored with its audio, that can be offered. owns: gives *report */
FB_MUST_CHECK fb_status fb_link_final(
	fb_link *link, const json_t *changes, const char *notes, json_t **report, fb_error *error);

/** Offer a run as the station's proposal; accept what is offered. */
FB_MUST_CHECK fb_status fb_link_offer(fb_link *link, const char *run_id, fb_error *error);
FB_MUST_CHECK fb_status fb_link_accept(fb_link *link, fb_error *error);

/** What the station is set to now, {"node.param": value}. owns: gives *out */
FB_MUST_CHECK fb_status fb_link_settings(fb_link *link, json_t **out, fb_error *error);
/** Those it had at the beginning. Borrowed. */
const json_t *fb_link_start(const fb_link *link);

/** Store the session's document. */
FB_MUST_CHECK fb_status fb_link_store(fb_link *link, const json_t *document, fb_error *error);
/** Find that of an earlier one. owns: gives *out. errors: FB_NOT_FOUND */
FB_MUST_CHECK fb_status fb_link_find(
	fb_link *link, const char *session, json_t **out, fb_error *error);
/** How many stations the server has. */
FB_MUST_CHECK fb_status fb_link_stations(fb_link *link, int *count, fb_error *error);

#endif
