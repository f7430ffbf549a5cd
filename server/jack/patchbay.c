/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jack.h"

#include <jansson.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOUBT_S 0.5   /* a server that ends takes its connections apart before it tells clients */
#define SETTLE_S 0.25 /* a client whose ports appear is not active yet; JACK 1.9.21 may never run */
					  /* one that is connected in the same moment */
enum { TRIES_MAX = 50 }; /* to make a connection that JACK refuses */

/* --- the list */

static void drop(fb_patchbay *bay, uint32_t index)
{
	free(bay->cable[index].own);
	free(bay->cable[index].peer);
	bay->cable[index] = bay->cable[--bay->n];
	bay->changed = true;
}

static fb_cable *find(fb_patchbay *bay, const char *own, const char *peer)
{
	for (uint32_t i = 0; i < bay->n; i++) {
		if (!strcmp(bay->cable[i].own, own) && !strcmp(bay->cable[i].peer, peer)) {
			return &bay->cable[i];
		}
	}
	return NULL;
}

static bool grow(fb_patchbay *bay)
{
	if (bay->n == bay->room) {
		uint32_t room = 2 * bay->room + 16;
		fb_cable *cable = realloc(bay->cable, room * sizeof *cable);
		if (!cable) {
			return false;
		}
		bay->cable = cable;
		bay->room = room;
	}
	return true;
}

/** The cable between them, new if need be; NULL when out of memory. */
static fb_cable *note(fb_patchbay *bay, const char *own, const char *peer)
{
	fb_cable *cable = find(bay, own, peer);
	if (cable || !grow(bay)) {
		return cable;
	}
	fb_cable made = {.own = strdup(own), .peer = strdup(peer)};
	if (!made.own || !made.peer) {
		free(made.own);
		free(made.peer);
		return NULL;
	}
	bay->cable[bay->n] = made;
	bay->changed = true;
	return &bay->cable[bay->n++];
}

void fb_patchbay_lose(fb_patchbay *bay, double now_s)
{
	for (uint32_t i = 0; i < bay->n; i++) {
		bay->cable[i].made = false;
		bay->cable[i].doubt_s = 0.0;
		bay->cable[i].tries = 0;
	}
	bay->settled_s = now_s + SETTLE_S;
}

void fb_patchbay_forget(fb_patchbay *bay)
{
	for (uint32_t i = bay->n; i-- > 0;) {
		if (!bay->cable[i].made) {
			drop(bay, i);
		}
	}
}

/* --- looking */

/** Ports that appeared since the last look: one of that name may have been connected before, but
	what is there now is another. */
static void take_fresh(fb_jack *j, double now_s)
{
	fb_patchbay *bay = &j->patchbay;
	jack_port_id_t id;
	while (fb_ring_read(j->fresh, &id)) {
		bay->settled_s = now_s + SETTLE_S;
		const jack_port_t *port = jack_port_by_id(j->client, id);
		const char *name = port ? jack_port_name(port) : NULL;
		for (uint32_t i = bay->n; name && i-- > 0;) {
			if (strcmp(bay->cable[i].peer, name) != 0) {
				continue;
			}
			bay->cable[i].tries = 0;
			if (!bay->cable[i].made) {
				continue;
			}
			if (atomic_load(&j->restore)) {
				bay->cable[i].made = false;
			} else {
				drop(bay, i); /* if it is connected, it is found again now */
			}
		}
	}
}

static void see(fb_jack *j, double now_s)
{
	for (uint32_t i = 0; i < j->n_ports; i++) {
		char own[FB_JACK_PORT_LEN];
		const char **peers = jack_port_get_all_connections(j->client, j->port[i]);
		fb_jack_port_name(j, i, own);
		for (uint32_t k = 0; peers && peers[k]; k++) {
			fb_cable *cable = note(&j->patchbay, own, peers[k]);
			if (cable) {
				cable->made = cable->seen = true;
				cable->doubt_s = 0.0;
				cable->seen_s = now_s;
			}
		}
		jack_free(peers);
	}
}

static void make(fb_jack *j, fb_cable *cable, int port)
{
	char own[FB_JACK_PORT_LEN + 80];
	snprintf(own, sizeof own, "%s:%s", jack_get_client_name(j->client), cable->own);
	bool in = fb_jack_port_is_input(j, (uint32_t)port);
	int why = jack_connect(j->client, in ? cable->peer : own, in ? own : cable->peer);
	cable->made = !why || why == EEXIST;
	cable->tries++;
	cable->doubt_s = 0.0;
}

enum { KEEP, DOUBT, DROP };

/** What becomes of a cable that was not seen. */
static int judge(fb_jack *j, fb_cable *cable, double now_s)
{
	int port = fb_jack_port_find(j, cable->own); /* -1: of a station that we do not have today */
	bool there = port >= 0 && jack_port_by_name(j->client, cable->peer);
	if (!cable->made) {
		if (there && cable->tries < TRIES_MAX && now_s >= j->patchbay.settled_s) {
			make(j, cable, port);
		}
		return there && !cable->made && cable->tries < TRIES_MAX ? DOUBT : KEEP;
	}
	if (cable->doubt_s == 0.0) {
		cable->doubt_s = now_s;
	}
	if (now_s - cable->doubt_s < DOUBT_S) {
		return DOUBT;
	}
	if (!there && atomic_load(&j->restore)) {
		cable->made = false;
		return KEEP;
	}
	return DROP;
}

