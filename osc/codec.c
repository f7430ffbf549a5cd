/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "codec.h"

#include <string.h>

static const char bundle_head[8] = "#bundle";

static fb_status malformed(fb_error *error, const char *text)
{
	fb_fail(error, FB_INVALID, "", "malformed OSC packet: %s", text);
	return FB_INVALID;
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return be64toh(word);
}

/** Size of the padded string at the start of `data`, 0 if it does not end within. */
static size_t string_size(const unsigned char *data, size_t size)
{
	const unsigned char *end = memchr(data, '\0', size);
	size_t n = end ? ((size_t)(end - data) / 4 + 1) * 4 : 0;
	return n <= size ? n : 0;
}

/** One argument at `data`. Returns its size, or more than `size` when it does not fit. */
static size_t decode_arg(char tag, const unsigned char *data, size_t size, fb_value *value)
{
	uint32_t word = size >= 4 ? fb_osc_word(data) : 0;
	value->tag = tag;
	switch (tag) {
	case 'f': {
		float f;
		memcpy(&f, &word, sizeof f);
		value->f = (double)f;
		return 4;
	}
	case 'i':
		value->i = (int32_t)word;
		return 4;
	case 'd': {
		uint64_t bits = size >= 8 ? get64(data) : 0;
		memcpy(&value->f, &bits, sizeof value->f);
		value->tag = 'f';
		return 8;
	}
	case 'h':
		value->i = size >= 8 ? (int64_t)get64(data) : 0;
		value->tag = 'i';
		return 8;
	case 's':
	case 'S': {
		size_t n = string_size(data, size);
		value->s = (const char *)data;
		value->tag = 's';
		return n ? n : size + 1;
	}
	case 'b':
		return word <= size ? 4 + ((size_t)word + 3) / 4 * 4 : size + 1;
	case 't':
		return 8;
	case 'c':
	case 'm':
	case 'r':
		return 4;
	case 'I':
		value->tag = 'N';
		return 0;
	case 'T':
	case 'F':
	case 'N':
	case '[':
	case ']':
		return 0;
	default:
		return size + 1;
	}
}

static inline fb_status read_head(
	const void *data, size_t size, fb_osc_reader *reader, fb_error *error)
{
	const unsigned char *at = data, *end = at + size;
	size_t n = size % 4 == 0 ? string_size(at, size) : 0;
	if (!n || at[0] != '/') {
		return malformed(error, "no address");
	}
	*reader = (fb_osc_reader){.address = data, .tags = "", .tag = "", .at = at + n, .end = end};
	at += n;
	if (at == end) {
		return FB_OK;
	}
	n = string_size(at, (size_t)(end - at));
	if (!n || at[0] != ',') {
		return malformed(error, "no type tags");
	}
	reader->tags = (const char *)at;
	reader->tag = reader->tags + 1;
	reader->at += n;
	return FB_OK;
}

static inline bool read_arg(fb_osc_reader *reader, fb_value *value)
{
	size_t left = (size_t)(reader->end - reader->at);
	if (!*reader->tag) {
		reader->malformed = left > 0;
		return false;
	}
	size_t n = decode_arg(*reader->tag, reader->at, left, value);
	if (n > left) {
		reader->malformed = true;
		return false;
	}
	reader->tag++;
	reader->at += n;
	return true;
}

fb_status fb_osc_read(const void *data, size_t size, fb_osc_reader *reader, fb_error *error)
{
	return read_head(data, size, reader, error);
}

bool fb_osc_read_arg(fb_osc_reader *reader, fb_value *value)
{
	return read_arg(reader, value);
}

fb_status fb_osc_decode(const void *data, size_t size, fb_osc_message *message, fb_error *error)
{
	fb_osc_reader reader = {0};
	fb_value value;
	fb_status status = read_head(data, size, &reader, error);
	if (status) {
		return status;
	}
	message->address = reader.address;
	message->tags = reader.tags;
	message->argc = 0;
	while (read_arg(&reader, &value)) {
		if (message->argc == FB_OSC_ARGS_MAX) {
			return fb_fail(error, FB_TOO_LARGE, message->address, "too many arguments");
		}
		message->argv[message->argc++] = value;
	}
	return reader.malformed ? malformed(error, "its arguments do not fit its type tags") : FB_OK;
}

static bool is_float(const void *data, size_t size)
{
	size_t length = fb_osc_float_address(data, size);
	return length && *(const char *)data == '/' && !memchr(data, '\0', length);
}

bool fb_osc_is_bundle(const void *data, size_t size)
{
	return size >= FB_OSC_BUNDLE_HEAD && memcmp(data, bundle_head, sizeof bundle_head) == 0;
}

