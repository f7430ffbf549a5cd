/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The inside of MIDI control: midi.c (the map in force, learning, the ports), move.c (what a
	controller does to a leaf, and a leaf's position), leaves.c (/midi). Nobody else includes it. */
#ifndef FB_MIDI_PARTS_H
#define FB_MIDI_PARTS_H

#include "midi.h"

struct fb_midi {
	fb_server *server;
	fb_midi_map map;
	fb_branch *leaf[FB_MIDI_BINDINGS]; ///< of each binding; NULL: not in the tree now
	fb_tree_watcher watcher;
	const fb_midi_binding *moving; ///< the one whose message is being applied
	/* learning */
	char learning[FB_MIDI_ADDRESS]; ///< "" if nothing is
	fb_midi_binding lesson;         ///< mode and pickup as asked for
	bool half;                      ///< a controller has moved that may be half of a pair
	int64_t half_until_us;
	/* what /midi tells */
	uint64_t received, sent, refused;
	char last[64];
	char *text;   ///< the map as JSON; owned
	bool pickup;  ///< of what is learned from now on
	bool running; ///< the driver did, when looked at last
};

int64_t fb_midi_now_us(void);

/* --- midi.c */
FB_MUST_CHECK fb_status fb_midi_start_learning(
	fb_midi *midi, const char *address, const char *mode, fb_error *error);
void fb_midi_stop_learning(fb_midi *midi);
uint32_t fb_midi_forget(fb_midi *midi, const char *address); ///< NULL: all. How many
void fb_midi_refresh(fb_midi *midi); ///< send the position of everything again

/* --- move.c */
/** May a controller move this leaf? errors: FB_FORBIDDEN (read only), FB_WRONG_TYPE */
FB_MUST_CHECK fb_status fb_midi_movable(const fb_branch *leaf, fb_error *error);
/** Where a leaf stands, 0..1 along its taper. */
double fb_midi_position_of(fb_tree *tree, const fb_branch *leaf);
/** Do what a move asks. */
FB_MUST_CHECK fb_status fb_midi_apply(fb_tree *tree, fb_branch *leaf, fb_midi_binding *binding,
	const fb_midi_move *move, const fb_origin *origin, fb_error *error);

/* --- leaves.c */
FB_MUST_CHECK fb_status fb_midi_add_leaves(fb_midi *midi, fb_error *error);

#endif