static uint32_t missing(const fb_patchbay *bay)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < bay->n; i++) {
		n += !bay->cable[i].made;
	}
	return n;
}

/** Clients whose names are new each time would fill the list for ever. */
static void forget_oldest(fb_patchbay *bay)
{
	for (uint32_t n = missing(bay); n > FB_CABLES_MISSING_MAX; n--) {
		uint32_t oldest = bay->n;
		for (uint32_t i = 0; i < bay->n; i++) {
			const fb_cable *cable = &bay->cable[i];
			if (!cable->made && (oldest == bay->n || cable->seen_s < bay->cable[oldest].seen_s)) {
				oldest = i;
			}
		}
		drop(bay, oldest);
	}
}

static void count(fb_jack *j)
{
	uint32_t gone = missing(&j->patchbay);
	atomic_store(&j->connections, j->patchbay.n - gone);
	atomic_store(&j->missing, gone);
}

bool fb_patchbay_look(fb_jack *j, double now_s)
{
	fb_patchbay *bay = &j->patchbay;
	bool doubts = false;
	for (uint32_t i = 0; i < bay->n; i++) {
		bay->cable[i].seen = false;
	}
	take_fresh(j, now_s);
	see(j, now_s);
	for (uint32_t i = bay->n; i-- > 0 && !atomic_load(&j->gone);) {
		int verdict = bay->cable[i].seen ? KEEP : judge(j, &bay->cable[i], now_s);
		doubts = doubts || verdict == DOUBT;
		if (verdict == DROP) {
			drop(bay, i);
		}
	}
	forget_oldest(bay);
	count(j);
	return doubts;
}

/* --- the file: {"station_1_in_L": ["system:capture_1"]} */

static fb_status take_json(fb_patchbay *bay, const json_t *json, fb_error *error)
{
	const char *own;
	json_t *peers;
	size_t i;
	json_t *peer;
	if (!json_is_object(json)) {
		return fb_fail(error, FB_INVALID, bay->path, "needs an object {\"port\": [\"peer\"]}");
	}
	json_object_foreach((json_t *)(uintptr_t)json, own, peers)
	{
		if (!json_is_array(peers)) {
			return fb_fail(error, FB_INVALID, bay->path, "\"%s\" needs a list of ports", own);
		}
		json_array_foreach(peers, i, peer)
		{
			if (!json_is_string(peer)) {
				return fb_fail(error, FB_INVALID, bay->path, "\"%s\" needs names of ports", own);
			}
			if (!note(bay, own, json_string_value(peer))) {
				return fb_fail(error, FB_NO_MEMORY, bay->path, "out of memory");
			}
		}
	}
	return FB_OK;
}

static fb_status read_file(fb_patchbay *bay, fb_error *error)
{
	json_error_t why;
	if (access(bay->path, F_OK)) {
		return FB_OK; /* nothing was kept yet */
	}
	json_t *json = json_load_file(bay->path, JSON_REJECT_DUPLICATES, &why);
	if (!json) {
		return fb_fail(error, FB_INVALID, bay->path, "line %d: %s", why.line, why.text);
	}
	fb_status status = take_json(bay, json, error);
	json_decref(json);
	bay->changed = false;
	return status;
}

fb_status fb_patchbay_init(fb_patchbay *bay, const char *path, bool read, fb_error *error)
{
	*bay = (fb_patchbay){.path = strdup(path)};
	if (!bay->path) {
		return fb_fail(error, FB_NO_MEMORY, "connections", "out of memory");
	}
	fb_status status = read ? read_file(bay, error) : FB_OK;
	if (status) {
		fb_patchbay_finish(bay);
	}
	return status;
}

void fb_patchbay_finish(fb_patchbay *bay)
{
	while (bay->n) {
		drop(bay, bay->n - 1);
	}
	free(bay->cable);
	free(bay->path);
	*bay = (fb_patchbay){0};
}

static json_t *to_json(const fb_patchbay *bay)
{
	json_t *json = json_object();
	for (uint32_t i = 0; i < bay->n; i++) {
		json_t *peers = json_object_get(json, bay->cable[i].own);
		if (!peers) {
			peers = json_array();
			json_object_set_new(json, bay->cable[i].own, peers);
		}
		json_array_append_new(peers, json_string(bay->cable[i].peer));
	}
	return json;
}

/** On the disk when it returns true, else errno says why not. */
static bool write_file(const json_t *json, const char *path)
{
	FILE *file = fopen(path, "we");
	if (!file) {
		return false;
	}
	bool good = !json_dumpf(json, file, JSON_INDENT(1) | JSON_SORT_KEYS) && !fflush(file) &&
				!fsync(fileno(file));
	int why = errno;
	good = !fclose(file) && good;
	errno = good ? errno : why;
	return good;
}

bool fb_patchbay_write(fb_patchbay *bay, fb_error *error)
{
	size_t size = strlen(bay->path) + 5;
	char *fresh = malloc(size);
	json_t *json = to_json(bay);
	errno = ENOMEM;
	bool good = fresh && json;
	if (good) {
		/* the old file stays whole until the new one is, also where the power fails */
		snprintf(fresh, size, "%s.new", bay->path);
		good = write_file(json, fresh) && !rename(fresh, bay->path);
	}
	bay->changed = !good;
	if (!good) {
		fb_fail(error, FB_IO, bay->path, "the connections cannot be kept: %s", strerror(errno));
	}
	free(fresh);
	json_decref(json);
	return good;
}
