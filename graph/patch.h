/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A patch: the editable description of a station or a sound. Nodes (stages), how they are
	connected, their parameter values, and what the result is for (goal). JSON on disk, see
	doc/patches.md.

	Owner: the control thread (or whoever made it); plain memory, no part of it is shared. */
#ifndef FB_PATCH_H
#define FB_PATCH_H

#include "loader.h"

#include <jansson.h>

enum {
	FB_STAGES_MAX = 32,
	FB_LINKS_MAX = 128,
	FB_ID_LEN = 32,
	FB_PATCH_IN = -1,  ///< fb_link.from: the station's input
	FB_PATCH_OUT = -2, ///< fb_link.to: the station's output
};

#define FB_WEIGHT_MAX 4.0f /**< of a connection, either sign: 12 dB */

typedef struct fb_stage {
	char id[FB_ID_LEN]; ///< unique in the patch; a symbol
	const fb_node_desc *type;
	float *values; ///< [type->n_params], in range
	bool bypass;
} fb_stage;

typedef struct fb_link {
	int from, to;                ///< stage index, FB_PATCH_IN or FB_PATCH_OUT
	uint32_t from_port, to_port; ///< output port of `from`, input port of `to`
	float weight;                ///< linear, -FB_WEIGHT_MAX..FB_WEIGHT_MAX
} fb_link;

typedef struct fb_patch {
	fb_stage stage[FB_STAGES_MAX];
	uint32_t n_stages;
	fb_link link[FB_LINKS_MAX];
	uint32_t n_links;
	json_t *about; ///< object: name, role, description, tags, version, metadata, goal as read
} fb_patch;

/** An empty patch: in connected to out. NULL when out of memory. */
fb_patch *fb_patch_create(const char *name);
fb_patch *fb_patch_copy(const fb_patch *patch); ///< NULL when out of memory
void fb_patch_destroy(fb_patch *patch);         ///< NULL is allowed

/** Read a patch from JSON text or from a file.
	errors: FB_INVALID or FB_NOT_FOUND with `where` = NAME and the path in it, e.g.
			"speech.json: stages[1].parameters.ratio" */
FB_MUST_CHECK fb_status fb_patch_parse(const char *text, size_t len, const char *name,
	const fb_nodes *nodes, fb_patch **out, fb_error *error);
FB_MUST_CHECK fb_status fb_patch_read(
	const char *file, const fb_nodes *nodes, fb_patch **out, fb_error *error);
/** The whole patch; reading it back gives the same patch. NULL when out of memory. */
json_t *fb_patch_to_json(const fb_patch *patch);

const char *fb_patch_name(const fb_patch *patch);
const json_t *fb_patch_goal(const fb_patch *patch);       ///< NULL if it has none
int fb_patch_find(const fb_patch *patch, const char *id); ///< stage index, -1 if none

/** Insert a stage with default values in front of stage `before` (NULL: at the end of the main
	path): it takes over the connections into the main input of `before`.
	errors: FB_EXISTS (id taken), FB_INVALID (id no symbol or reserved, `before` has no input),
			FB_NOT_FOUND (before), FB_TOO_MANY; the patch is as it was then, here and below */
FB_MUST_CHECK fb_status fb_patch_add(
	fb_patch *patch, const fb_node_desc *type, const char *id, const char *before, fb_error *error);
/** Remove a stage; what fed its main input then feeds what its main output fed. Weights multiply,
	and add up where there was a way between the two already, within FB_WEIGHT_MAX.
	errors: FB_NOT_FOUND, FB_TOO_MANY (connections) */
FB_MUST_CHECK fb_status fb_patch_remove(fb_patch *patch, const char *id, fb_error *error);
/** Take a stage out of the main path and put it in front of another (NULL: at the end). Its other
	ports stay connected.
	errors: FB_NOT_FOUND, FB_TOO_MANY; FB_INVALID if `before` has no input, or naming the loop that
			those other ports would close */
FB_MUST_CHECK fb_status fb_patch_move(
	fb_patch *patch, const char *id, const char *before, fb_error *error);

/** Put a node of another type in a stage's place, with default values; bypass and connections stay.
	errors: FB_NOT_FOUND; FB_INVALID if the type lacks a port that is connected */
FB_MUST_CHECK fb_status fb_patch_replace(
	fb_patch *patch, const char *id, const fb_node_desc *type, fb_error *error);

/** What a name means as the end of a connection: "in" (from) or "out" (to) are the station's own,
	"comp" a stage's main port, "comp:sidechain" another one.
	errors: FB_NOT_FOUND, FB_INVALID (no input); `where` is the name, here and below */
FB_MUST_CHECK fb_status fb_patch_end(const fb_patch *patch, const char *text, bool from, int *stage,
	uint32_t *port, fb_error *error);
/** Connect two ends.
	errors: as fb_patch_end; FB_EXISTS; FB_TOO_MANY; FB_INVALID weight, or naming a loop */
FB_MUST_CHECK fb_status fb_patch_connect(
	fb_patch *patch, const char *from, const char *to, double weight, fb_error *error);
/** errors: as fb_patch_end, FB_NOT_FOUND if they are not connected; here and below */
FB_MUST_CHECK fb_status fb_patch_disconnect(
	fb_patch *patch, const char *from, const char *to, fb_error *error);
/** Change the weight of a connection. errors: FB_INVALID weight */
FB_MUST_CHECK fb_status fb_patch_weigh(
	fb_patch *patch, const char *from, const char *to, double weight, fb_error *error);

/** Order the stages so that each comes after all that feed it. order: [n_stages].
	errors: FB_INVALID naming the loop: "comp > eq > comp" */
FB_MUST_CHECK fb_status fb_patch_order(const fb_patch *patch, uint32_t *order, fb_error *error);

#endif
