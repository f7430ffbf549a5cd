/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "programme.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *file, const char *why)
{
	fprintf(stderr, "%s: %s\n", file, why);
	exit(1);
}

void programme_read(programme *p, const char *file)
{
	SF_INFO info = {0};
	SNDFILE *sound = sf_open(file, SFM_READ, &info);
	if (!sound || info.channels != 2 || info.frames < 1) {
		die(file, sound ? "not stereo, or empty" : sf_strerror(NULL));
	}
	p->rate_hz = info.samplerate;
	p->frames = (size_t)info.frames;
	float *both = malloc(2 * p->frames * sizeof *both);
	for (int c = 0; c < 2; c++) {
		p->channel[c] = malloc(p->frames * sizeof(float));
	}
	if (!both || !p->channel[0] || !p->channel[1]) {
		die(file, "out of memory");
	}
	if (sf_readf_float(sound, both, info.frames) != info.frames) {
		die(file, "shorter than it says");
	}
	for (size_t i = 0; i < p->frames; i++) {
		p->channel[0][i] = both[2 * i];
		p->channel[1][i] = both[2 * i + 1];
	}
	free(both);
	sf_close(sound);
}

void programme_free(programme *p)
{
	free(p->channel[0]);
	free(p->channel[1]);
}

void programme_take(const programme *p, size_t listener, size_t count, size_t at, size_t frames,
	float *left, float *right)
{
	at = (at + p->frames / count * listener) % p->frames;
	for (size_t done = 0; done < frames;) {
		size_t n = frames - done < p->frames - at ? frames - done : p->frames - at;
		memcpy(left + done, p->channel[0] + at, n * sizeof(float));
		memcpy(right + done, p->channel[1] + at, n * sizeof(float));
		done += n;
		at = (at + n) % p->frames;
	}
}

double thread_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
