/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The address tree: the one spine. Everything a user can see or change is a leaf here; OSC,
	OSCQuery, REST, the pages, presets and the audit are views of it and keep no list of their own.

	Owner: the control thread; every function here is called from it alone.
	source: doc/osc.md for the rules of sets (coercion, clipping, feedback) */
#ifndef FB_TREE_H
#define FB_TREE_H

#include "../graph/scale.h"
#include "../graph/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_tree fb_tree;
typedef struct fb_branch fb_branch; ///< a place in the tree: a container, a leaf, or both

typedef enum fb_leaf_kind {
	FB_LEAF_FLOAT,   ///< wire f
	FB_LEAF_INT,     ///< wire i
	FB_LEAF_BOOL,    ///< wire T or F
	FB_LEAF_CHOICE,  ///< wire s, one of `choices`; a set takes the index too
	FB_LEAF_TEXT,    ///< wire s
	FB_LEAF_FLOATS,  ///< a row of finite floats, read only; wire f for each
	FB_LEAF_COMMAND, ///< does something; wire: `args`
} fb_leaf_kind;

enum { FB_READ = 1, FB_WRITE = 2, FB_READ_WRITE = 3 }; ///< as OSCQuery's ACCESS

/** One OSC value. `s` is borrowed: for the call, or until the next change of that leaf. */
typedef struct fb_value {
	char tag;       ///< 'f' (also for d), 'i' (also for h), 's' (also for S), 'T' or 'F', 'N', 'v'
	uint32_t count; ///< of v
	union {
		double f;
		int64_t i;
		const char *s;
		const float *v; ///< a row of floats; borrowed as s is
	};
} fb_value;

/** Who asks. */
typedef struct fb_origin {
	const char *text;   ///< for the audit: "osc 127.0.0.1:5000", "http 127.0.0.1:41212", "engine"
	const void *client; ///< identity, so that a client does not hear its own set; NULL if none
} fb_origin;

/** What a command answers besides success: values sent back to the asker at the command's address.
 */
typedef struct fb_answer {
	fb_value values[8];
	uint32_t count;
	char text[512];         ///< backing for at most one string among the values
	struct fb_later *later; ///< what goes on after the call, NULL if it is over (later.h)
} fb_answer;

/** How a leaf is read and written. A leaf's owner fills one of these per family of leaves. */
typedef struct fb_leaf_ops {
	/** Current value. Never NaN or infinite. A choice may be given by index or by name, a bool as
		'T'/'F' or 0/1: fb_tree_get() makes it the kind's wire form. */
	void (*get)(void *ctx, uint32_t index, fb_value *value);
	/** Take a value that fits kind, range and choices (choices arrive as 'i', bools as 'T'/'F').
		The tree reads back with get() what was really applied. */
	fb_status (*set)(
		void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error);
	/** Commands. argv fits `args`. */
	fb_status (*call)(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
		const fb_origin *origin, fb_answer *answer, fb_error *error);
	/** false where the value is there but means nothing (a metric of silence); NULL = always valid.
	 */
	bool (*valid)(void *ctx, uint32_t index);
	/** get(), set() and get() of a float, for those that come in floods; NULL = by those three. */
	fb_status (*exchange)(void *ctx, uint32_t index, double value, const fb_origin *origin,
		double *before, double *after, fb_error *error);
} fb_leaf_ops;

/** When a value that is read stands for trouble. */
typedef enum fb_alarm {
	FB_ALARM_NEVER,
	FB_ALARM_WRONG, ///< a switch while it is off, a number when it rises
	FB_ALARM_ON,    ///< a switch while it is on
} fb_alarm;

