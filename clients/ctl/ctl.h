/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback: one command for people and scripts. What its sub-commands share. */
#ifndef FB_CTL_H
#define FB_CTL_H

#include "../common/args.h"

#include <jansson.h>
#include <stdbool.h>

enum { FB_EXIT_OK = 0, FB_EXIT_FAILED = 1, FB_EXIT_USAGE = 2 };

/** Options that every sub-command takes. */
typedef struct fb_ctl {
	bool json, help, version;
	const char *host;
	long osc_port, http_port;
	const char *token_file;
} fb_ctl;

typedef struct fb_command {
	const char *name;  ///< one word or two: "patch check"
	const char *words; ///< its words as usage shows them
	const char *doc;   ///< a line
	const char *more;  ///< the rest of its help, NULL if none
	int least, most;   ///< how many words it takes
	bool online;       ///< talks to a server
	const fb_arg *args;
	/** Returns the exit status. */
	int (*run)(const fb_ctl *ctl, int count, char **words);
} fb_command;

extern const fb_command fb_cmd_nodes, fb_cmd_metrics, fb_cmd_patch_check, fb_cmd_patch_show,
	fb_cmd_render, fb_cmd_analyze, fb_cmd_ls, fb_cmd_get, fb_cmd_set, fb_cmd_watch, fb_cmd_run,
	fb_cmd_runs, fb_cmd_run_show, fb_cmd_rate, fb_cmd_snapshot, fb_cmd_verify, fb_cmd_audit,
	fb_cmd_scene_save, fb_cmd_scene_load, fb_cmd_scene_list, fb_cmd_scene_show, fb_cmd_scene_put,
	fb_cmd_scene_rename, fb_cmd_scene_delete, fb_cmd_scene_safe, fb_cmd_layout, fb_cmd_midi_list,
	fb_cmd_midi_learn, fb_cmd_midi_forget, fb_cmd_midi_import, fb_cmd_midi_export;

/* --- errors and output */

/** Tell an error on standard error. Returns FB_EXIT_FAILED. */
int fb_say_error(const fb_error *error);
/** Bad usage found by a command itself. Returns FB_EXIT_USAGE. */
int fb_say_usage(const fb_command *command, const char *fmt, ...) FB_PRINTF(2, 3);
/** A remark on standard error. */
void fb_say(const char *fmt, ...) FB_PRINTF(1, 2);

/** Print JSON with a line end and free it. Returns FB_EXIT_OK; FB_EXIT_FAILED if it is NULL (out
	of memory). */
int fb_print_json(json_t *take);
/** Print text in lines of at most 96 columns, each behind `indent` spaces. */
void fb_print_wrapped(const char *text, int indent);
/** A number in as few digits as tell floats of `digits` decimal digits apart. */
const char *fb_number_text(double value, char text[32]);
/** The number a person wrote for a float: 0.1 and not 0.100000001490116. */
json_t *fb_number_json(double value);

#endif
