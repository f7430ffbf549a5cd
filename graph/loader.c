/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TYPES_PER_FILE_MAX = 256, PATH_LEN = 1024 };

typedef struct loaded {
	const fb_node_desc *desc;
	char file[PATH_LEN];
} loaded;

struct fb_nodes {
	loaded *type;
	size_t n_types;
	void **library;
	size_t n_libraries;
};

size_t fb_nodes_count(const fb_nodes *nodes)
{
	return nodes->n_types;
}

const fb_node_desc *fb_nodes_at(const fb_nodes *nodes, size_t index)
{
	return nodes->type[index].desc;
}

const char *fb_nodes_file(const fb_nodes *nodes, size_t index)
{
	return nodes->type[index].file;
}

const fb_node_desc *fb_nodes_find(const fb_nodes *nodes, const char *id)
{
	for (size_t i = 0; i < nodes->n_types; i++) {
		if (!strcmp(nodes->type[i].desc->id, id)) {
			return nodes->type[i].desc;
		}
	}
	return NULL;
}

static bool keep_type(fb_nodes *nodes, const fb_node_desc *desc, const char *file)
{
	loaded *grown = realloc(nodes->type, (nodes->n_types + 1) * sizeof *grown);
	if (!grown) {
		return false;
	}
	nodes->type = grown;
	loaded *type = &grown[nodes->n_types++];
	type->desc = desc;
	snprintf(type->file, sizeof type->file, "%s", file);
	return true;
}

/** Take every sound type of an open library that is new. *n: how many it has, sound or not.
	errors: FB_NO_MEMORY */
static fb_status take_types(fb_nodes *nodes, fb_node_entry_fn *entry, const char *file,
	void (*warn)(const fb_error *why), uint32_t *n, fb_error *error)
{
	const fb_node_desc *desc;
	for (*n = 0; *n < TYPES_PER_FILE_MAX && (desc = entry(*n)); ++*n) {
		fb_error why;
		if (fb_node_check(desc, file, &why)) {
			if (warn) {
				warn(&why);
			}
		} else if (!fb_nodes_find(nodes, desc->id) && !keep_type(nodes, desc, file)) {
			return fb_fail(error, FB_NO_MEMORY, file, "out of memory");
		}
	}
	return FB_OK;
}

/** Load one shared object; it stays open if any type of it was taken. */
static fb_status load_file(
	fb_nodes *nodes, const char *file, void (*warn)(const fb_error *why), fb_error *error)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		return fb_fail(error, FB_INVALID, file, "cannot be loaded: %s", dlerror());
	}
	fb_node_entry_fn *entry;
	*(void **)&entry = dlsym(library, "fb_node_entry");
	size_t before = nodes->n_types;
	uint32_t n = 0;
	void **grown = realloc(nodes->library, (nodes->n_libraries + 1) * sizeof *grown);
	nodes->library = grown ? grown : nodes->library;
	fb_status status = grown ? FB_OK : fb_fail(error, FB_NO_MEMORY, file, "out of memory");
	if (!status && !entry) {
		status = fb_fail(error, FB_INVALID, file, "is no node: it does not export fb_node_entry");
	}
	if (!status) {
		status = take_types(nodes, entry, file, warn, &n, error);
	}
	if (!status && !n) {
		status = fb_fail(error, FB_INVALID, file, "is no node: it holds no type");
	}
	if (status || nodes->n_types == before) {
		nodes->n_types = before;
		dlclose(library);
		return status;
	}
	nodes->library[nodes->n_libraries++] = library;
	return FB_OK;
}

static int is_shared_object(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return len > 3 && !strcmp(entry->d_name + len - 3, ".so");
}

static fb_status load_folder(
	fb_nodes *nodes, const char *folder, void (*warn)(const fb_error *why), fb_error *error)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_shared_object, alphasort);
	if (n < 0 && errno == ENOENT) {
		return fb_fail(error, FB_NOT_FOUND, folder, "no such node folder");
	}
	if (n < 0 && errno == ENOMEM) {
		return fb_fail(error, FB_NO_MEMORY, folder, "out of memory");
	}
	if (n < 0) {
		return fb_fail(error, FB_IO, folder, "cannot be read: %s", strerror(errno));
	}
	fb_status whole = FB_OK;
	for (int i = 0; i < n; i++) {
		char file[PATH_LEN];
		fb_error why;
		int len = snprintf(file, sizeof file, "%s/%s", folder, names[i]->d_name);
		fb_status status = len < (int)sizeof file
							   ? load_file(nodes, file, warn, &why)
							   : fb_fail(&why, FB_INVALID, file, "its path is too long");
		if (status == FB_NO_MEMORY && !whole) {
			whole = status;
			*error = why;
		} else if (status && warn) {
			warn(&why);
		}
		free(names[i]);
	}
	free(names);
	return whole;
}

/** `nodes` beside the running program if it exists (a build tree), else where it is installed. */
static void default_folder(char *folder, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", folder, size - 1);
	if (len > 0) {
		folder[len] = '\0';
		char *slash = strrchr(folder, '/');
		if (slash && (size_t)(slash - folder) + sizeof "/nodes" < size) {
			memcpy(slash, "/nodes", sizeof "/nodes");
			if (!access(folder, R_OK | X_OK)) {
				return;
			}
		}
	}
	snprintf(folder, size, "%s", FB_NODE_DIR);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const loaded *)a)->desc->id, ((const loaded *)b)->desc->id);
}

fb_status fb_nodes_open(
	const char *path, void (*warn)(const fb_error *why), fb_nodes **out, fb_error *error)
{
	char folder[PATH_LEN];
	if (!path) {
		path = getenv("FOLDBACK_NODE_PATH");
	}
	if (!path || !*path) {
		default_folder(folder, sizeof folder);
		path = folder;
	}
	char *list = strdup(path);
	fb_nodes *nodes = calloc(1, sizeof *nodes);
	fb_status status = list && nodes ? FB_OK : fb_fail(error, FB_NO_MEMORY, path, "out of memory");
	char *rest = NULL;
	for (char *part = list ? strtok_r(list, ":", &rest) : NULL; part && !status;
		 part = strtok_r(NULL, ":", &rest)) {
		status = load_folder(nodes, part, warn, error);
	}
	if (!status && !nodes->n_types) {
		status = fb_fail(error, FB_NOT_FOUND, path, "no usable node found");
	}
	free(list);
	if (status) {
		fb_nodes_close(nodes);
		return status;
	}
	qsort(nodes->type, nodes->n_types, sizeof *nodes->type, by_id);
	*out = nodes;
	return FB_OK;
}

void fb_nodes_close(fb_nodes *nodes)
{
	if (!nodes) {
		return;
	}
#ifndef FB_SANITIZED /* LeakSanitizer would call lost what a library keeps for good: FFTW's plans */
	for (size_t i = 0; i < nodes->n_libraries; i++) {
		dlclose(nodes->library[i]);
	}
#endif
	free(nodes->library);
	free(nodes->type);
	free(nodes);
}
