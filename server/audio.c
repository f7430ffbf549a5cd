/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The audio's way in and out, as control follows it: its start, the JACK server's coming and going
	with another rate or period, latencies, xruns. */
#include "server.h"

#include "calibration.h"
#include "meters.h"
#include "tap.h"

#include <string.h>

static const fb_origin origin = {"driver", NULL};

static void touch(fb_server *server, const char *address)
{
	fb_leaf_touch(server->tree, address, &origin);
}

static void tell_names(fb_server *server)
{
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_driver_set_name(server->driver, i, server->channel[i].name);
	}
}

/* --- latencies: the driver tells them to the outside, the meters measure what the player hears */

static void look_after_latency(fb_server *server)
{
	double outside_ms = server->audio.driver.in_latency_ms + server->audio.driver.out_latency_ms;
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_channel *channel = &server->channel[i];
		uint32_t frames = fb_station_latency(channel->station) + fb_engine_latency(server->engine);
		double ms = 1e3 * frames / fb_engine_rate(server->engine) + outside_ms;
		fb_driver_set_latency(server->driver, i, frames);
		if (ms != channel->latency_ms) {
			channel->latency_ms = ms;
			fb_meters_set_latency(server->meters, i, ms);
		}
	}
}

/* --- the JACK server's return */

/** Everything that was prepared for a rate is prepared anew. Patches and values stay. */
static void change_rate(fb_server *server, double rate_hz)
{
	fb_error error;
	fb_engine_set_rate(server->engine, rate_hz);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_channel *channel = &server->channel[i];
		if (fb_station_restart(channel->station, &error)) {
			fb_log("station %u passes its input on: %s: %s", i + 1, error.where, error.text);
		}
	}
	if (fb_meters_restart(server->meters, &error)) {
		fb_log_error("the meters stay at the old rate", &error);
	}
	for (uint32_t i = 0; i < server->n_channels; i++) {
		server->channel[i].latency_ms = -1.0; /* the meters have to be told again */
		fb_meters_set_target(server->meters, i, server->channel[i].goal.target_lufs);
	}
	fb_calibration_change_rate(server->calibration);
	fb_monitor_set_rate(server->monitor, rate_hz);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_proposal_deafen(&server->channel[i], &origin); /* what it plays is of the old rate */
	}
	fb_taps_end(server);
	touch(server, "/server/sample_rate");
}

static void go_on(fb_server *server)
{
	fb_error error;
	if (server->driver->rate_hz != fb_engine_rate(server->engine)) {
		change_rate(server, server->driver->rate_hz);
	}
	fb_engine_set_period(server->engine, server->driver->period);
	if (server->driver->ops->start(server->driver, server->engine, &error)) {
		fb_log_error("audio", &error);
	}
}

/* --- what the driver tells */

static void log_link(const fb_server *server, const fb_driver_state *now)
{
	if (server->audio.driver.running && !now->running) {
		fb_log("the JACK server has gone; waiting for it");
	} else if (!server->audio.driver.running && now->running && server->audio.driver.waiting) {
		fb_log("the JACK server is there, at %g Hz, period %u", fb_engine_rate(server->engine),
			now->period);
	}
	if (*now->trouble && strcmp(now->trouble, server->audio.driver.trouble) != 0) {
		fb_log("jack: %s", now->trouble);
	}
}

static void follow_driver(fb_server *server)
{
	fb_driver_state before = server->audio.driver, now;
	server->driver->ops->state(server->driver, &now);
	log_link(server, &now);
	if (before.running && !now.running) {
		fb_calibration_cut(server->calibration);
	}
	server->audio.driver = now;
	const struct {
		const char *address;
		bool changed;
	} leaf[] = {
		{"/server/running", before.running != now.running},
		{"/server/jack", before.running != now.running},
		{"/server/jack/connections", before.connections != now.connections},
		{"/server/jack/missing", before.missing != now.missing},
		{"/server/freewheel", before.freewheel != now.freewheel},
		{"/server/period", before.period != now.period},
		{"/server/transport/rolling", before.rolling != now.rolling},
		{"/server/transport/bpm", before.bpm != now.bpm},
	};
	for (size_t i = 0; i < sizeof leaf / sizeof *leaf; i++) {
		if (leaf[i].changed) {
			touch(server, leaf[i].address);
		}
	}
}

static void take_xruns(fb_server *server)
{
	fb_audio *audio = &server->audio;
	fb_xrun xrun;
	bool any = false;
	while (fb_ring_read(server->driver->xruns, &xrun)) {
		memmove(audio->xrun + 1, audio->xrun, sizeof audio->xrun - sizeof *audio->xrun);
		audio->xrun[0] = xrun;
		audio->xruns++;
		any = true;
	}
	if (any) {
		static const char *const leaves[] = {"/server/xruns", "/server/xrun/time",
			"/server/xrun/frame", "/server/xrun/late", "/server/xrun/last"};
		for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
			touch(server, leaves[i]);
		}
	}
}

/* --- start and service */

fb_status fb_audio_start(fb_server *server, fb_error *error)
{
	tell_names(server);
	look_after_latency(server);
	fb_status status = server->driver->ops->start(server->driver, server->engine, error);
	if (!status) {
		server->driver->ops->state(server->driver, &server->audio.driver);
	}
	return status;
}

void fb_audio_service(fb_server *server)
{
	if (fb_driver_returned(server->driver)) {
		go_on(server);
	}
	follow_driver(server);
	take_xruns(server);
	look_after_latency(server);
}

bool fb_audio_runs(fb_server *server)
{
	fb_driver_state now;
	server->driver->ops->state(server->driver, &now);
	return now.running;
}
