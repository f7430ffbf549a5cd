/* SPDX-License-Identifier: GPL-3.0-or-later */
/** MIDI control: surfaces without OSC move leaves and are moved by them, through the driver's MIDI
	ports. Which controller moves what is learned, and kept as a setting in the store.

	Owner: the control thread
	source: doc/midi.md */
#ifndef FB_MIDI_H
#define FB_MIDI_H

#include "../server.h"
#include "map.h"

typedef struct fb_midi fb_midi;

/** Adds the leaves below /midi and reads the map that was kept.
	errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_midi_create(fb_server *server, fb_midi **out, fb_error *error);
void fb_midi_destroy(fb_midi *midi); ///< NULL is allowed
/** Take what controllers sent, send what they have to show. Every few milliseconds. */
void fb_midi_service(fb_midi *midi);

json_t *fb_midi_to_json(const fb_midi *midi); ///< the map; NULL when out of memory
/** Another map in the place of this one, audited. What it names need not be in the tree yet.
	errors: as fb_midi_map_read; the map stays then */
FB_MUST_CHECK fb_status fb_midi_replace(
	fb_midi *midi, const json_t *map, const fb_origin *origin, fb_error *error);

#endif
