/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyser.h"

#include "clicks.h"
#include "cross.h"
#include "crossings.h"
#include "decimate.h"
#include "defects.h"
#include "trail.h"
#include "hop.h"
#include "hum.h"
#include "level.h"
#include "loudness.h"
#include "noise.h"
#include "onset.h"
#include "reference.h"
#include "spectrum.h"
#include "stereo.h"
#include "stft.h"
#include "true_peak.h"
#include "voice.h"
#include "weighting.h"
#include "wide.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SAMPLE 1e-15f
#define LOW_RATE_HZ 11000.0 /* at least, for what is measured on the decimated signal */

enum {
	CHANNELS = 6, ///< out L, out R, in L, in R, ref L, ref R
	STT_SECONDS = 10,
	LOW_MOST = 224, ///< samples a hop may leave behind at the low rate, which is below 22 kHz
};

struct fb_analyser {
	fb_analyser_options options;
	uint64_t start;    ///< frame where the sliding windows began: create, reset or the last gap
	uint64_t hops;     ///< whole hops since then
	uint64_t doubtful; ///< live: hops still to come until no window holds a gap
	uint64_t bad_samples;
	uint32_t fill, hop_frames; ///< frames waiting, and wanted, for the hop at hand
	fb_part hop, frame;        ///< sums of the hop (reduction alone) and of the frame at hand
	float peak_ring[FB_LIVE_FRAMES], true_peak_ring[FB_LIVE_FRAMES];
	float peak, true_peak; ///< run: largest so far
	fb_trail frames;
	fb_level level;
	fb_weighting weighting;
	fb_true_peak true_peaks;
	fb_loudness loudness;
	fb_crossings crossings;
	fb_defects defects;
	fb_clicks clicks;
	fb_stft stft;
	fb_spectrum spectrum;
	fb_cross cross;
	fb_onset onset;
	fb_decimate low[2]; ///< both channels at about 12 kHz, for what needs no more
	fb_hum hum;
	fb_voice voice;
	fb_reference reference;
	double stt;              ///< what a recogniser said, NAN: nothing
	uint64_t stt_hops;       ///< live: hops that it still holds for
	float *buffer[CHANNELS]; ///< of the hop at hand, in `room`; no reference: NULL
	float *room;
};

static bool is_live(const fb_analyser *analyser)
{
	return analyser->options.window == FB_WINDOW_LIVE;
}

static bool init_spectra(fb_analyser *analyser, bool live)
{
	double rate = analyser->options.rate_hz;
	return fb_stft_init(&analyser->stft, rate) &&
		   fb_spectrum_init(&analyser->spectrum, &analyser->stft, rate, live) &&
		   fb_cross_init(&analyser->cross, &analyser->stft, rate, live) &&
		   fb_onset_init(&analyser->onset, rate, analyser->stft.size, live);
}

static bool init_low(fb_analyser *analyser, bool live)
{
	uint32_t factor = (uint32_t)fmax(1.0, floor(analyser->options.rate_hz / LOW_RATE_HZ));
	double low_hz = analyser->options.rate_hz / factor;
	return fb_decimate_init(&analyser->low[0], factor, fb_hop_most(analyser->options.rate_hz)) &&
		   fb_decimate_init(&analyser->low[1], factor, fb_hop_most(analyser->options.rate_hz)) &&
		   fb_hum_init(&analyser->hum, low_hz, LOW_MOST, live) &&
		   fb_voice_init(&analyser->voice, low_hz, LOW_MOST, live);
}

/* Without an input, its place holds the silence that it counts as. */
static bool init_buffers(fb_analyser *analyser)
{
	size_t frames = fb_hop_most(analyser->options.rate_hz);
	int channels = analyser->options.has_reference ? CHANNELS : CHANNELS - 2;
	analyser->room = calloc((size_t)channels * frames, sizeof(float));
	for (int c = 0; c < channels && analyser->room; c++) {
		analyser->buffer[c] = analyser->room + (size_t)c * frames;
	}
	return analyser->room != NULL;
}

