/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packet codec against liblo's, and against what no client should send. */
#include "desk.h"

#include "../../../osc/codec.h"
#include "../../../osc/server.h"

#include <lo/lo.h>

static uint64_t seed;

/** xorshift64: the same packets in every run. */
static uint64_t random_bits(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random_bits() >> 33) % n;
}

static char *random_text(char text[64])
{
	size_t n = below(20);
	for (size_t i = 0; i < n; i++) {
		text[i] = (char)('!' + below(90));
	}
	text[n] = '\0';
	return text;
}

/** A message with random arguments of every type that liblo knows. */
static size_t random_message(char *address, unsigned char *out, size_t size)
{
	lo_message message = lo_message_new();
	char text[64];
	int n = (int)below(10);
	snprintf(address, 64, "/a%.40s", random_text(text));
	for (int i = 0; i < n; i++) {
		uint8_t midi[4] = {1, 2, 3, 4};
		switch (below(14)) {
		case 0:
			lo_message_add_int32(message, (int32_t)random_bits());
			break;
		case 1:
			lo_message_add_float(message, (float)(int32_t)random_bits() / 1000.0f);
			break;
		case 2:
			lo_message_add_string(message, random_text(text));
			break;
		case 3: {
			lo_blob blob = lo_blob_new((int32_t)below(20) + 1, out);
			lo_message_add_blob(message, blob);
			lo_blob_free(blob);
			break;
		}
		case 4:
			lo_message_add_int64(message, (int64_t)random_bits());
			break;
		case 5:
			lo_message_add_timetag(message, LO_TT_IMMEDIATE);
			break;
		case 6:
			lo_message_add_double(message, (double)(int64_t)random_bits());
			break;
		case 7:
			lo_message_add_symbol(message, random_text(text));
			break;
		case 8:
			lo_message_add_char(message, 'x');
			break;
		case 9:
			lo_message_add_midi(message, midi);
			break;
		case 10:
			lo_message_add_true(message);
			break;
		case 11:
			lo_message_add_false(message);
			break;
		case 12:
			lo_message_add_nil(message);
			break;
		default:
			lo_message_add_infinitum(message);
			break;
		}
	}
	lo_message_serialise(message, address, out, &size);
	lo_message_free(message);
	return size;
}

static void compare(const fb_osc_message *ours, lo_message theirs)
{
	const char *types = lo_message_get_types(theirs);
	lo_arg **argv = lo_message_get_argv(theirs);
	assert_int_equal(ours->argc, lo_message_get_argc(theirs));
	assert_string_equal(*ours->tags ? ours->tags + 1 : "", types);
	for (uint32_t i = 0; i < ours->argc; i++) {
		const fb_value *value = &ours->argv[i];
		/* copied out: liblo's arguments are aligned to 4 bytes only */
		int32_t whole = 0;
		int64_t wide = 0;
		float real = 0;
		double precise = 0;
		switch (types[i]) {
		case 'i':
			memcpy(&whole, argv[i], sizeof whole);
			assert_true(value->tag == 'i' && value->i == whole);
			break;
		case 'h':
			memcpy(&wide, argv[i], sizeof wide);
			assert_true(value->tag == 'i' && value->i == wide);
			break;
		case 'f':
			memcpy(&real, argv[i], sizeof real);
			assert_true(value->tag == 'f');
			assert_near(value->f, (double)real, 0);
			break;
		case 'd':
			memcpy(&precise, argv[i], sizeof precise);
			assert_true(value->tag == 'f');
			assert_near(value->f, precise, 0);
			break;
		case 's':
		case 'S':
			assert_int_equal(value->tag, 's');
			assert_string_equal(value->s, (const char *)argv[i]);
			break;
		case 'I':
			assert_int_equal(value->tag, 'N');
			break;
		default:
			assert_int_equal(value->tag, types[i]);
			break;
		}
	}
}

static void test_reads_what_liblo_writes(void **state)
{
	(void)state;
	unsigned char packet[1024], copy[1024];
	char address[64];
	seed = 1;
	for (int i = 0; i < 20000; i++) {
		fb_osc_message ours;
		size_t size = random_message(address, packet, sizeof packet);
		int result;
		assert_int_equal(fb_osc_decode(packet, size, &ours, NULL), FB_OK);
		assert_string_equal(ours.address, address);
		memcpy(copy, packet, size);
		lo_message theirs = lo_message_deserialise(copy, size, &result);
		assert_non_null(theirs);
		compare(&ours, theirs);
		lo_message_free(theirs);
		/* cut anywhere, it is refused, and nothing behind the cut is looked at (ASan's part) */
		size_t cut = below((uint32_t)size);
		unsigned char *part = malloc(cut ? cut : 1);
		memcpy(part, packet, cut);
		size_t addresses_end = (strlen(address) / 4 + 1) * 4;
		fb_status status = fb_osc_decode(part, cut, &ours, NULL);
		assert_true(cut == addresses_end ? status == FB_OK : status == FB_INVALID);
		free(part);
	}
}

