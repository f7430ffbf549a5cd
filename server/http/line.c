/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which request comes next. One is served at once if little is to be done, or nothing else was; the
	others stand in line, and those come first whose address has taken least of late, and that take
	least. So the loop has a bounded time for requests at each turn, and a flood waits for itself.
	thread: control */
#include "request.h"

#include "route.h"

enum {
	QUICK_US = 500, ///< what takes less need not wait, of those who have taken little
	TURN_NOW_US = 1 ///< at the next turn of the loop, which then does not wait
};

/** Of a turn of the loop, for requests; then everything else has its turn. */
static const double BUSY_MAX_S = 0.004;

/** Which question it is. */
static uint32_t question(const fb_request *request)
{
	uint32_t hash = 2166136261u ^ (uint32_t)request->method;
	const char *texts[] = {request->path, request->query};
	for (int i = 0; i < 2; i++) {
		for (const char *at = texts[i]; *at; at++) {
			hash = (hash ^ (unsigned char)*at) * 16777619u;
		}
	}
	return (hash ^ (hash >> 16)) % FB_USUAL;
}

/** Quick to believe that it takes less, slow that it takes more: we may have been kept waiting. */
static void learn(uint32_t *usual_us, uint32_t took_us)
{
	if (!*usual_us || took_us < *usual_us) {
		*usual_us = took_us;
	} else {
		uint32_t more = took_us - *usual_us;
		*usual_us += (more < *usual_us ? more : *usual_us) / 8;
	}
}

static void answer(fb_request *request)
{
	fb_asked asked = {.server = request->http->server,
		.method = request->method,
		.path = request->path,
		.query = request->query,
		.body = request->body ? request->body : "",
		.body_len = request->body_len,
		.content_type = request->type,
		.accept = request->accept,
		.if_none_match = request->if_none_match,
		.may_write = request->may_write,
		.origin = {request->origin, NULL}};
	if (request->fault) {
		request->http->stats.refused += request->fault == 429 || request->fault == 503;
		fb_http_answer_fault(request, request->fault, request->path, "%s", request->fault_text);
	} else {
		fb_route_handle(request, &asked);
	}
}

static void serve(fb_request *request)
{
	struct lws *wsi = request->wsi;
	fb_http *http = request->http;
	uint32_t other = 0, *usual_us = request->fault ? &other : &http->usual_us[question(request)];
	double before_s = fb_now_s();
	int64_t began_us = fb_account_clock_us();
	answer(request);
	double took_s = fb_now_s() - before_s;
	learn(usual_us, 1 + (uint32_t)(took_s * 1e6));
	fb_peers_spend(wsi, fb_account_clock_us() - began_us);
	http->busy_s += took_s;
}

/* --- the line */

void fb_line_leave(fb_request *request)
{
	if (!request->waits) {
		return;
	}
	fb_request **at = &request->http->waiting;
	while (*at != request) {
		at = &(*at)->next_waiting;
	}
	*at = request->next_waiting;
	request->http->n_waiting--;
	request->waits = false;
}

static fb_request *next_in_line(const fb_http *http)
{
	fb_request *best = NULL;
	int64_t least_us = INT64_MAX;
	for (fb_request *at = http->waiting; at; at = at->next_waiting) {
		int64_t us = fb_peers_spent_us(at->wsi) + http->usual_us[question(at)];
		if (us < least_us) {
			best = at;
			least_us = us;
		}
	}
	return best;
}

/** Take it out of the line and serve it. */
static void serve_next(fb_request *next, bool late)
{
	if (late && !next->fault) {
		next->fault = 503;
		next->fault_text = "there is too much to do now";
		fb_http_add_header(next, "retry-after", "1");
	}
	fb_line_leave(next);
	lws_rx_flow_control(next->wsi, 1);
	serve(next);
}

/** Go on with those in line, as long as a turn may take; what is known to take long begins one. */
static void on_turn(lws_sorted_usec_list_t *sul)
{
	fb_http *http = lws_container_of(sul, fb_http, serve);
	double now_s = fb_now_s();
	http->busy_s = 0.0;
	while (http->waiting && http->busy_s < BUSY_MAX_S) {
		/* the first has waited longest */
		bool late = now_s - http->waiting->joined_s > FB_WAIT_S;
		fb_request *next = late ? http->waiting : next_in_line(http);
		double usual_s = late ? 0.0 : 1e-6 * http->usual_us[question(next)];
		if (http->busy_s > 0.0 && http->busy_s + usual_s > BUSY_MAX_S) {
			break;
		}
		serve_next(next, late);
	}
	if (http->waiting) {
		lws_sul_schedule(http->context, 0, &http->serve, on_turn, TURN_NOW_US);
	}
}

void fb_line_join(fb_request *request)
{
	fb_http *http = request->http;
	fb_peers_busy(http->peers, request->wsi, true);
	uint32_t usual_us = http->usual_us[question(request)];
	bool good = fb_peers_spent_us(request->wsi) < FB_ACCOUNT_GOOD_US;
	bool quick = good && usual_us && usual_us < QUICK_US;
	if (quick || (http->busy_s < BUSY_MAX_S && (good || !http->waiting))) {
		serve(request);
		return;
	}
	/* what it sends meanwhile stays in the kernel */
	lws_rx_flow_control(request->wsi, 0);
	fb_request **at = &http->waiting;
	while (*at) {
		at = &(*at)->next_waiting;
	}
	*at = request;
	request->next_waiting = NULL;
	request->waits = true;
	request->joined_s = fb_now_s();
	http->n_waiting++;
	lws_sul_schedule(http->context, 0, &http->serve, on_turn, TURN_NOW_US);
}