typedef struct fb_leaf_spec {
	/* what a set needs first: in the tree it shares a cache line */
	fb_leaf_kind kind;
	int access;      ///< FB_READ, FB_WRITE, FB_READ_WRITE
	double min, max; ///< FLOAT and INT
	const fb_leaf_ops *ops;
	void *ctx;
	uint32_t index;
	bool unaudited; ///< a set of it is no event worth a row (a heartbeat)
	bool meter;   ///< changes by itself many times a second: first to be dropped for a slow client
	bool counter; ///< a number that only rises, from 0 at start

	const char *label;          ///< short, distinct among siblings; copied
	const char *unit;           ///< "dB" "Hz" "ms" ... or ""; copied
	const char *doc;            ///< copied
	double def;                 ///< what it begins with: a number, BOOL 0 or 1, CHOICE its index
	fb_scale scale;             ///< FLOAT
	fb_alarm alarm;             ///< does it stand for trouble
	const char *const *choices; ///< CHOICE; strings must outlive the leaf
	uint32_t n_choices;
	const char *args; ///< COMMAND: OSC tags of its arguments, e.g. "ss"; a '?' before a tag:
					  ///< optional from there
} fb_leaf_spec;

fb_tree *fb_tree_create(void); ///< NULL when out of memory
void fb_tree_destroy(fb_tree *tree);

/** Add a leaf at an address; the containers on the way appear by themselves. A continuous
	read-write FLOAT also gets its 0..1 twin at /norm + address, through the same taper.
	errors: FB_EXISTS, FB_INVALID (address not lower case, a space or one of # * , ? [ ] { }),
			FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_tree_add(
	fb_tree *tree, const char *address, const fb_leaf_spec *spec, fb_error *error);
/** Give a container (made if missing) a label and a description. */
FB_MUST_CHECK fb_status fb_tree_describe(
	fb_tree *tree, const char *address, const char *label, const char *doc);
/** Remove a place with everything below it and their twins, and the containers above that this
	leaves empty and undescribed. No-op if there is none. Safe from inside a set or a command. */
void fb_tree_remove(fb_tree *tree, const char *address);

/* --- finding and walking; one hash lookup */
fb_branch *fb_tree_root(const fb_tree *tree);
fb_branch *fb_tree_find(
	const fb_tree *tree, const char *address); ///< NULL if none; "/" is the root
fb_branch *fb_branch_first(
	const fb_branch *branch); ///< first child in order of creation, NULL if none
fb_branch *fb_branch_next(const fb_branch *branch); ///< next sibling, NULL past the last
fb_branch *fb_branch_parent(const fb_branch *branch);
/** The other address of the same value, below /norm or the other way round; NULL if none. */
fb_branch *fb_branch_twin(const fb_branch *leaf);
const char *fb_branch_address(const fb_branch *branch);
const char *fb_branch_name(const fb_branch *branch);         ///< last part of the address
const char *fb_branch_label(const fb_branch *branch);        ///< "" if none
const char *fb_branch_doc(const fb_branch *branch);          ///< "" if none
const fb_leaf_spec *fb_branch_leaf(const fb_branch *branch); ///< NULL for a pure container
uint64_t fb_branch_serial(const fb_branch *branch); ///< from 1; no other place has or had it

typedef bool fb_match_fn(void *ctx, fb_branch *branch); ///< return false to stop
/** Every leaf whose address matches an OSC 1.0 pattern. The work is bounded.
	errors: FB_INVALID (malformed pattern), FB_TOO_MANY (pattern too long or too costly),
			FB_NOT_FOUND (no leaf matched) */
fb_status fb_tree_match(
	fb_tree *tree, const char *pattern, fb_match_fn *found, void *ctx, fb_error *error);

/* --- values */
/** In wire form: a choice as its name ('s'), a bool as 'T' or 'F'; 'N' for a write-only leaf. */
void fb_tree_get(fb_tree *tree, const fb_branch *leaf, fb_value *value);
bool fb_tree_valid(fb_tree *tree, const fb_branch *leaf);

typedef enum fb_range_policy {
	FB_CLIP,   ///< out of range is clipped (OSC: faders overshoot)
	FB_STRICT, ///< out of range is refused (HTTP, presets)
} fb_range_policy;

