/* SPDX-License-Identifier: GPL-3.0-or-later */
/** MIDI through JACK: one port in, one out, each a ring to or from control. */
#include "midi.h"

#include <jack/midiport.h>

#include <string.h>

enum { EVENTS = 4096 }; /* a DIN cable carries 1000 a second, a busy surface over USB some more */

fb_status fb_jack_midi_init(fb_jack_midi *midi, fb_error *error)
{
	midi->received = fb_ring_create(EVENTS, sizeof(fb_midi_event));
	midi->to_send = fb_ring_create(EVENTS, sizeof(fb_midi_event));
	if (!midi->received || !midi->to_send) {
		fb_jack_midi_finish(midi);
		return fb_fail(error, FB_NO_MEMORY, "midi", "out of memory");
	}
	return FB_OK;
}

void fb_jack_midi_finish(fb_jack_midi *midi)
{
	fb_ring_destroy(midi->received);
	fb_ring_destroy(midi->to_send);
	midi->received = midi->to_send = NULL;
}

void fb_jack_midi_receive(fb_jack_midi *midi, void *buffer, uint64_t start)
{
	uint32_t n = buffer ? jack_midi_get_event_count(buffer) : 0;
	for (uint32_t i = 0; i < n; i++) {
		jack_midi_event_t from;
		fb_midi_event event = {0};
		if (jack_midi_event_get(&from, buffer, i) || from.size < 1 ||
			from.size > sizeof event.bytes) {
			continue; /* system exclusive: nobody here speaks it */
		}
		event.frame = start + from.time;
		event.size = (uint8_t)from.size;
		memcpy(event.bytes, from.buffer, from.size);
		(void)fb_ring_write(midi->received, &event); /* a full ring counts what it loses */
	}
}

void fb_jack_midi_send(fb_jack_midi *midi, void *buffer, uint32_t frames, uint64_t start)
{
	const fb_midi_event *event;
	uint32_t at = 0; /* JACK wants them in order */
	if (!buffer) {
		return;
	}
	jack_midi_clear_buffer(buffer);
	while ((event = fb_ring_peek(midi->to_send)) && event->frame < start + frames) {
		if (event->frame > start + at) {
			at = (uint32_t)(event->frame - start);
		}
		if (jack_midi_event_write(buffer, at, event->bytes, event->size)) {
			return; /* the port is full: the rest goes with the next period */
		}
		fb_ring_drop(midi->to_send);
	}
}