static void test_writes_what_liblo_reads(void **state)
{
	(void)state;
	unsigned char packet[1024];
	char address[64], text[8][64];
	seed = 2;
	for (int i = 0; i < 20000; i++) {
		fb_value argv[8];
		uint32_t argc = below(9);
		for (uint32_t n = 0; n < argc; n++) {
			argv[n].tag = "fisTFNi"[below(7)];
			if (argv[n].tag == 'f') {
				argv[n].f = (double)((float)(int32_t)random_bits() / 999.0f);
			} else if (argv[n].tag == 'i') {
				argv[n].i = below(2) ? (int32_t)random_bits() : (int64_t)random_bits();
			} else if (argv[n].tag == 's') {
				argv[n].s = random_text(text[n]);
			}
		}
		snprintf(address, sizeof address, "/%s", random_text(text[0]) + strlen(text[0]) / 2);
		memset(packet, 0xAA, sizeof packet);
		size_t size = fb_osc_encode(packet, sizeof packet, address, argv, argc);
		assert_true(size > 0);
		assert_int_equal(packet[size], 0xAA);
		for (size_t less = 0; less < size; less++) {
			assert_int_equal(fb_osc_encode(NULL, less, address, argv, argc), 0);
		}
		fb_osc_message ours;
		assert_int_equal(fb_osc_decode(packet, size, &ours, NULL), FB_OK);
		for (uint32_t n = 0; n < argc; n++) {
			assert_true(fb_value_same(&ours.argv[n], &argv[n]));
		}
		int result;
		lo_message theirs = lo_message_deserialise(packet, size, &result);
		assert_non_null(theirs);
		lo_message_free(theirs);
	}
}