fb_analyser *fb_analyser_create(const fb_analyser_options *options)
{
	void *block = NULL;
	if (!(options->rate_hz >= 8000.0 && options->rate_hz <= 192000.0)) {
		return NULL;
	}
	if (posix_memalign(&block, 64, sizeof(fb_analyser)) != 0) {
		return NULL;
	}
	fb_analyser *analyser = memset(block, 0, sizeof(fb_analyser));
	bool live = options->window == FB_WINDOW_LIVE;
	analyser->options = *options;
	bool ok = fb_trail_init(&analyser->frames, FB_SUMS, live ? FB_LIVE_FRAMES : 0);
	ok = fb_level_init(&analyser->level, live) && ok;
	ok = fb_loudness_init(&analyser->loudness, options->rate_hz, live) && ok;
	ok = fb_clicks_init(&analyser->clicks, options->rate_hz) && ok;
	ok = init_spectra(analyser, live) && ok;
	ok = init_low(analyser, live) && ok;
	ok = init_buffers(analyser) && ok;
	if (!ok) {
		fb_analyser_destroy(analyser);
		return NULL;
	}
	fb_weighting_init(&analyser->weighting, options->rate_hz);
	fb_reference_init(&analyser->reference, options->rate_hz);
	fb_true_peak_init(&analyser->true_peaks);
	fb_defects_init(&analyser->defects, options->rate_hz);
	fb_analyser_reset(analyser, 0);
	return analyser;
}

void fb_analyser_destroy(fb_analyser *analyser)
{
	if (analyser) {
		fb_trail_finish(&analyser->frames);
		fb_level_finish(&analyser->level);
		fb_loudness_finish(&analyser->loudness);
		fb_clicks_finish(&analyser->clicks);
		fb_stft_finish(&analyser->stft);
		fb_spectrum_finish(&analyser->spectrum);
		fb_cross_finish(&analyser->cross);
		fb_onset_finish(&analyser->onset);
		fb_decimate_finish(&analyser->low[0]);
		fb_decimate_finish(&analyser->low[1]);
		fb_hum_finish(&analyser->hum);
		fb_voice_finish(&analyser->voice);
		fb_reference_finish(&analyser->reference);
		free(analyser->room);
		free(analyser);
	}
}

static void aim_for_hop(fb_analyser *analyser)
{
	double rate = analyser->options.rate_hz;
	analyser->fill = 0;
	analyser->hop_frames = (uint32_t)(fb_step_start(rate, FB_HOPS_PER_SECOND, analyser->hops + 1) -
									  fb_step_start(rate, FB_HOPS_PER_SECOND, analyser->hops));
	analyser->hop = (fb_part){0};
}

/* Everything but what counts since the last reset starts again, with `frame`. */
static void clear_windows(fb_analyser *analyser, uint64_t frame)
{
	analyser->start = frame;
	analyser->hops = 0;
	aim_for_hop(analyser);
	analyser->frame = (fb_part){0};
	memset(analyser->peak_ring, 0, sizeof analyser->peak_ring);
	memset(analyser->true_peak_ring, 0, sizeof analyser->true_peak_ring);
	analyser->peak = analyser->true_peak = 0.0f;
	fb_trail_clear(&analyser->frames);
	fb_level_clear(&analyser->level);
	fb_weighting_clear(&analyser->weighting);
	fb_true_peak_clear(&analyser->true_peaks);
	fb_loudness_clear_windows(&analyser->loudness);
	fb_crossings_clear(&analyser->crossings);
	fb_defects_clear(&analyser->defects);
	fb_clicks_clear(&analyser->clicks);
	fb_stft_clear(&analyser->stft);
	fb_spectrum_clear(&analyser->spectrum);
	fb_cross_clear(&analyser->cross);
	fb_onset_clear(&analyser->onset);
	fb_decimate_clear(&analyser->low[0]);
	fb_decimate_clear(&analyser->low[1]);
	fb_hum_clear(&analyser->hum);
	fb_voice_clear(&analyser->voice);
	fb_reference_clear(&analyser->reference);
}

void fb_analyser_reset(fb_analyser *analyser, uint64_t frame)
{
	clear_windows(analyser, frame);
	fb_loudness_reset(&analyser->loudness);
	analyser->doubtful = 0;
	analyser->bad_samples = 0;
	analyser->stt = (double)NAN;
}

