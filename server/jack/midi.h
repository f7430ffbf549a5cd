/* SPDX-License-Identifier: GPL-3.0-or-later */
/** MIDI through JACK: one port in, one out, each a ring to or from control. */
#ifndef FB_JACK_MIDI_H
#define FB_JACK_MIDI_H

#include "../driver.h"

#include "../../graph/ring.h"

typedef struct fb_jack_midi {
	fb_ring *received; ///< of fb_midi_event; audio writes, control reads
	fb_ring *to_send;  ///< of fb_midi_event; control writes, audio reads
} fb_jack_midi;

/** thread: control
	errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_jack_midi_init(fb_jack_midi *midi, fb_error *error);
void fb_jack_midi_finish(fb_jack_midi *midi); ///< thread: control, audio has stopped

/** A period that starts at engine frame `start`; `buffer` is the port's. thread: audio; rt: yes */
void fb_jack_midi_receive(fb_jack_midi *midi, void *buffer, uint64_t start);
void fb_jack_midi_send(fb_jack_midi *midi, void *buffer, uint32_t frames, uint64_t start);

#endif