uint64_t fb_osc_bundle_time(const void *data)
{
	return get64((const unsigned char *)data + sizeof bundle_head);
}

static fb_status check(const void *data, size_t size, int depth, fb_error *error)
{
	if (is_float(data, size)) {
		return FB_OK;
	}
	if (!fb_osc_is_bundle(data, size)) {
		fb_osc_message message;
		return fb_osc_decode(data, size, &message, error);
	}
	if (depth == FB_OSC_DEPTH_MAX) {
		return malformed(error, "bundles nested too deep");
	}
	const void *element;
	size_t at = 0, element_size;
	fb_status status = FB_OK;
	while (!status && fb_osc_bundle_next(data, size, &at, &element, &element_size)) {
		if (at > size || element_size == 0) {
			return malformed(error, "the size of a bundle's element is wrong");
		}
		status = check(element, element_size, depth + 1, error);
	}
	if (!status && at != size && !(at == 0 && size == FB_OSC_BUNDLE_HEAD)) {
		status = malformed(error, "bytes left over after a bundle's last element");
	}
	return status;
}

fb_status fb_osc_check(const void *data, size_t size, fb_error *error)
{
	return check(data, size, 0, error);
}

/* --- writing */

static void put32(unsigned char *at, uint32_t word)
{
	word = htobe32(word);
	memcpy(at, &word, sizeof word);
}

static void put64(unsigned char *at, uint64_t word)
{
	word = htobe64(word);
	memcpy(at, &word, sizeof word);
}

static size_t padded(size_t length)
{
	return (length / 4 + 1) * 4;
}

static bool is_wide(const fb_value *value)
{
	return value->i < INT32_MIN || value->i > INT32_MAX;
}

static size_t arg_size(const fb_value *value)
{
	switch (value->tag) {
	case 'f':
		return 4;
	case 'i':
		return is_wide(value) ? 8 : 4;
	case 's':
		return padded(strlen(value->s));
	case 'v':
		return 4 * (size_t)value->count;
	default:
		return 0;
	}
}

/** How many type tags an argument has. */
static size_t arg_tags(const fb_value *value)
{
	return value->tag == 'v' ? value->count : 1;
}

static unsigned char *put_tags(unsigned char *at, const fb_value *value)
{
	if (value->tag == 'v') {
		memset(at, 'f', value->count);
		return at + value->count;
	}
	bool wide = value->tag == 'i' && is_wide(value);
	*at = (unsigned char)(wide ? 'h' : value->tag);
	return at + 1;
}

/** A string with its padding; the buffer behind it is not cleared. */
static unsigned char *put_string(unsigned char *at, const char *text, size_t length)
{
	size_t n = padded(length);
	memset(at + n - 4, 0, 4);
	memcpy(at, text, length);
	return at + n;
}

static unsigned char *put_float(unsigned char *at, float f)
{
	uint32_t word;
	memcpy(&word, &f, sizeof word);
	put32(at, word);
	return at + 4;
}

static unsigned char *put_arg(unsigned char *at, const fb_value *value)
{
	switch (value->tag) {
	case 'f':
		return put_float(at, (float)value->f);
	case 'v':
		for (uint32_t i = 0; i < value->count; i++) {
			at = put_float(at, value->v[i]);
		}
		return at;
	case 'i':
		if (is_wide(value)) {
			put64(at, (uint64_t)value->i);
			return at + 8;
		}
		put32(at, (uint32_t)(int32_t)value->i);
		return at + 4;
	case 's':
		return put_string(at, value->s, strlen(value->s));
	default:
		return at;
	}
}

size_t fb_osc_encode(
	void *out, size_t size, const char *address, const fb_value *argv, uint32_t argc)
{
	size_t length = strlen(address), tags = 1, need = padded(length);
	for (uint32_t i = 0; i < argc; i++) {
		tags += arg_tags(&argv[i]);
		need += arg_size(&argv[i]);
	}
	need += padded(tags);
	if (need > size) {
		return 0;
	}
	unsigned char *at = put_string(out, address, length), *tag = at;
	at += padded(tags);
	memset(at - 4, 0, 4);
	*tag++ = ',';
	for (uint32_t i = 0; i < argc; i++) {
		tag = put_tags(tag, &argv[i]);
		at = put_arg(at, &argv[i]);
	}
	return need;
}

void fb_osc_encode_bundle_head(void *out, uint64_t time)
{
	memcpy(out, bundle_head, sizeof bundle_head);
	put64((unsigned char *)out + sizeof bundle_head, time);
}

void fb_osc_encode_size(void *out, uint32_t size)
{
	put32(out, size);
}