void fb_analyser_gap(fb_analyser *analyser, uint64_t frames)
{
	uint64_t next = analyser->start +
					fb_step_start(analyser->options.rate_hz, FB_HOPS_PER_SECOND, analyser->hops) +
					analyser->fill;
	clear_windows(analyser, next + frames);
	analyser->doubtful = is_live(analyser) ? FB_LIVE_HOPS : UINT64_MAX;
}

void fb_analyser_set_target(fb_analyser *analyser, double target_lufs)
{
	analyser->options.target_lufs = target_lufs;
}

void fb_analyser_set_latency(fb_analyser *analyser, double latency_ms)
{
	analyser->options.latency_ms = latency_ms;
}

void fb_analyser_set_stt(fb_analyser *analyser, double confidence)
{
	analyser->stt = isnan(confidence) ? (double)NAN : fmin(fmax(confidence, 0.0), 1.0);
	analyser->stt_hops = STT_SECONDS * FB_HOPS_PER_SECOND;
}

void fb_analyser_reset_loudness(fb_analyser *analyser)
{
	fb_loudness_reset(&analyser->loudness);
}

/* --- feeding */

static void merge(fb_part *into, const fb_part *from)
{
	for (int i = 0; i < FB_SUMS; i++) {
		into->sum[i] += from->sum[i];
	}
	into->peak[0] = fmaxf(into->peak[0], from->peak[0]);
	into->peak[1] = fmaxf(into->peak[1], from->peak[1]);
	into->true_peak = fmaxf(into->true_peak, from->true_peak);
}

/* Copy samples so that what follows meets only finite ones of sane size; returns how many were not.
 */
FB_WIDE static uint32_t clean(const float *in, uint32_t frames, float *out)
{
	uint32_t bad = 0;
	for (uint32_t i = 0; i < frames; i++) {
		float x = in[i], size = fabsf(x);
		bool fits = size <= FB_SAMPLE_MAX, finite = size <= FLT_MAX;
		float rail = finite ? copysignf(FB_SAMPLE_MAX, x) : 0.0f;
		float small = size < LEAST_SAMPLE ? 0.0f : x;
		out[i] = fits ? small : rail;
		bad += !fits;
	}
	return bad;
}

static fb_hop hop_of(const fb_analyser *analyser, uint32_t frames)
{
	return (fb_hop){
		.out = {analyser->buffer[0], analyser->buffer[1]},
		.in = {analyser->buffer[2], analyser->buffer[3]},
		.frames = frames,
		.first = fb_step_start(analyser->options.rate_hz, FB_HOPS_PER_SECOND, analyser->hops),
	};
}

static void finish_frame(fb_analyser *analyser)
{
	fb_clicks_frame(&analyser->clicks, &analyser->frame);
	const fb_part *frame = &analyser->frame;
	const double *sum = frame->sum;
	fb_trail_push(&analyser->frames, fb_power_db(fb_part_power(sum)), sum);
	float peak = fmaxf(frame->peak[0], frame->peak[1]);
	uint64_t slot = analyser->hops / FB_HOPS_PER_FRAME % FB_LIVE_FRAMES;
	analyser->peak_ring[slot] = peak;
	analyser->true_peak_ring[slot] = frame->true_peak;
	analyser->peak = fmaxf(analyser->peak, peak);
	analyser->true_peak = fmaxf(analyser->true_peak, frame->true_peak);
	analyser->frame = (fb_part){0};
}

static void measure_spectra(fb_analyser *analyser, const fb_hop *hop, fb_part *part)
{
	const fb_spectra *spectra;
	fb_stft_hop(&analyser->stft, hop);
	while ((spectra = fb_stft_next(&analyser->stft)) != NULL) {
		uint64_t first = analyser->stft.first - analyser->stft.size / 2;
		double rise = fb_spectrum_frame(&analyser->spectrum, spectra);
		fb_cross_frame(&analyser->cross, spectra);
		fb_onset_frame(&analyser->onset, rise, spectra->level_db, first, part);
	}
}