/** Would this set be accepted? Coerces into `fit` (kind's own tag; choice as 'i'; untouched for a
	command); changes nothing.
	errors: FB_FORBIDDEN, FB_WRONG_TYPE, FB_INVALID (NaN, infinity, range, unknown choice, count) */
FB_MUST_CHECK fb_status fb_tree_check(fb_tree *tree, const fb_branch *leaf, const fb_value *argv,
	uint32_t argc, fb_range_policy policy, fb_value *fit, fb_error *error);

typedef struct fb_set_result {
	fb_value applied; ///< as get() tells it afterwards
	bool adjusted;    ///< what was applied differs from what was sent
	bool changed;     ///< the value differs from before
	fb_answer answer; ///< of a command
} fb_set_result;

/** Set a leaf or run a command: check, apply, audit, tell the listeners. Refusals are audited too.
	Every call is a begin/end group of its own. A twin's set is audited at its leaf's address, in
	real units.
	range: result may be NULL */
FB_MUST_CHECK fb_status fb_tree_set(fb_tree *tree, fb_branch *leaf, const fb_value *argv,
	uint32_t argc, fb_range_policy policy, const fb_origin *origin, fb_set_result *result,
	fb_error *error);

/** The owner of a leaf says that its value changed by itself (a meter, an undo, a scene). */
void fb_tree_touch(fb_tree *tree, fb_branch *leaf, const fb_origin *origin);

/** Have it audited what happened at a leaf by other ways than fb_tree_set(): a document over HTTP,
	a value that a node refused later. before, after and error are as fb_tree_watcher has them. */
void fb_tree_record(fb_tree *tree, const fb_branch *leaf, const fb_value *before,
	const fb_value *after, const fb_origin *origin, const fb_error *error);

/** Sets between begin and end take effect in one tick of the audio. Nests. */
void fb_tree_begin(fb_tree *tree);
void fb_tree_end(fb_tree *tree);

/* --- watching */
typedef enum fb_outcome { FB_ACCEPTED, FB_REFUSED } fb_outcome;

/** Told of what happens to the tree; any member may be NULL. */
typedef struct fb_tree_watcher {
	void *ctx;
	/** A value changed: by a set (origin says whose) or by itself. Told once, of the leaf that was
		set; the same value stands at its twin. */
	void (*changed)(void *ctx, fb_branch *leaf, const fb_origin *origin);
	void (*added)(void *ctx, fb_branch *branch); ///< each new place, containers first
	/** Each place that goes, the topmost first: still there, gone after the call. */
	void (*removing)(void *ctx, fb_branch *branch);
	/** A set or command was accepted or refused. `before` and `after` have tag 'N' where there is
		no such value; `after` is, of a refused set, what was asked for, and of a command its
		arguments, as text. error is NULL unless refused. */
	void (*audit)(void *ctx, const fb_branch *leaf, const char *address, const fb_value *before,
		const fb_value *after, const fb_origin *origin, fb_outcome outcome, const fb_error *error);
	void (*begin)(void *ctx); ///< outermost fb_tree_begin
	void (*end)(void *ctx);   ///< outermost fb_tree_end
} fb_tree_watcher;

/** The watcher is borrowed until fb_tree_unwatch. */
FB_MUST_CHECK fb_status fb_tree_watch(fb_tree *tree, const fb_tree_watcher *watcher);
void fb_tree_unwatch(fb_tree *tree, const fb_tree_watcher *watcher);

/** Refuse a set before it comes to the tree (its asker has no right to it), so that the refusal is
	audited like any other. Returns `status`. */
fb_status fb_tree_refuse(fb_tree *tree, const char *address, const fb_origin *origin,
	fb_status status, const char *text, fb_error *error);
/** A set of an unknown address, so that the refusal is audited like any other. Always fails. */
fb_status fb_tree_refuse_unknown(
	fb_tree *tree, const char *address, const fb_origin *origin, fb_error *error);

#endif
