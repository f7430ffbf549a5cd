/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Which MIDI controller moves which leaf: bindings, what a message means to one, and what goes
	back to a motor fader. Knows neither the tree nor JACK.

	thread: control
	source: MIDI 1.0 detailed specification: control changes, 14 bit pairs (n, n + 32), pitch bend;
			the relative modes of surfaces: two's complement, binary offset, sign and magnitude */
#ifndef FB_MIDI_MAP_H
#define FB_MIDI_MAP_H

#include "../../graph/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { FB_MIDI_ADDRESS = 256, FB_MIDI_BINDINGS = 1024, FB_MIDI_MESSAGES = 2 };

typedef enum fb_midi_kind {
	FB_MIDI_CC,   ///< control change, 7 bit
	FB_MIDI_CC14, ///< a pair of control changes: `number` (0..31) and `number` + 32
	FB_MIDI_BEND, ///< pitch bend, 14 bit: motor faders
	FB_MIDI_NOTE, ///< a button
	FB_MIDI_KINDS
} fb_midi_kind;

typedef enum fb_midi_mode {
	FB_MIDI_ABSOLUTE,  ///< where the controller stands
	FB_MIDI_TWOS,      ///< relative: 1.. up, 127.. down
	FB_MIDI_OFFSET,    ///< relative: 65.. up, 63.. down
	FB_MIDI_SIGN,      ///< relative: 1.. up, 65.. down
	FB_MIDI_TOGGLE,    ///< a press turns it over
	FB_MIDI_MOMENTARY, ///< on while it is held
	FB_MIDI_MODES
} fb_midi_mode;

typedef struct fb_midi_binding {
	char address[FB_MIDI_ADDRESS]; ///< of the leaf
	fb_midi_kind kind;
	fb_midi_mode mode;
	uint8_t channel; ///< 1..16
	uint8_t number;  ///< of the controller or note; 0 of a pitch bend
	bool pickup;     ///< soft takeover: ABSOLUTE moves nothing until it has met the value
	bool feedback;   ///< the value is sent back
	/* as it stands now */
	int coarse;       ///< CC14: the upper 7 bits, -1 before the first
	bool fine_seen;   ///< CC14: it sends both halves, so the upper one alone means nothing yet
	bool known;       ///< `last` is where the controller stands
	bool met;         ///< pickup: it holds the value
	double last;      ///< position, 0..1
	int sent;         ///< the last feedback, -1 for none; not sent twice
	int64_t moved_us; ///< by its controller
	bool due;         ///< feedback waits
} fb_midi_binding;

typedef struct fb_midi_map {
	fb_midi_binding *binding;
	uint32_t count;
} fb_midi_map;

void fb_midi_map_finish(fb_midi_map *map);

/** Read a whole map: {"bindings": [{"address", "type", "channel", "number", "mode", "pickup",
	"feedback"}]}. A controller moves one leaf.
	errors: FB_INVALID with `where` such as "bindings[2].channel", FB_EXISTS (a controller twice),
			FB_TOO_MANY, FB_NO_MEMORY; *out is then as it was */
FB_MUST_CHECK fb_status fb_midi_map_read(const json_t *json, fb_midi_map *out, fb_error *error);
json_t *fb_midi_map_json(const fb_midi_map *map); ///< NULL when out of memory

/** Take a binding in; one of the same leaf or the same controller makes room for it.
	errors: FB_TOO_MANY, FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_midi_map_put(
	fb_midi_map *map, const fb_midi_binding *binding, fb_error *error);
/** Remove the bindings of a leaf, all if it is NULL. How many there were. */
uint32_t fb_midi_map_forget(fb_midi_map *map, const char *address);

const char *fb_midi_mode_name(fb_midi_mode mode);
const char *fb_midi_kind_name(fb_midi_kind kind);
/** FB_MIDI_MODES if there is none of that name. */
fb_midi_mode fb_midi_mode_of(const char *name);

/* --- messages */

/** What a message asks of a binding. */
typedef struct fb_midi_move {
	enum { FB_MIDI_NOTHING, FB_MIDI_POSITION, FB_MIDI_STEPS, FB_MIDI_PRESS, FB_MIDI_RELEASE } what;
	double position; ///< 0..1
	int steps;       ///< up is positive
} fb_midi_move;

/** Is the message of this binding's controller, and what does it ask? Keeps the binding's state. */
fb_midi_move fb_midi_take(fb_midi_binding *binding, const uint8_t *bytes, uint8_t size);

/** The controller that a message is of, for learning: kind, channel and number. False for what is
	no controller, and for a button let go. */
bool fb_midi_learn(fb_midi_binding *binding, const uint8_t *bytes, uint8_t size);
/** The second half of a pair, `first` having been learned from the first? Then it is CC14. */
bool fb_midi_is_pair(const fb_midi_binding *first, const uint8_t *bytes, uint8_t size);

/** Soft takeover: may a controller at `position` move a value that stands at `now`? From the moment
	it has met or passed the value. Keeps the binding's state. */
bool fb_midi_meets(fb_midi_binding *binding, double position, double now);

/** What to send so that the controller stands at a position. Returns how many messages, 0 if it is
	there already. out: [FB_MIDI_MESSAGES][3] */
uint32_t fb_midi_feedback(
	fb_midi_binding *binding, double position, uint8_t out[FB_MIDI_MESSAGES][3]);

#endif