static void measure_low(fb_analyser *analyser, const fb_hop *hop, fb_part *part)
{
	float low[2][LOW_MOST], mid[LOW_MOST];
	uint32_t n = fb_decimate_run(&analyser->low[0], hop->out[0], hop->frames, low[0]);
	fb_decimate_run(&analyser->low[1], hop->out[1], hop->frames, low[1]);
	for (uint32_t i = 0; i < n; i++) {
		mid[i] = 0.5f * (low[0][i] + low[1][i]);
	}
	fb_hum_feed(&analyser->hum, low[0], low[1], n);
	fb_voice_feed(&analyser->voice, mid, n, analyser->hops, part);
}

static void finish_hop(fb_analyser *analyser)
{
	fb_hop hop = hop_of(analyser, analyser->hop_frames);
	fb_part *part = &analyser->hop;
	fb_level_measure(&analyser->level.mean, &hop, part);
	fb_true_peak_hop(&analyser->true_peaks, &hop, part);
	fb_weighting_hop(&analyser->weighting, &hop, part);
	fb_crossings_hop(&analyser->crossings, &hop, part);
	fb_defects_hop(&analyser->defects, &hop, part);
	fb_level_hop(&analyser->level, part);
	fb_loudness_hop(&analyser->loudness, part);
	fb_onset_hop(&analyser->onset, part);
	measure_spectra(analyser, &hop, part);
	measure_low(analyser, &hop, part);
	fb_clicks_hop(&analyser->clicks, &hop);
	merge(&analyser->frame, part);
	analyser->hops++;
	if (analyser->hops % FB_HOPS_PER_FRAME == 0) {
		finish_frame(analyser);
	}
	if (analyser->doubtful && analyser->doubtful != UINT64_MAX) {
		analyser->doubtful--;
	}
	if (is_live(analyser) && analyser->stt_hops && --analyser->stt_hops == 0) {
		analyser->stt = (double)NAN;
	}
	aim_for_hop(analyser);
}

/* The n frames that have just been cleaned into the buffer. */
static void feed_reference(fb_analyser *analyser, uint32_t n)
{
	float *const *buffer = analyser->buffer;
	uint32_t at = analyser->fill;
	const float *out[2] = {buffer[0] + at, buffer[1] + at};
	const float *ref[2] = {buffer[4] + at, buffer[5] + at};
	fb_reference_feed(&analyser->reference, out, ref, n);
}

void fb_analyser_feed(fb_analyser *analyser, const fb_stretch *stretch)
{
	for (uint64_t done = 0; done < stretch->frames;) {
		uint64_t rest = stretch->frames - done;
		uint32_t room = analyser->hop_frames - analyser->fill;
		uint32_t n = rest < room ? (uint32_t)rest : room;
		for (int c = 0; c < 2; c++) {
			analyser->bad_samples +=
				clean(stretch->out[c] + done, n, analyser->buffer[c] + analyser->fill);
			if (analyser->options.has_input) {
				clean(stretch->in[c] + done, n, analyser->buffer[2 + c] + analyser->fill);
			}
			if (analyser->options.has_reference) {
				clean(stretch->ref[c] + done, n, analyser->buffer[4 + c] + analyser->fill);
			}
		}
		if (analyser->options.has_reference) {
			feed_reference(analyser, n);
		}
		if (stretch->reduction_db) {
			for (uint64_t i = (done + 31) / 32; i * 32 < done + n; i++) {
				analyser->hop.sum[FB_SUM_REDUCTION] += (double)stretch->reduction_db[i];
				analyser->hop.sum[FB_SUM_REDUCTIONS] += 1.0;
			}
		}
		analyser->fill += n;
		done += n;
		if (analyser->fill == analyser->hop_frames) {
			finish_hop(analyser);
		}
	}
}

/* --- reading */

/* What a run's last frames, too few for a hop or a frame, add: measured on copies. */
static fb_part rest_of_run(const fb_analyser *analyser)
{
	fb_part part = analyser->hop;
	fb_hop hop = hop_of(analyser, analyser->fill);
	fb_true_peak true_peaks = analyser->true_peaks;
	fb_weighting weighting = analyser->weighting;
	fb_mean mean = analyser->level.mean;
	fb_crossings crossings = analyser->crossings;
	fb_defects defects = analyser->defects;
	if (analyser->fill) {
		fb_level_measure(&mean, &hop, &part);
		fb_true_peak_hop(&true_peaks, &hop, &part);
		fb_weighting_hop(&weighting, &hop, &part);
		fb_crossings_hop(&crossings, &hop, &part);
		fb_defects_hop(&defects, &hop, &part);
	}
	fb_true_peak_tail(&true_peaks, &part);
	fb_clicks_tail(&analyser->clicks, &hop, &part);
	merge(&part, &analyser->frame);
	return part;
}

