/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recogniser.h"

#include <pocketsphinx.h>
#include <sphinxbase/err.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL FB_SPEECH_MODEL "/en-us/"
#define LEAST_POWER 1e-6   /* -60 dBFS: less is silence */
#define PAUSE_BELOW 0.01   /* -20 dB of the take's power */
#define WORKING_RMS 3276.8 /* -20 dBFS in 16 bits: any take is brought to it */

enum { FRAME = FB_SPEECH_RATE / 100 };

struct fb_recogniser {
	cmd_ln_t *config;
	ps_decoder_t *decoder;
};

fb_status fb_recogniser_open(fb_recogniser **out, fb_error *error)
{
	static const char *const parts[] = {
		MODEL "en-us/mdef", MODEL "en-us.lm.bin", MODEL "cmudict-en-us.dict"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (access(parts[i], R_OK)) {
			return fb_fail(error, FB_NOT_FOUND, parts[i],
				"the recogniser's model is missing (Debian: pocketsphinx-en-us)");
		}
	}
	fb_recogniser *recogniser = calloc(1, sizeof *recogniser);
	if (!recogniser) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	err_set_logfp(NULL);
	/* One pass over a lattice, wide enough in words that noise shows as rivals (and that the end of
	   the take is among them) and bounded in states so that noise takes no longer than speech. No
	   silence is taken out: frames count from the take's start. */
	recogniser->config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", MODEL "en-us", "-lm",
		MODEL "en-us.lm.bin", "-dict", MODEL "cmudict-en-us.dict", "-fwdflat", "no", "-maxhmmpf",
		"3000", "-pl_window", "10", "-wbeam", "1e-20", "-remove_silence", "no", NULL);
	recogniser->decoder = recogniser->config ? ps_init(recogniser->config) : NULL;
	if (!recogniser->decoder) {
		fb_recogniser_close(recogniser);
		return fb_fail(error, FB_IO, MODEL, "the recogniser's model cannot be loaded");
	}
	*out = recogniser;
	return FB_OK;
}

void fb_recogniser_close(fb_recogniser *recogniser)
{
	if (recogniser) {
		if (recogniser->decoder) {
			ps_free(recogniser->decoder);
		}
		if (recogniser->config) {
			cmd_ln_free_r(recogniser->config);
		}
		free(recogniser);
	}
}

static double power_of(const float *x, size_t n)
{
	double sum = 0.0;
	for (size_t i = 0; i < n; i++) {
		sum += (double)x[i] * (double)x[i];
	}
	return n ? sum / (double)n : 0.0;
}

static int16_t *to_16_bits(const float *mono, size_t n, double power)
{
	int16_t *data = malloc(n * sizeof *data);
	double gain = WORKING_RMS / sqrt(power);
	for (size_t i = 0; data && i < n; i++) {
		data[i] = (int16_t)lrint(fmin(fmax((double)mono[i] * gain, -32768.0), 32767.0));
	}
	return data;
}

/** Frames first..last of those that are not a pause. */
static unsigned sounding(const float *mono, size_t n, int first, int last, double least)
{
	unsigned frames = 0;
	for (int at = first < 0 ? 0 : first; at <= last && ((size_t)at + 1) * FRAME <= n; at++) {
		frames += power_of(mono + (size_t)at * FRAME, FRAME) > least;
	}
	return frames;
}

/** "tomato(2)" is how a dictionary tells pronunciations apart. */
static void add_word(fb_heard *heard, const char *word)
{
	size_t len = strlen(heard->text);
	snprintf(heard->text + len, sizeof heard->text - len, "%s%.*s", len ? " " : "",
		(int)strcspn(word, "("), word);
	heard->words++;
}

/** Sum up the best path. */
static void judge(ps_decoder_t *decoder, const float *mono, size_t n, double power, fb_heard *heard)
{
	logmath_t *scale = ps_get_logmath(decoder);
	double sure = 0.0, sound = 0.0;
	heard->any = false;
	(void)ps_get_hyp(decoder, NULL); /* finds the best path; NULL also where that has no word */
	for (ps_seg_t *seg = ps_seg_iter(decoder); seg; seg = ps_seg_next(seg)) {
		const char *word = ps_seg_word(seg);
		int first, last;
		ps_seg_frames(seg, &first, &last);
		double frames = (double)(last - first + 1);
		heard->any = true;
		if (word[0] == '<') { /* <s>, <sil>, </s> */
			sound += sounding(mono, n, first, last, power * PAUSE_BELOW);
		} else if (word[0] == '[' || word[0] == '+') { /* [NOISE], [SPEECH]: sound, no word */
			sound += frames;
		} else {
			sound += frames;
			sure += frames * logmath_exp(scale, ps_seg_prob(seg, NULL, NULL, NULL));
			add_word(heard, word);
		}
	}
	heard->confidence = sound > 0.0 ? fmin(sure / sound, 1.0) : 0.0;
}

fb_status fb_recogniser_hear(
	fb_recogniser *recogniser, const float *mono, size_t n, fb_heard *heard, fb_error *error)
{
	ps_decoder_t *decoder = recogniser->decoder;
	double power = power_of(mono, n);
	*heard = (fb_heard){.any = power >= LEAST_POWER};
	if (!heard->any) {
		return FB_OK;
	}
	int16_t *data = to_16_bits(mono, n, power);
	if (!data) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	/* As a stream of its own and in one piece: means are taken over the take, and nothing of the
	   one before counts. */
	bool good = !ps_start_stream(decoder) && !ps_start_utt(decoder) &&
				ps_process_raw(decoder, data, n, FALSE, TRUE) >= 0 && !ps_end_utt(decoder);
	free(data);
	if (!good) {
		return fb_fail(error, FB_IO, "recogniser", "the recogniser gave up on this take");
	}
	judge(decoder, mono, n, power, heard);
	return FB_OK;
}