static void test_malformed(void **state)
{
	(void)state;
#define PACKET(bytes)                                                                              \
	{                                                                                              \
		bytes, sizeof bytes - 1                                                                    \
	}
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		PACKET(""),
		PACKET("/"),
		PACKET("/abc"),
		PACKET("abc\0"),
		PACKET("/ab\0,i\0\0"),
		PACKET("/ab\0,i\0\0\0\0\0"),
		PACKET("/ab\0,i\0\0\0\0\0\1\0\0\0\1"),
		PACKET("/ab\0i\0\0\0\0\0\0\1"),
		PACKET("/ab\0,Q\0\0\0\0\0\1"),
		PACKET("/ab\0,s\0\0abcd"),
		PACKET("/ab\0cd\0\0,f\0\0\0\0\0\1"),
		PACKET("ab\0\0,f\0\0\0\0\0\1"),
		PACKET("/abc,f\0\0\0\0\0\1"),
		PACKET(",f\0\0\0\0\0\1"),
		PACKET("/ab\0,b\0\0\0\0\0\5abcd"),
		PACKET("/ab\0,b\0\0\xff\xff\xff\xff"),
		PACKET("/ab\0,b\0\0\x7f\xff\xff\xffxxxx"),
		PACKET("#bundle\0\0\0\0\0\0\0\0"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\4"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\0"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\4/ab\0xx"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\xff\xff\xff\xfc/ab\0"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\4/ab\0\0\0\0\10/ab\0"),
		PACKET("#bundl"),
	};
	static const struct {
		const char *bytes;
		size_t size;
	} good[] = {
		PACKET("/ab\0"),
		PACKET("/\0\0\0,\0\0\0"),
		PACKET("/ab\0,b\0\0\0\0\0\0"),
		PACKET("/ab\0,f\0\0\0\0\0\1"),
		PACKET("/abc\0\0\0\0,f\0\0\0\0\0\1"),
		PACKET("/a\0b,f\0\0\0\0\0\1"),
		PACKET("/ab\0,s\0\0abc\0"),
		PACKET("/ab\0,sif\0\0\0\0,f\0\0\0\0\0\1\0\0\0\1"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1"),
		PACKET("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\4/ab\0\0\0\0\4/ab\0"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		/* on the heap, so that a look beyond the end is seen */
		char *packet = malloc(bad[i].size ? bad[i].size : 1);
		memcpy(packet, bad[i].bytes, bad[i].size);
		fb_error error;
		if (fb_osc_check(packet, bad[i].size, &error) != FB_INVALID) {
			fail_msg("malformed packet %zu was accepted", i);
		}
		free(packet);
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(fb_osc_check(good[i].bytes, good[i].size, NULL), FB_OK);
	}
	unsigned char many[256] = "/a\0\0,";
	memset(many + 5, 'T', FB_OSC_ARGS_MAX + 1);
	assert_int_equal(fb_osc_check(many, 4 + 36, NULL), FB_TOO_LARGE);
	many[5 + FB_OSC_ARGS_MAX] = '\0';
	assert_int_equal(fb_osc_check(many, 4 + 36, NULL), FB_OK);
}

/* --- fuzzing the whole service: no crash, and what is malformed changes nothing */

static uint64_t replies;

static bool swallow(void *ctx, const void *data, size_t size)
{
	(void)ctx;
	/* whatever goes out is OSC */
	assert_int_equal(fb_osc_check(data, size, NULL), FB_OK);
	replies++;
	return true;
}

static uint64_t state_of(void)
{
	uint64_t h = 14695981039346656037u;
	const unsigned char *parts[] = {(const unsigned char *)&board.level,
		(const unsigned char *)&board.hz, (const unsigned char *)board.name};
	size_t sizes[] = {sizeof board.level, sizeof board.hz, strlen(board.name)};
	for (int p = 0; p < 3; p++) {
		for (size_t i = 0; i < sizes[p]; i++) {
			h = (h ^ parts[p][i]) * 1099511628211u;
		}
	}
	return h ^ (uint64_t)board.voices ^ (uint64_t)board.mode << 8 ^ (uint64_t)board.mute << 16 ^
		   (uint64_t)board.commands << 32;
}

static size_t sane_packet(unsigned char *out, size_t size)
{
	static const char *const addresses[] = {"/station/1/gain/level", "/norm/station/1/eq/hz",
		"/station/1/mode", "/station/1/name", "/station/1/do", "/station/*/*", "/subscribe",
		"/unsubscribe", "/xremote", "/sync", "/station/1/", "/[a-z]*/{1,2}/m*", "/status", "/"};
	lo_message message = lo_message_new();
	uint32_t argc = below(3);
	for (uint32_t i = 0; i < argc; i++) {
		switch (below(3)) {
		case 0:
			lo_message_add_float(message, (float)below(100) - 50.0f);
			break;
		case 1:
			lo_message_add_int32(message, (int32_t)below(4));
			break;
		default:
			lo_message_add_string(message, addresses[below(14)]);
			break;
		}
	}
	const char *address = addresses[below(14)];
	if (below(3)) {
		lo_message_serialise(message, address, out, &size);
		lo_message_free(message);
		return size;
	}
	lo_bundle bundle = lo_bundle_new(LO_TT_IMMEDIATE);
	lo_bundle_add_message(bundle, address, message);
	lo_bundle_add_message(bundle, addresses[below(14)], message);
	lo_bundle_serialise(bundle, out, &size);
	lo_bundle_free_recursive(bundle);
	return size;
}

static size_t mutate(unsigned char *packet, size_t size, size_t room)
{
	for (uint32_t n = below(4); n; n--) {
		size_t at = below((uint32_t)size + 1) % (size ? size : 1);
		switch (below(4)) {
		case 0:
			packet[at] = (unsigned char)random_bits();
			break;
		case 1:
			packet[at] ^= (unsigned char)(1u << below(8));
			break;
		case 2:
			size = below(2) ? at : at / 4 * 4;
			break;
		default:
			for (; size % 4 == 0 && size + 4 < room && below(3); size += 4) {
				memset(packet + size, (int)below(256), 4);
			}
			break;
		}
	}
	return size;
}

static void test_fuzz(void **state)
{
	(void)state;
	const fb_osc_transport transport = {
		.send = swallow, .packet_max = 1400, .bundles = true, .reliable = true};
	fb_osc_options options = {0};
	fb_osc *osc;
	fb_tree *tree = desk_tree();
	fb_error error;
	assert_int_equal(fb_osc_open(tree, &options, &osc, &error), FB_OK);
	fb_osc_client *client = fb_osc_client_add(osc, &transport, NULL, "fuzz");
	int64_t now_us = 0;
	uint64_t malformed = 0;
	unsigned char packet[2048];
	replies = 0;
	seed = 20261120;
	for (int i = 0; i < 400000; i++) {
		size_t size;
		if (i % 8 == 0) {
			size = below(64);
			for (size_t at = 0; at < size; at++) {
				packet[at] = (unsigned char)random_bits();
			}
		} else {
			size = mutate(packet, sane_packet(packet, sizeof packet), sizeof packet);
		}
		unsigned char *exact = malloc(size ? size : 1);
		memcpy(exact, packet, size);
		fb_osc_message message;
		if (!fb_osc_is_bundle(exact, size)) { /* the short cut for one float agrees with the way */
			assert_int_equal(fb_osc_check(exact, size, &error) == FB_OK,
				fb_osc_decode(exact, size, &message, &error) == FB_OK);
		}
		uint64_t before = state_of();
		fb_osc_packet(osc, client, exact, size, now_us += 1000);
		free(exact);
		fb_osc_stats stats;
		fb_osc_get_stats(osc, &stats);
		if (stats.malformed > malformed || i % 8 == 0) {
			assert_true(state_of() == before);
		}
		malformed = stats.malformed;
		if (i % 100 == 0) {
			fb_osc_flush(osc, now_us);
		}
	}
	/* both kinds came in numbers, or this tried nothing */
	assert_true(malformed > 100000 && malformed < 300000);
	assert_true(replies > 10000);
	assert_true(board.commands > 10);
	fb_osc_close(osc);
	fb_tree_destroy(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_liblo_writes),
		cmocka_unit_test(test_writes_what_liblo_reads),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_fuzz),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
