/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Finds and checks the node types: every shared object in the folders of a node path.

	A type is taken only if its metadata is sound (symbols, ranges, sizes, ABI), so that the rest of
	foldback can trust it. Owner: the control thread; read-only, so shared freely, once open. */
#ifndef FB_LOADER_H
#define FB_LOADER_H

#include "node.h"
#include "status.h"

typedef struct fb_nodes fb_nodes;

/** Load all types of the folders in `path` (separated by ':', first come wins). NULL: the default,
	which is $FOLDBACK_NODE_PATH, else `nodes` beside the running program, else the installed
	folder. A file or a type that cannot be used is skipped and told to `warn` (may be NULL).
	errors: FB_NOT_FOUND if a folder does not exist or no type was found at all; FB_IO if a folder
			cannot be read; FB_NO_MEMORY, never half a set of types for want of it */
FB_MUST_CHECK fb_status fb_nodes_open(
	const char *path, void (*warn)(const fb_error *why), fb_nodes **out, fb_error *error);
/** Unloads the shared objects: no instance may be left. NULL is allowed. */
void fb_nodes_close(fb_nodes *nodes);

size_t fb_nodes_count(const fb_nodes *nodes);
const fb_node_desc *fb_nodes_at(const fb_nodes *nodes, size_t index);     ///< sorted by id
const fb_node_desc *fb_nodes_find(const fb_nodes *nodes, const char *id); ///< NULL if unknown
/** Which file a type came from. */
const char *fb_nodes_file(const fb_nodes *nodes, size_t index);

/** Index of a parameter or meter by symbol, -1 if there is none. */
int fb_node_param(const fb_node_desc *desc, const char *symbol);
int fb_node_meter(const fb_node_desc *desc, const char *symbol);
/** Index of an input (output) port by symbol, -1 if there is none. */
int fb_node_input(const fb_node_desc *desc, const char *symbol);
int fb_node_output(const fb_node_desc *desc, const char *symbol);
uint32_t fb_port_channels(const fb_port_info *ports, uint32_t n); ///< sum over the ports

/** Is this a symbol: [a-z][a-z0-9_]*, at most 31 characters? */
bool fb_is_symbol(const char *text);

/** Check one type's metadata. errors: FB_INVALID naming the part */
FB_MUST_CHECK fb_status fb_node_check(const fb_node_desc *desc, const char *file, fb_error *error);

#endif
