/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding places by their addresses: a hash. thread: control */
#include "tree_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_START = 1024 };

/** The words are multiplied side by side: none waits for the one before. */
static uint32_t hash_of(const char *address, size_t length)
{
	uint64_t h = length, odd = 0xD6E8FEB86659FD93u, word;
	for (; length >= sizeof word; address += sizeof word, length -= sizeof word) {
		memcpy(&word, address, sizeof word);
		h += word * odd;
		odd += 2 * 0x9E3779B97F4A7C15u;
	}
	if (length) {
		word = 0;
		memcpy(&word, address, length);
		h += word * odd;
	}
	h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
	return (uint32_t)(h >> 32);
}

static fb_slot *slot_for(const fb_tree *tree, const char *address, size_t length, uint32_t hash)
{
	uint32_t mask = tree->n_slots - 1;
	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		fb_slot *slot = &tree->slots[i];
		if (!slot->branch || (slot->hash == hash && slot->length == length &&
								 memcmp(slot->branch->address, address, length) == 0)) {
			return slot;
		}
	}
}

bool fb_tree_reserve(fb_tree *tree)
{
	uint32_t n = tree->n_slots ? tree->n_slots : SLOTS_AT_START;
	while (n / 2 < tree->used + 1) {
		n *= 2;
	}
	if (n == tree->n_slots) {
		return true;
	}
	fb_slot *slots = calloc(n, sizeof *slots);
	if (!slots) {
		return false;
	}
	for (uint32_t i = 0; i < tree->n_slots; i++) {
		uint32_t at = tree->slots[i].hash & (n - 1);
		while (tree->slots[i].branch && slots[at].branch) {
			at = (at + 1) & (n - 1);
		}
		if (tree->slots[i].branch) {
			slots[at] = tree->slots[i];
		}
	}
	free(tree->slots);
	tree->slots = slots;
	tree->n_slots = n;
	return true;
}

void fb_tree_enter(fb_tree *tree, fb_branch *branch)
{
	branch->hash = hash_of(branch->address, branch->length);
	fb_slot *slot = slot_for(tree, branch->address, branch->length, branch->hash);
	*slot = (fb_slot){.hash = branch->hash, .length = branch->length, .branch = branch};
	tree->used++;
}

void fb_tree_strike(fb_tree *tree, const fb_branch *branch)
{
	uint32_t mask = tree->n_slots - 1;
	fb_slot *slot = slot_for(tree, branch->address, branch->length, branch->hash);
	assert(slot->branch == branch);
	uint32_t hole = (uint32_t)(slot - tree->slots);
	/* close the gap: later entries of the same run move up unless they sit before their home */
	for (uint32_t i = (hole + 1) & mask; tree->slots[i].branch; i = (i + 1) & mask) {
		uint32_t home = tree->slots[i].hash & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			tree->slots[hole] = tree->slots[i];
			hole = i;
		}
	}
	tree->slots[hole].branch = NULL;
	tree->used--;
}

fb_branch *fb_tree_find_n(const fb_tree *tree, const char *address, size_t length)
{
	if (length > FB_ADDRESS_MAX) {
		return NULL;
	}
	return slot_for(tree, address, length, hash_of(address, length))->branch;
}

fb_branch *fb_tree_find(const fb_tree *tree, const char *address)
{
	return fb_tree_find_n(tree, address, strlen(address));
}

void fb_tree_find_all(const fb_tree *tree, fb_wanted *wanted, uint32_t count)
{
	uint32_t mask = tree->n_slots - 1;
	for (uint32_t i = 0; i < count; i++) {
		wanted[i].hash = hash_of(wanted[i].address, wanted[i].length);
		__builtin_prefetch(&tree->slots[wanted[i].hash & mask]);
	}
	for (uint32_t i = 0; i < count; i++) {
		const fb_branch *guess = tree->slots[wanted[i].hash & mask].branch;
		if (guess) {
			__builtin_prefetch(guess);
			__builtin_prefetch(guess->address);
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		fb_wanted *w = &wanted[i];
		bool can_be = w->length && w->length <= FB_ADDRESS_MAX;
		w->found = can_be ? slot_for(tree, w->address, w->length, w->hash)->branch : NULL;
	}
}
