/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalogue.h"

#include <string.h>

/* One row a metric: its place in fb_metric, id, group, label, unit, doc, none, scale, sense,
   target, tolerance. The macros keep a row's tail readable. */
#define SPAN(none, lo, hi) (none), (lo), (hi)
#define MORE FB_MORE, 0.0, 0.0
#define LESS FB_LESS, 0.0, 0.0
#define AIM(target, tolerance) FB_TARGET, (target), (tolerance)

const fb_metric_info fb_metric_catalogue[FB_METRICS] = {
	/* --- level */
	[FB_M_RMS] = {"rms", "level", "RMS level", "dBFS",
		"Mean square of both channels. A full-scale sine reads -3.01.", SPAN(-120, -60, 0),
		AIM(-25.3, 3)},
	[FB_M_RMS_STABILITY] = {"rms_stability", "level", "Level steadiness", "",
		"How evenly the level is held: 1 / (1 + s / 6), s the standard deviation in dB of the "
		"400 ms RMS over active frames. 1 is dead level, 0.5 swings by 6 dB.",
		SPAN(0, 0, 1), MORE},
	[FB_M_PEAK] = {"peak", "level", "Sample peak", "dBFS", "Largest sample magnitude.",
		SPAN(-120, -60, 0), AIM(-3, 3)},
	[FB_M_TRUE_PEAK] = {"true_peak", "level", "True peak", "dBTP",
		"Largest magnitude between the samples too, as a converter will meet it (BS.1770-4 Annex "
		"2, 4 times oversampled).",
		SPAN(-120, -60, 3), AIM(-3, 3)},
	[FB_M_CREST] = {"crest", "level", "Crest factor", "dB", "Sample peak above the RMS level.",
		SPAN(0, 0, 30), AIM(14, 5)},
	[FB_M_DYNAMIC_RANGE] = {"dynamic_range", "level", "Dynamic range", "dB",
		"From the 10th to the 95th percentile of the 50 ms levels over active frames.",
		SPAN(0, 0, 40), AIM(12, 6)},
	[FB_M_DC_OFFSET] = {"dc_offset", "level", "DC offset", "",
		"Mean of the worse channel, signed, full scale = 1. Anything beyond 0.001 eats headroom.",
		SPAN(0, -1, 1), AIM(0, 0.01)},
	[FB_M_CLIPPING] = {"clipping", "level", "Clipping", "events/s",
		"Runs of 3 or more samples of one sign at 0.9995 of full scale or above, in the channel "
		"that has more of them: one event clipped in both channels counts once.",
		SPAN(0, 0, 20), LESS},
	/* --- loudness */
	[FB_M_LUFS_MOMENTARY] = {"lufs_momentary", "loudness", "Momentary loudness", "LUFS",
		"BS.1770-4 loudness of the last 400 ms; of a run, the largest.", SPAN(-120, -60, 0),
		AIM(-23, 4)},
	[FB_M_LUFS_SHORT_TERM] = {"lufs_short_term", "loudness", "Short-term loudness", "LUFS",
		"BS.1770-4 loudness of the last 3 s; of a run, the largest.", SPAN(-120, -60, 0),
		AIM(-23, 3)},
	[FB_M_LUFS_INTEGRATED] = {"lufs_integrated", "loudness", "Integrated loudness", "LUFS",
		"Gated programme loudness since the last reset (BS.1770-4, EBU R 128).", SPAN(-120, -60, 0),
		AIM(-23, 1)},
	[FB_M_LRA] = {"lra", "loudness", "Loudness range", "LU",
		"Spread of the short-term loudness since the last reset (EBU Tech 3342).", SPAN(0, 0, 30),
		AIM(7, 4)},
	[FB_M_PLR] = {"plr", "loudness", "Peak to loudness", "dB",
		"True peak of the window above the integrated loudness: how much punch is left. Live, the "
		"peak is that of the last 3 s and the loudness that since the last reset.",
		SPAN(0, 0, 30), AIM(12, 4)},
	[FB_M_PSR] = {"psr", "loudness", "Peak to short-term", "dB",
		"True peak of the last 3 s above the short-term loudness; of a run, the smallest. Below "
		"8 is squashed.",
		SPAN(0, 0, 30), AIM(12, 4)},
	[FB_M_LOUDNESS_ERROR] = {"loudness_error", "loudness", "Off target", "LU",
		"Integrated loudness less the station's target.", SPAN(0, -24, 24), AIM(0, 1)},
	/* --- noise and defects */
	[FB_M_NOISE_FLOOR] = {"noise_floor", "noise", "Noise floor", "dBFS",
		"Mean level of the quietest tenth of the 50 ms frames, DC taken out.",
		SPAN(-120, -100, -20), LESS},
	[FB_M_SNR] = {"snr", "noise", "Signal to noise", "dB",
		"Level of the active frames above the noise floor, the noise's own power taken out.",
		SPAN(0, 0, 60), MORE},
	[FB_M_HUM] = {"hum", "noise", "Mains hum", "dBFS",
		"Power at 50 or 60 Hz, whichever is stronger, and its first 7 harmonics, above the "
		"spectrum around them. Each harmonic is averaged in decibels over spectra of 1 s, so what "
		"comes and goes, as a bass line does, hardly counts.",
		SPAN(-120, -100, -20), LESS},
	[FB_M_ARTIFACTS] = {"artifacts", "noise", "Clicks", "events/s",
		"Clicks and pops: up to 2 ms of samples that linear prediction misses by more than 8 "
		"robust deviations and 0.001 of full scale and that stand alone, merged within 5 ms. The "
		"start of a note is none: the 5 ms before and after are judged too.",
		SPAN(0, 0, 20), LESS},
	[FB_M_DROPOUTS] = {"dropouts", "noise", "Dropouts", "events/s",
		"Holes in the sound: exact zeros for 1 to 500 ms whose edges are cut off. The 2 ms before "
		"are above -60 dBFS and within 12 dB of their passage, the 2 ms after within 20 dB; a fade "
		"to silence and back is none.",
		SPAN(0, 0, 20), LESS},
	[FB_M_SILENCE_RATIO] = {"silence_ratio", "noise", "Silence", "",
		"Share of the 50 ms frames that are not active. An active frame is louder than -60 dBFS "
		"and than the noise floor + 6 dB; in sound without pauses, than 4 dB below its RMS level: "
		"max(-60, min(noise_floor + 6, rms - 4)).",
		SPAN(1, 0, 1), LESS},
	[FB_M_GAIN_CHANGE] = {"gain_change", "noise", "Gain change", "LU",
		"Loudness of the output less loudness of the input, ungated, over the same frames; no "
		"answer where either is silent.",
		SPAN(0, -24, 24), AIM(0, 3)},
	[FB_M_GAIN_REDUCTION] = {"gain_reduction", "noise", "Gain reduction", "dB",
		"Mean of the summed gain reduction that the station's dynamics nodes report.",
		SPAN(0, 0, 24), LESS},
	/* --- stereo */
	[FB_M_CORRELATION] = {"correlation", "stereo", "Correlation", "",
		"Correlation of left and right: 1 mono, 0 unrelated, below 0 trouble in mono.",
		SPAN(1, -1, 1), MORE},
	[FB_M_WIDTH] = {"width", "stereo", "Width", "",
		"Side energy over mid plus side energy: 0 mono, 0.5 unrelated channels, 1 out of phase.",
		SPAN(0, 0, 1), AIM(0.25, 0.2)},
	[FB_M_BALANCE] = {"balance", "stereo", "Balance", "dB", "Right level less left level.",
		SPAN(0, -12, 12), AIM(0, 1)},
	[FB_M_MONO_LOSS] = {"mono_loss", "stereo", "Mono loss", "dB",
		"Loudness lost when left and right are summed to mono, against channels that add fully.",
		SPAN(0, 0, 24), LESS},
	[FB_M_INTERCHANNEL_DELAY] = {"interchannel_delay", "stereo", "Channel delay", "ms",
		"How far right lags behind left: the peak of the phase-transform cross-correlation "
		"within 5 ms.",
		SPAN(0, -5, 5), AIM(0, 0.2)},
	[FB_M_PHASE_COHERENCE] = {"phase_coherence", "stereo", "Phase coherence", "",
		"Mean magnitude-squared coherence of left and right, weighted by energy: 1 where one is "
		"a filtered copy of the other.",
		SPAN(1, 0, 1), MORE},
	/* --- spectrum */
	[FB_M_CENTROID] = {"centroid", "spectrum", "Centroid", "Hz",
		"Power-weighted mean frequency: where the weight of the sound lies.", SPAN(0, 0, 12000),
		AIM(1500, 1000)},
	[FB_M_SPREAD] = {"spread", "spectrum", "Spread", "Hz",
		"Standard deviation of the power about the centroid.", SPAN(0, 0, 8000), AIM(1500, 1000)},
	[FB_M_ROLLOFF] = {"rolloff", "spectrum", "Roll-off", "Hz", "85 % of the power lies below it.",
		SPAN(0, 0, 20000), AIM(3000, 2000)},
	[FB_M_FLATNESS] = {"flatness", "spectrum", "Flatness", "",
		"Geometric over arithmetic mean of the power spectrum, 20 Hz to 20 kHz: near 0 tonal, "
		"0.56 white noise.",
		SPAN(0, 0, 1), LESS},
	[FB_M_FLUX] = {"flux", "spectrum", "Flux", "",
		"How much of the magnitude spectrum is new from frame to frame: half-wave rectified "
		"change, normalised.",
		SPAN(0, 0, 1), AIM(0.15, 0.1)},
	[FB_M_TILT] = {"tilt", "spectrum", "Tilt", "dB/oct",
		"Slope of the third-octave levels from 50 Hz to 12.5 kHz: 0 for pink noise, +3 for "
		"white, negative for dark.",
		SPAN(0, -12, 12), AIM(-2, 2)},
	[FB_M_CONTRAST] = {"contrast", "spectrum", "Contrast", "dB",
		"90th less 10th percentile of the bin levels, mean over the octaves from 250 Hz to 16 "
		"kHz: high for clear partials, 13 for noise.",
		SPAN(0, 0, 40), AIM(20, 8)},
	[FB_M_PEAK_FREQUENCY] = {"peak_frequency", "spectrum", "Strongest frequency", "Hz",
		"Largest peak of the mean spectrum, interpolated between bins.", SPAN(0, 0, 20000),
		AIM(200, 200)},
	[FB_M_BAND_SUB] = {"band_sub", "spectrum", "Sub", "dB",
		"20 to 60 Hz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-18, 6)},
	[FB_M_BAND_BASS] = {"band_bass", "spectrum", "Bass", "dB",
		"60 to 250 Hz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-6, 4)},
	[FB_M_BAND_LOW_MID] = {"band_low_mid", "spectrum", "Low mid", "dB",
		"250 to 500 Hz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-7, 4)},
	[FB_M_BAND_MID] = {"band_mid", "spectrum", "Mid", "dB",
		"500 to 2000 Hz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-7, 4)},
	[FB_M_BAND_HIGH_MID] = {"band_high_mid", "spectrum", "High mid", "dB",
		"2 to 4 kHz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-14, 5)},
	[FB_M_BAND_PRESENCE] = {"band_presence", "spectrum", "Presence", "dB",
		"4 to 8 kHz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-18, 5)},
	[FB_M_BAND_AIR] = {"band_air", "spectrum", "Air", "dB",
		"8 to 20 kHz, relative to 20 Hz to 20 kHz.", SPAN(-120, -60, 0), AIM(-24, 6)},
	/* --- time and voice */
	[FB_M_ZCR] = {"zcr", "time", "Zero crossings", "crossings/s",
		"Sign changes of the mid signal, DC removed.", SPAN(0, 0, 12000), AIM(2000, 1500)},
	[FB_M_ONSET_RATE] = {"onset_rate", "time", "Onsets", "onsets/s",
		"Notes, hits, syllables: peaks of spectral flux 0.12 above their median of the last half "
		"second where the level does not fall.",
		SPAN(0, 0, 20), AIM(4, 3)},
	[FB_M_TRANSIENT] = {"transient", "time", "Transients", "dB",
		"Median rise of the level from the 50 ms before an onset to the 20 ms after it.",
		SPAN(0, 0, 30), AIM(10, 5)},
	[FB_M_PITCH] = {"pitch", "time", "Pitch", "Hz", "Median fundamental over voiced frames.",
		SPAN(0, 50, 1000), AIM(160, 80)},
	[FB_M_HNR] = {"hnr", "time", "Harmonics to noise", "dB",
		"Power of the periodic part over the rest, below about 4 kHz, as the mean in dB over "
		"voiced frames of 20 ms, each at most 60: 20 and more is a clear voice.",
		SPAN(0, -10, 40), MORE},
	[FB_M_HUME_STABILITY] = {"hume_stability", "time", "Voice steadiness", "",
		"How steady the voice is, 1 is calm: 0.4 s(jitter, 2 %) + 0.4 s(shimmer, 1 dB) + 0.2 "
		"s(pace, 0.5), with s(x, half) = 1 / (1 + x / half). Jitter: mean relative difference of "
		"neighbouring periods. Shimmer: mean difference of their RMS levels. Pace: standard "
		"deviation over mean of the gaps between onsets; fewer than 3 gaps, and the other two "
		"share its part.",
		SPAN(0, 0, 1), MORE},
	[FB_M_STT_CONFIDENCE] = {"stt_confidence", "time", "Recogniser's confidence", "",
		"How sure a speech recogniser is of what it heard. A client writes it; without one there "
		"is no answer.",
		SPAN(0, 0, 1), MORE},
	/* --- against a reference */
	[FB_M_SI_SDR] = {"si_sdr", "reference", "SI-SDR", "dB",
		"Scale-invariant ratio of signal to distortion against the clean reference, aligned to "
		"the sample, over the first minute.",
		SPAN(0, -10, 40), MORE},
	[FB_M_STOI] = {"stoi", "reference", "Intelligibility", "",
		"Short-time objective intelligibility against the clean reference (Taal et al. 2011), "
		"over the first minute.",
		SPAN(0, 0, 1), MORE},
	/* --- system */
	[FB_M_LATENCY] = {"latency", "system", "Latency", "ms",
		"The chain's own latency plus the port latencies that the driver reports.", SPAN(0, 0, 100),
		LESS},
	[FB_M_DRIFT] = {"drift", "system", "Level drift", "LU/min",
		"Slope of the short-term loudness over active frames: a level that creeps.",
		SPAN(0, -12, 12), AIM(0, 1)},
};

int fb_metric_find(const char *id)
{
	for (int i = 0; i < FB_METRICS; i++) {
		if (strcmp(fb_metric_catalogue[i].id, id) == 0) {
			return i;
		}
	}
	return -1;
}
