/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVERY_S 0.1

static double shown_s;
static bool shown;

double fb_progress_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void fb_progress_show(const char *what, double done, double total)
{
	double now = fb_progress_now();
	if (!isatty(STDERR_FILENO) || (shown && now - shown_s < EVERY_S)) {
		return;
	}
	shown = true;
	shown_s = now;
	if (total > 0.0) {
		fprintf(stderr, "\r\033[K%s %3.0f %%", what, 100.0 * (done < total ? done / total : 1.0));
	} else {
		fprintf(stderr, "\r\033[K%s %.0f s", what, done);
	}
}

void fb_progress_end(void)
{
	if (shown) {
		fputs("\r\033[K", stderr);
		shown = false;
	}
}