static void sum_window(const fb_analyser *analyser, fb_reading *reading)
{
	fb_part *window = &reading->window;
	fb_trail_sum(&analyser->frames, 0, FB_LEVEL_BINS - 1, window->sum);
	if (!is_live(analyser)) {
		fb_part rest = rest_of_run(analyser);
		merge(window, &rest);
		window->peak[0] = fmaxf(window->peak[0], analyser->peak);
		window->true_peak = fmaxf(window->true_peak, analyser->true_peak);
		return;
	}
	for (int i = 0; i < FB_LIVE_FRAMES; i++) {
		window->peak[0] = fmaxf(window->peak[0], analyser->peak_ring[i]);
		window->true_peak = fmaxf(window->true_peak, analyser->true_peak_ring[i]);
	}
}

static void set_extent(const fb_analyser *analyser, fb_metric_set *set)
{
	double rate = analyser->options.rate_hz;
	uint64_t whole = fb_step_start(rate, FB_HOPS_PER_SECOND, analyser->hops);
	set->rate_hz = rate;
	set->bad_samples = analyser->bad_samples;
	if (!is_live(analyser)) {
		set->frame_start = analyser->start;
		set->frame_end = analyser->start + whole + analyser->fill;
		return;
	}
	uint64_t last = analyser->hops / FB_HOPS_PER_FRAME;
	uint64_t first = last > FB_LIVE_FRAMES ? last - FB_LIVE_FRAMES : 0;
	set->frame_start = analyser->start + fb_step_start(rate, FB_FRAMES_PER_SECOND, first);
	set->frame_end = analyser->start + fb_step_start(rate, FB_FRAMES_PER_SECOND, last);
}

void fb_analyser_read(fb_analyser *analyser, fb_metric_set *out)
{
	memset(out, 0, sizeof *out);
	set_extent(analyser, out);
	fb_reading reading = {
		.rate_hz = analyser->options.rate_hz, .live = is_live(analyser), .set = out};
	sum_window(analyser, &reading);
	fb_noise_prepare(&analyser->frames, &reading);
	fb_level_read(&analyser->level, &analyser->frames, &reading);
	fb_noise_read(&analyser->frames, analyser->options.has_input, &reading);
	fb_defects_read(&reading);
	fb_clicks_read(&reading);
	fb_crossings_read(&reading);
	fb_hum_read(&analyser->hum, &reading);
	fb_stereo_read(&reading);
	fb_spectrum_read(&analyser->spectrum, &reading);
	fb_cross_read(&analyser->cross, &analyser->stft.spectra, &reading);
	fb_onset_read(&analyser->onset, &reading);
	fb_voice_read(&analyser->voice, &reading);
	if (reading.window.sum[FB_SUM_FRAMES] > 0.0) {
		fb_answer(out, FB_M_TRUE_PEAK, fb_true_peak_db(&reading.window));
	}
	if (analyser->options.has_reference) {
		fb_reference_read(&analyser->reference, &reading);
	}
	if (analyser->doubtful) {
		out->valid = 0;
	}
	fb_loudness_read(&analyser->loudness, analyser->options.target_lufs, &reading);
	fb_answer(out, FB_M_LATENCY, analyser->options.latency_ms);
	fb_answer(out, FB_M_STT_CONFIDENCE, analyser->stt);
	for (int i = 0; i < FB_METRICS; i++) {
		if (!fb_metric_valid(out, i)) {
			out->value[i] = fb_metric_catalogue[i].none;
		}
	}
}

void fb_analyser_thirds(const fb_analyser *analyser, double *db)
{
	fb_metric_set set = {0};
	fb_reading reading = {
		.rate_hz = analyser->options.rate_hz, .live = is_live(analyser), .set = &set};
	sum_window(analyser, &reading);
	fb_noise_prepare(&analyser->frames, &reading);
	fb_spectrum_thirds(&analyser->spectrum, reading.active_from, db);
}
