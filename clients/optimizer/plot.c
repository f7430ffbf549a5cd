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
	TOP = 66,
	PANEL = 110,
	SCORE = 220,
	GAP = 40,
	MARKS = 4,  /* about as many values along a side */
	NARROW = 24 /* a round thinner than this has no room for its name */
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

/** 1, 2 or 5 times a power of ten, so that some MARKS of them fill a span. */
static double mark_step(double span)
{
	double rough = span / MARKS, power = pow(10.0, floor(log10(rough))), times = rough / power;
	return power * (times < 1.5 ? 1.0 : times < 3.5 ? 2.0 : times < 7.5 ? 5.0 : 10.0);
}

static void print_frame(const panel *p, const char *title, const char *unit)
{
	double step = mark_step(p->high - p->low);
	for (double value = ceil(p->low / step) * step; value <= p->high; value += step) {
		double y = y_of(p, value);
		fprintf(p->to,
			"<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#eee'/>\n"
			"<text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n",
			LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4.0, fabs(value) < 1e-9 * step ? 0.0 : value);
	}
	fprintf(p->to,
		"<rect x='%d' y='%.1f' width='%d' height='%.1f' fill='none' stroke='#999'/>\n"
		"<text x='%d' y='%.1f' font-weight='bold'>",
		LEFT, p->top, WIDTH - LEFT - RIGHT, p->height, LEFT, p->top - 6.0);
	print_text(p->to, title);
	fputs(*unit ? " in " : "", p->to);
	print_text(p->to, unit);
	fputs("</text>\n", p->to);
}

/** Where rounds end, so that what a round brought is seen. named: with their numbers */
static void print_rounds(const panel *p, bool named)
{
	int trials = 1;
	for (int i = 0; i < p->session->rounds; i++) {
		const fb_round *round = &p->session->round[i];
		double from = x_of(p->session, trials - 1);
		trials += round->auditions;
		double x = x_of(p->session, trials - 1);
		fprintf(p->to,
			"<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#ccc' stroke-dasharray='3 "
			"3'/>\n",
			x, x, p->top, p->top + p->height);
		if (named && x - from >= NARROW) {
			char name[16];
			snprintf(name, sizeof name, round->tidying ? "tidy" : "%d", round->number);
			fprintf(p->to, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#777'>%s</text>\n",
				0.5 * (from + x), p->top + p->height - 5.0, name);
		}
	}
}

/** What the goal wants of a metric: how far off its target it may be, and in front of that and of
	the grid the target. */
static void print_tolerance(const panel *p, double target, double tolerance)
{
	double above = fmax(y_of(p, target + tolerance), p->top),
		   below = fmin(y_of(p, target - tolerance), p->top + p->height);
	fprintf(p->to, "<rect x='%d' y='%.1f' width='%d' height='%.1f' fill='#dfd'/>\n", LEFT, above,
		WIDTH - LEFT - RIGHT, fmax(below - above, 0.0));
}

static void print_target(const panel *p, double target)
{
	double y = y_of(p, target);
	fprintf(p->to,
		"<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#4a4' stroke-dasharray='6 3'/>\n", LEFT,
		WIDTH - RIGHT, y, y);
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

static void print_score_panel(panel *p)
{
	const fb_trials *history = &p->session->history;
	double low = 100.0, high = 0.0;
	for (int i = 0; i < history->count; i++) {
		low = fmin(low, history->trial[i].score);
		high = fmax(high, history->trial[i].score);
	}
	set_range(p, low, high);
	print_frame(p, "Score of 100: every audition, and the best so far; by rounds", "");
	print_rounds(p, true);
	print_score(p);
}

static void print_metric_panel(panel *p, int metric)
{
	const fb_session *session = p->session;
	const fb_trials *history = &session->history;
	const char *id = history->metric_id[metric], *label = fb_walk_metric_label(session->tree, id);
	const json_t *goal = json_object_get(session->report, "goal"),
				 *aim = json_object_get(json_object_get(goal, "weights"), id),
				 *target = json_object_get(aim, "target");
	double low = history->trial[0].metric[metric], high = low;
	for (int i = 0, best = 0; i < history->count; i++) {
		best = best_until(history, i, best);
		low = fmin(low, history->trial[best].metric[metric]);
		high = fmax(high, history->trial[best].metric[metric]);
	}
	if (target) {
		low = fmin(low, json_number_value(target));
		high = fmax(high, json_number_value(target));
	}
	set_range(p, low, high);
	if (target) {
		print_tolerance(
			p, json_number_value(target), json_number_value(json_object_get(aim, "tolerance")));
	}
	print_frame(p, *label ? label : id, fb_walk_metric_unit(session->tree, id));
	if (target) {
		print_target(p, json_number_value(target));
	}
	print_rounds(p, false);
	print_metric(p, metric);
}

static void print_title(const panel *p)
{
	const fb_session *session = p->session;
	fprintf(p->to,
		"<text x='%d' y='24' font-size='14' font-weight='bold'>Station %d: %.2f to %.2f of "
		"100</text>\n<text x='%d' y='24' text-anchor='end' fill='#777'>",
		LEFT, session->options.station, fb_session_before(session)->score,
		fb_session_after(session)->score, WIDTH - RIGHT);
	print_text(p->to, session->id);
	fprintf(p->to,
		"</text>\n<text x='%d' y='40' fill='#777'>Green: what the goal wants of a metric. Dashed "
		"upright: where a round ends.</text>\n",
		LEFT);
}

/** How many auditions lie where, below all panels. */
static void print_auditions(const panel *p, double y)
{
	int last = p->session->history.count - 1;
	double step = fmax(mark_step(fmax(last, 1)), 1.0);
	for (double n = step; n <= last + 1; n += step) {
		fprintf(p->to, "<text x='%.1f' y='%.1f' text-anchor='middle'>%.0f</text>\n",
			x_of(p->session, (int)n - 1), y, n);
	}
	fprintf(p->to, "<text x='%d' y='%.1f' text-anchor='end'>auditions (%d)</text>\n", WIDTH - RIGHT,
		y + 16.0, last + 1);
}

static void print_all(const fb_session *session, FILE *to)
{
	int aims[METRICS_MAX], n = main_aims(session, aims);
	int height = TOP + SCORE + n * (PANEL + GAP) + GAP;
	fprintf(to,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' "
		"font-size='11'>\n<rect width='100%%' height='100%%' fill='#fff'/>\n",
		WIDTH, height);
	panel p = {.to = to, .session = session, .top = TOP, .height = SCORE};
	print_title(&p);
	print_score_panel(&p);
	p.height = PANEL;
	for (int a = 0; a < n; a++) {
		p.top = TOP + SCORE + GAP + a * (PANEL + GAP);
		print_metric_panel(&p, session->history.aim[aims[a]]);
	}
	print_auditions(&p, height - GAP + 15.0);
	fputs("</svg>\n", to);
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
