/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wav.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 44 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t *decode(const char *text, size_t *len)
{
	uint8_t *out = malloc(strlen(text) / 4 * 3 + 3);
	uint32_t bits = 0;
	int have = 0;
	*len = 0;
	for (; out && *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);
		if (!digit) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*len)++] = (uint8_t)(bits >> have);
		}
	}
	return out;
}

static char *encode(const uint8_t *data, size_t len)
{
	char *out = malloc((len + 2) / 3 * 4 + 1), *at = out;
	for (size_t i = 0; out && i < len; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16;
		bits |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= i + 2 < len ? data[i + 2] : 0;
		*at++ = digits[bits >> 18 & 63];
		*at++ = digits[bits >> 12 & 63];
		*at++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*at++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	if (out) {
		*at = '\0';
	}
	return out;
}

static uint32_t read32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

/** A chunk's place behind its length, NULL if there is none or it is cut off. */
static const uint8_t *find_chunk(const uint8_t *wav, size_t len, const char *name, uint32_t *size)
{
	for (size_t at = 12; at + 8 <= len;) {
		*size = read32(wav + at + 4);
		if (*size > len - at - 8) {
			return NULL;
		}
		if (!memcmp(wav + at, name, 4)) {
			return wav + at + 8;
		}
		at += 8 + (size_t)*size + (*size & 1u);
	}
	return NULL;
}

static void write_head(uint8_t *to, uint32_t channels, uint32_t rate_hz, uint32_t bytes)
{
	memcpy(to, "RIFF    WAVEfmt ", 16);
	write32(to + 4, bytes + HEAD - 8);
	write32(to + 16, 16);
	write32(to + 20, 1u | channels << 16);
	write32(to + 24, rate_hz);
	write32(to + 28, rate_hz * channels * 2);
	write32(to + 32, channels * 2 | 16u << 16);
	memcpy(to + 36, "data", 4);
	write32(to + 40, bytes);
}

/** source: WAVE_FORMAT_IEEE_FLOAT is 3, behind it channels, rate, bytes per second, ... */
static char *convert(const uint8_t *wav, size_t len)
{
	uint32_t fmt_size = 0, size = 0;
	const uint8_t *fmt = find_chunk(wav, len, "fmt ", &fmt_size),
				  *data = find_chunk(wav, len, "data", &size);
	if (!fmt || !data || fmt_size < 16 || fmt[0] != 3 || fmt[14] != 32) {
		return NULL;
	}
	uint32_t n = size / 4;
	uint8_t *out = malloc(HEAD + 2 * (size_t)n);
	char *text = NULL;
	if (out) {
		write_head(out, fmt[2], read32(fmt + 4), 2 * n);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t bits = read32(data + 4 * i);
			float sample;
			memcpy(&sample, &bits, sizeof sample);
			long level = lrintf(32767.0f * fmaxf(-1.0f, fminf(1.0f, sample)));
			out[HEAD + 2 * i] = (uint8_t)(level & 255);
			out[HEAD + 2 * i + 1] = (uint8_t)(level >> 8 & 255);
		}
		text = encode(out, HEAD + 2 * (size_t)n);
	}
	free(out);
	return text;
}

char *fb_wav_for_model(const char *base64)
{
	size_t len;
	uint8_t *wav = decode(base64, &len);
	char *text = wav && len > HEAD ? convert(wav, len) : NULL;
	free(wav);
	return text;
}
