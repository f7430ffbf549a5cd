/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP stream, whole and in pieces whose sizes the input's first byte decides: both ways give the
   same packets and the same end, and what is framed comes out of the frame as it was. */
#include "fuzz.h"

#include "../../osc/framing.h"

#include <string.h>

enum { PACKET_MAX = 3000 };

typedef struct heard {
	unsigned long hash;
	size_t packets;
} heard;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static bool hear(void *ctx, const void *packet, size_t size)
{
	heard *h = ctx;
	const unsigned char *bytes = packet;
	must(size > 0 && size <= PACKET_MAX);
	for (size_t i = 0; i < size; i++) {
		h->hash = (h->hash ^ bytes[i]) * 1099511628211u;
	}
	h->hash = (h->hash ^ size) * 31;
	h->packets++;
	return true;
}

static fb_status take(const uint8_t *data, size_t size, size_t piece, heard *h)
{
	fb_framing framing = {0};
	fb_status status = FB_OK;
	for (size_t at = 0; at < size && !status; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		status = fb_framing_take(&framing, data + at, n, PACKET_MAX, hear, h, NULL);
	}
	fb_framing_finish(&framing);
	return status;
}

static bool same(void *ctx, const void *packet, size_t size)
{
	const void **wanted = ctx;
	must(memcmp(packet, *wanted, size) == 0);
	*wanted = (const uint8_t *)*wanted + size;
	return true;
}

static void there_and_back(fb_framing_kind kind, const uint8_t *data, size_t size)
{
	fb_framing framing = {.kind = FB_FRAMING_UNKNOWN};
	const void *at = data;
	unsigned char *out = malloc(fb_framing_bound(size));
	must(out);
	size_t n = fb_framing_put(kind, data, size, out);
	must(n <= fb_framing_bound(size));
	must(fb_framing_take(&framing, out, n, PACKET_MAX, same, (void *)&at, NULL) == FB_OK);
	must(framing.kind == kind && at == data + size);
	fb_framing_finish(&framing);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	heard whole = {0}, pieces = {0};
	if (!size) {
		return 0;
	}
	size_t piece = 1 + data[0] % 32;
	data++;
	size--;
	fb_status at_once = take(data, size, size ? size : 1, &whole);
	fb_status split = take(data, size, piece, &pieces);
	must(at_once == split && whole.hash == pieces.hash && whole.packets == pieces.packets);
	if (size && size <= PACKET_MAX) {
		there_and_back(FB_FRAMING_SLIP, data, size);
		there_and_back(FB_FRAMING_COUNT, data, size);
	}
	return 0;
}
