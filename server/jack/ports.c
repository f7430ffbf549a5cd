/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Our ports: their names, their order, and how people see them. */
#include "jack.h"

#include <jack/metadata.h>
#include <jack/uuid.h>

#include <stdio.h>
#include <string.h>

static bool is_midi(const fb_jack *j, uint32_t port)
{
	return port >= 4 * j->stations + 2;
}

static bool is_monitor(const fb_jack *j, uint32_t port)
{
	return port >= 4 * j->stations && !is_midi(j, port);
}

bool fb_jack_port_is_input(const fb_jack *j, uint32_t port)
{
	return is_midi(j, port) ? port % 4 == 2 : !is_monitor(j, port) && port % 4 < 2;
}

void fb_jack_port_name(const fb_jack *j, uint32_t port, char name[FB_JACK_PORT_LEN])
{
	const char *way = fb_jack_port_is_input(j, port) ? "in" : "out";
	if (is_midi(j, port)) {
		snprintf(name, FB_JACK_PORT_LEN, "midi_%s", way);
	} else if (is_monitor(j, port)) {
		snprintf(name, FB_JACK_PORT_LEN, "monitor_%c", "LR"[port % 2]);
	} else {
		snprintf(name, FB_JACK_PORT_LEN, "station_%u_%s_%c", port / 4 + 1, way, "LR"[port % 2]);
	}
}

int fb_jack_port_find(const fb_jack *j, const char *name)
{
	for (uint32_t i = 0; i < j->n_ports; i++) {
		char own[FB_JACK_PORT_LEN];
		fb_jack_port_name(j, i, own);
		if (!strcmp(own, name)) {
			return (int)i;
		}
	}
	return -1;
}

fb_status fb_jack_register(fb_jack *j, fb_error *error)
{
	for (uint32_t i = 0; i < j->n_ports; i++) {
		char name[FB_JACK_PORT_LEN];
		fb_jack_port_name(j, i, name);
		j->described[i][0] = '\0';
		j->port[i] = jack_port_register(j->client, name,
			is_midi(j, i) ? JACK_DEFAULT_MIDI_TYPE : JACK_DEFAULT_AUDIO_TYPE,
			fb_jack_port_is_input(j, i) ? JackPortIsInput : JackPortIsOutput, 0);
		if (!j->port[i]) {
			return fb_fail(error, FB_TOO_MANY, name, "JACK has no more ports (jackd --port-max)");
		}
	}
	return FB_OK;
}

/** jack_client_close() stops listening to the server before the server tells of each port that
    goes, with its metadata; with many ports those notices fill the socket and both wait for ever
    (JACK 1.9.21). So the ports go first, while somebody listens. */
void fb_jack_unregister(fb_jack *j)
{
	for (uint32_t i = 0; i < j->n_ports && !atomic_load(&j->gone); i++) {
		if (j->port[i]) {
			jack_port_unregister(j->client, j->port[i]);
		}
	}
	memset(j->port, 0, sizeof j->port);
}

/** What a person reads: "Lead vocal in L". */
static void pretty_name(fb_jack *j, uint32_t port, char *out, size_t size)
{
	const char *way = fb_jack_port_is_input(j, port) ? "in" : "out";
	if (is_midi(j, port)) {
		snprintf(out, size, "MIDI %s", way);
		return;
	}
	if (is_monitor(j, port)) {
		snprintf(out, size, "Monitor %c", "LR"[port % 2]);
		return;
	}
	pthread_mutex_lock(&j->lock);
	snprintf(out, size, "%s %s %c", j->name[port / 4], way, "LR"[port % 2]);
	pthread_mutex_unlock(&j->lock);
}

void fb_jack_describe(fb_jack *j)
{
	for (uint32_t i = 0; i < j->n_ports && !atomic_load(&j->gone); i++) {
		char pretty[FB_JACK_PRETTY_LEN], order[16];
		jack_uuid_t id = jack_port_uuid(j->port[i]);
		pretty_name(j, i, pretty, sizeof pretty);
		/* metadata is for people: a server without it works as well */
		if (strcmp(pretty, j->described[i])) {
			(void)jack_set_property(j->client, id, JACK_METADATA_PRETTY_NAME, pretty, "text/plain");
		}
		if (!*j->described[i]) {
			snprintf(order, sizeof order, "%u", i);
			(void)jack_set_property(j->client, id, JACK_METADATA_ORDER, order,
				"http://www.w3.org/2001/XMLSchema#integer");
		}
		snprintf(j->described[i], sizeof j->described[i], "%s", pretty);
	}
}
