/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Design of the short FIR filters that interpolate and decimate. Inside metrics/ only. */
#ifndef FB_FIR_H
#define FB_FIR_H

/** sin(pi t) / (pi t) */
double fb_sinc(double t);
/** Kaiser's window at x in -1..1, not normalised: who uses it brings the taps' sum to 1.
	source: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window", 1974 */
double fb_kaiser(double x, double beta);

/** Low-pass for decimation by `factor`: taps of a Kaiser-windowed sinc (80 dB), sum 1.
	range: cutoff in cycles per input sample */
void fb_fir_low_pass(float *taps, unsigned n, double cutoff);

#endif
