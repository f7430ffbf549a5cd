/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	METRICS_MAX = 5, /* panels below the score's */
	WIDTH = 760,
	LEFT = 70,
	RIGHT = 20,
	TOP = 40,
	PANEL = 110,
	SCORE = 220,
	GAP = 40
};

typedef struct panel {
	FILE *to;
	const fb_session *session;
	double top, height, low, high; ///< in the picture; of the values
} panel;

static double x_of(const fb_session *session, int trial)
{
	int last = session->history.count > 1 ? session->history.count - 1 : 1;
	return LEFT + (double)(WIDTH - LEFT - RIGHT) * trial / last;
}

static double y_of(const panel *p, double value)
{
	return p->top + p->height * (1.0 - (value - p->low) / (p->high - p->low));
}

/** Text that comes from the tree may hold what XML means something by. */
static void print_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		default:
			fputc((unsigned char)*text < 0x20 ? ' ' : *text, to);
			break;
		}
	}
}

/** A range a little larger than what it has to show. */
static void set_range(panel *p, double low, double high)
{
	double room = high > low ? 0.05 * (high - low) : 0.5;
	p->low = low - room;
	p->high = high + room;
}

static void print_frame(const panel *p, const char *title, const char *unit)
{
	fprintf(p->to,
		"<rect x='%d' y='%.1f' width='%d' height='%.1f' fill='none' stroke='#999'/>\n"
		"<text x='%d' y='%.1f' font-weight='bold'>",
		LEFT, p->top, WIDTH - LEFT - RIGHT, p->height, LEFT, p->top - 6.0);
	print_text(p->to, title);
	fputs(*unit ? " in " : "", p->to);
	print_text(p->to, unit);
	fputs("</text>\n", p->to);
	for (int i = 0; i <= 2; i++) {
		double value = p->low + (p->high - p->low) * i / 2.0;
		fprintf(p->to, "<text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n", LEFT - 6,
			y_of(p, value) + 4.0, value);
	}
}

/** Where rounds end, so that what a round brought is seen. */
static void print_rounds(const panel *p)
{
	int trials = 1;
	for (int i = 0; i < p->session->rounds; i++) {
		trials += p->session->round[i].auditions;
		double x = x_of(p->session, trials - 1);
		fprintf(p->to,
			"<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#ddd' stroke-dasharray='3 "
			"3'/>\n",
			x, x, p->top, p->top + p->height);
	}
}

/** The best so far, trial by trial, as steps. */
static int best_until(const fb_trials *history, int trial, int best)
{
	return history->trial[trial].merit > history->trial[best].merit ? trial : best;
}

static void print_score(const panel *p)
{
	const fb_trials *history = &p->session->history;
	for (int i = 0; i < history->count; i++) {
		fprintf(p->to, "<circle cx='%.1f' cy='%.1f' r='1.6' fill='#aac'/>\n", x_of(p->session, i),
			y_of(p, history->trial[i].score));
	}
	fputs("<polyline fill='none' stroke='#124' stroke-width='2' points='", p->to);
	for (int i = 0, best = 0; i < history->count; i++) {
		best = best_until(history, i, best);
		fprintf(p->to, "%.1f,%.1f ", x_of(p->session, i), y_of(p, history->trial[best].score));
	}
	fputs("'/>\n", p->to);
}

static void print_metric(const panel *p, int metric)
{
	const fb_trials *history = &p->session->history;
	fputs("<polyline fill='none' stroke='#a42' stroke-width='1.5' points='", p->to);
	for (int i = 0, best = 0; i < history->count; i++) {
		best = best_until(history, i, best);
		fprintf(
			p->to, "%.1f,%.1f ", x_of(p->session, i), y_of(p, history->trial[best].metric[metric]));
	}
	fputs("'/>\n", p->to);
}

/** The aims whose part of the goal changed most: what the session was about. */
static int main_aims(const fb_session *session, int aims[METRICS_MAX])
{
	const fb_trial *before = fb_session_before(session), *after = fb_session_after(session);
	int count = 0;
	while (count < METRICS_MAX && count < session->history.aims) {
		int most = -1;
		double by = -1.0;
		for (int i = 0; i < session->history.aims; i++) {
			double moved = fabs(after->part[i] - before->part[i]);
			bool taken = isnan(moved);
			for (int j = 0; j < count; j++) {
				taken = taken || aims[j] == i;
			}
			if (!taken && moved > by) {
				by = moved;
				most = i;
			}
		}
		if (most < 0) {
			break;
		}
		aims[count++] = most;
	}
	return count;
}

static void print_all(const fb_session *session, FILE *to)
{
	int aims[METRICS_MAX], n = main_aims(session, aims), height;
	const fb_trials *history = &session->history;
	double low = 100.0, high = 0.0;
	for (int i = 0; i < history->count; i++) {
		low = fmin(low, history->trial[i].score);
		high = fmax(high, history->trial[i].score);
	}
	height = TOP + SCORE + n * (PANEL + GAP) + GAP;
	fprintf(to,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' "
		"font-size='11'>\n<rect width='100%%' height='100%%' fill='#fff'/>\n",
		WIDTH, height);
	panel p = {.to = to, .session = session, .top = TOP, .height = SCORE};
	set_range(&p, low, high);
	print_rounds(&p);
	print_frame(&p, "Score of 100: every audition, and the best so far", "");
	print_score(&p);
	for (int a = 0; a < n; a++) {
		int metric = history->aim[aims[a]];
		const char *id = history->metric_id[metric];
		p.top = TOP + SCORE + GAP + a * (PANEL + GAP);
		p.height = PANEL;
		low = high = history->trial[0].metric[metric];
		for (int i = 0, best = 0; i < history->count; i++) {
			best = best_until(history, i, best);
			low = fmin(low, history->trial[best].metric[metric]);
			high = fmax(high, history->trial[best].metric[metric]);
		}
		set_range(&p, low, high);
		print_rounds(&p);
		print_frame(
			&p, fb_walk_metric_label(session->tree, id), fb_walk_metric_unit(session->tree, id));
		print_metric(&p, metric);
	}
	fprintf(to, "<text x='%d' y='%d' text-anchor='end'>auditions (%d)</text>\n</svg>\n",
		WIDTH - RIGHT, height - 12, history->count);
}

fb_status fb_plot_write(const fb_session *session, const char *file, fb_error *error)
{
	FILE *to = fopen(file, "we");
	if (!to) {
		return fb_fail(error, FB_IO, file, "cannot be written: %s", strerror(errno));
	}
	print_all(session, to);
	bool bad = ferror(to);
	return fclose(to) || bad ? fb_fail(error, FB_IO, file, "cannot be written: %s", strerror(errno))
							 : FB_OK;
}
