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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

bool fb_osc_is_bundle(const void *data, size_t size);
uint64_t fb_osc_bundle_time(const void *data); ///< of a bundle: its NTP timetag, 1 = now

/** The elements of a bundle that passed fb_osc_check(), one by one: *at starts as 0. */
bool fb_osc_bundle_next(
	const void *data, size_t size, size_t *at, const void **element, size_t *element_size);

/** Look a whole packet over: every message decodes, every size fits, nesting is in bounds.
	errors: as fb_osc_decode */
FB_MUST_CHECK fb_status fb_osc_check(const void *data, size_t size, fb_error *error);

/** Write a message. Tags f i s T F N, and v as an f for each; an i beyond 32 bits goes out as h.
	errors: 0 if it does not fit */
size_t fb_osc_encode(
	void *out, size_t size, const char *address, const fb_value *argv, uint32_t argc);

enum { FB_OSC_BUNDLE_HEAD = 16, FB_OSC_ELEMENT_HEAD = 4 };
void fb_osc_encode_bundle_head(void *out, uint64_t time); ///< FB_OSC_BUNDLE_HEAD bytes
void fb_osc_encode_size(void *out, uint32_t size);        ///< FB_OSC_ELEMENT_HEAD bytes

#endif
