/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The JACK driver: ports, the process callback, latencies. */
#include "midi.h"

#include <jack/jack.h>
#include <jack/metadata.h>
#include <jack/thread.h>
#include <jack/transport.h>
#include <jack/uuid.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct jack {
	fb_driver base;
	jack_client_t *client;
	fb_engine *engine;
	uint32_t stations;
	jack_port_t *in[2 * FB_STATIONS_MAX], *out[2 * FB_STATIONS_MAX];
	fb_jack_midi midi;
	jack_port_t *midi_in, *midi_out, *monitor[2];
	bool active;
	/* written by JACK's threads */
	_Atomic uint32_t xruns, period;
	_Atomic bool gone;
	/* written by control */
	_Atomic uint32_t latency[FB_STATIONS_MAX]; ///< frames, of the chain and the FIFO
} jack;

/* --- JACK's threads */

static void take_tempo(jack *j)
{
	jack_position_t position;
	jack_transport_state_t state = jack_transport_query(j->client, &position);
	bool known = state == JackTransportRolling && (position.valid & JackPositionBBT);
	fb_engine_set_tempo(j->engine, known ? position.beats_per_minute : 0.0);
}

static void play_monitor(jack *j, jack_nframes_t frames)
{
	float *const out[2] = {
		jack_port_get_buffer(j->monitor[0], frames), jack_port_get_buffer(j->monitor[1], frames)};
	fb_monitor_play(j->base.monitor, out, frames);
}

static int on_process(jack_nframes_t frames, void *arg)
{
	jack *j = arg;
	const float *in[2 * FB_STATIONS_MAX];
	float *out[2 * FB_STATIONS_MAX];
	for (uint32_t i = 0; i < 2 * j->stations; i++) {
		in[i] = jack_port_get_buffer(j->in[i], frames);
		out[i] = jack_port_get_buffer(j->out[i], frames);
	}
	take_tempo(j);
	uint64_t start = fb_engine_frame(j->engine);
	fb_jack_midi_receive(&j->midi, j->midi_in, frames, start);
	fb_engine_process(j->engine, in, out, frames);
	play_monitor(j, frames);
	fb_jack_midi_send(&j->midi, j->midi_out, frames, start);
	return 0;
}

/** JACK calls this while process does not run. */
static int on_period(jack_nframes_t frames, void *arg)
{
	jack *j = arg;
	if (j->engine && frames != atomic_load(&j->period)) {
		fb_engine_set_period(j->engine, frames);
	}
	atomic_store(&j->period, frames);
	return 0;
}

static int on_xrun(void *arg)
{
	jack *j = arg;
	atomic_fetch_add_explicit(&j->xruns, 1, memory_order_relaxed);
	return 0;
}

static void on_shutdown(void *arg)
{
	jack *j = arg;
	atomic_store(&j->gone, true);
}

/** What passes a station is later by its chain's latency. */
static void on_latency(jack_latency_callback_mode_t mode, void *arg)
{
	jack *j = arg;
	for (uint32_t i = 0; i < j->stations; i++) {
		uint32_t add = atomic_load_explicit(&j->latency[i], memory_order_relaxed);
		for (uint32_t c = 0; c < 2; c++) {
			jack_port_t *in = j->in[2 * i + c], *out = j->out[2 * i + c];
			jack_latency_range_t range;
			bool forward = mode == JackCaptureLatency;
			jack_port_get_latency_range(forward ? in : out, mode, &range);
			range.min += add;
			range.max += add;
			jack_port_set_latency_range(forward ? out : in, mode, &range);
		}
	}
}

/* --- control */

static void name_port(jack *j, jack_port_t *port, uint32_t station, bool in, uint32_t c)
{
	char pretty[64], order[16];
	jack_uuid_t id = jack_port_uuid(port);
	snprintf(pretty, sizeof pretty, "Station %u %s %c", station + 1, in ? "in" : "out", "LR"[c]);
	snprintf(order, sizeof order, "%u", station * 2 + c);
	/* metadata is for people: a server without it works as well */
	(void)jack_set_property(j->client, id, JACK_METADATA_PRETTY_NAME, pretty, "text/plain");
	(void)jack_set_property(j->client, id, "http://jackaudio.org/metadata/order", order,
		"http://www.w3.org/2001/XMLSchema#integer");
}

static fb_status register_ports(jack *j, fb_error *error)
{
	for (uint32_t i = 0; i < 2 * j->stations; i++) {
		char name[32];
		snprintf(name, sizeof name, "station_%u_in_%c", i / 2 + 1, "LR"[i % 2]);
		j->in[i] = jack_port_register(j->client, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
		snprintf(name, sizeof name, "station_%u_out_%c", i / 2 + 1, "LR"[i % 2]);
		j->out[i] =
			jack_port_register(j->client, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
		if (!j->in[i] || !j->out[i]) {
			return fb_fail(error, FB_TOO_MANY, name, "JACK has no more ports (jackd --port-max)");
		}
		name_port(j, j->in[i], i / 2, true, i % 2);
		name_port(j, j->out[i], i / 2, false, i % 2);
	}
	for (uint32_t c = 0; c < 2; c++) {
		j->monitor[c] = jack_port_register(
			j->client, c ? "monitor_R" : "monitor_L", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
		if (!j->monitor[c]) {
			return fb_fail(
				error, FB_TOO_MANY, "monitor", "JACK has no more ports (jackd --port-max)");
		}
	}
	j->midi_in =
		jack_port_register(j->client, "midi_in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
	j->midi_out =
		jack_port_register(j->client, "midi_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
	if (!j->midi_in || !j->midi_out) {
		return fb_fail(error, FB_TOO_MANY, "midi", "JACK has no more ports (jackd --port-max)");
	}
	return FB_OK;
}

static fb_status start(fb_driver *driver, fb_engine *engine, fb_error *error)
{
	jack *j = (jack *)driver;
	j->engine = engine;
	fb_status status = register_ports(j, error);
	if (!status && jack_activate(j->client)) {
		status = fb_fail(error, FB_IO, "jack", "the JACK server does not let the client start");
	}
	j->active = !status;
	return status;
}

static void stop(fb_driver *driver)
{
	jack *j = (jack *)driver;
	if (j->active) {
		jack_deactivate(j->client);
		j->active = false;
	}
}

/** A thread of the priority that the server's own have. */
static int spawn(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	const jack *j = ctx;
	return jack_client_create_thread(j->client, thread, jack_client_real_time_priority(j->client),
		jack_is_realtime(j->client), run, arg);
}

static double port_latency_ms(const jack *j, jack_port_t *port, jack_latency_callback_mode_t mode)
{
	jack_latency_range_t range;
	jack_port_get_latency_range(port, mode, &range);
	return 1e3 * range.max / j->base.rate_hz;
}

static void state(fb_driver *driver, fb_driver_state *out)
{
	jack *j = (jack *)driver;
	bool running = j->active && !atomic_load(&j->gone);
	*out = (fb_driver_state){.running = running,
		.period = atomic_load(&j->period),
		.xruns = atomic_load_explicit(&j->xruns, memory_order_relaxed)};
	if (running) {
		out->dsp_load = (double)jack_cpu_load(j->client);
		out->in_latency_ms = port_latency_ms(j, j->in[0], JackCaptureLatency);
		out->out_latency_ms = port_latency_ms(j, j->out[0], JackPlaybackLatency);
	}
}

static void set_latency(fb_driver *driver, uint32_t station, uint32_t frames)
{
	jack *j = (jack *)driver;
	if (atomic_exchange_explicit(&j->latency[station], frames, memory_order_relaxed) != frames &&
		j->active && !atomic_load(&j->gone)) {
		jack_recompute_total_latencies(j->client);
	}
}

static bool midi_read(fb_driver *driver, fb_midi_event *out)
{
	return fb_ring_read(((jack *)driver)->midi.received, out);
}

static bool midi_write(fb_driver *driver, const fb_midi_event *event)
{
	return fb_ring_write(((jack *)driver)->midi.to_send, event);
}

/** jack_client_close() stops listening to the server before the server tells of each port that
    goes, with its metadata; with many ports those notices fill the socket and both wait for ever
    (JACK 1.9.21). So the ports go first, while somebody listens. */
static void drop_ports(jack *j)
{
	for (uint32_t i = 0; i < 2 * j->stations && !atomic_load(&j->gone); i++) {
		if (j->in[i]) {
			jack_port_unregister(j->client, j->in[i]);
		}
		if (j->out[i]) {
			jack_port_unregister(j->client, j->out[i]);
		}
	}
}

static void close_jack(fb_driver *driver)
{
	jack *j = (jack *)driver;
	drop_ports(j);
	jack_client_close(j->client);
	fb_jack_midi_finish(&j->midi);
	free(j);
}

static void quiet(const char *text)
{
	(void)text; /* we tell failures ourselves */
}

fb_status fb_driver_jack(const fb_options *options, fb_driver **out, fb_error *error)
{
	static const fb_driver_ops ops = {.start = start,
		.stop = stop,
		.state = state,
		.set_latency = set_latency,
		.midi_read = midi_read,
		.midi_write = midi_write,
		.spawn = spawn,
		.close = close_jack};
	jack_status_t why;
	jack *j = calloc(1, sizeof *j);
	if (!j) {
		return fb_fail(error, FB_NO_MEMORY, "driver", "out of memory");
	}
	fb_status status = fb_jack_midi_init(&j->midi, error);
	if (status) {
		free(j);
		return status;
	}
	if (!options->verbose) {
		jack_set_error_function(quiet);
		jack_set_info_function(quiet);
	}
	j->client = jack_client_open(options->name, JackNoStartServer | JackUseExactName, &why);
	if (!j->client) {
		fb_jack_midi_finish(&j->midi);
		free(j);
		if (!(why &
				JackServerFailed)) { /* it answered: JACK2 has no other word for a name in use */
			return fb_fail(error, FB_EXISTS, "jack",
				"there is a JACK client named \"%s\" already (use --name)", options->name);
		}
		return fb_fail(error, FB_UNAVAILABLE, "jack",
			"no JACK server can be reached (start one, for example: jackd -d dummy, or use "
			"--driver "
			"dummy)");
	}
	j->base = (fb_driver){.ops = &ops,
		.kind = "jack",
		.rate_hz = jack_get_sample_rate(j->client),
		.period = jack_get_buffer_size(j->client)};
	j->stations = options->stations;
	atomic_store(&j->period, j->base.period);
	jack_set_process_callback(j->client, on_process, j);
	jack_set_buffer_size_callback(j->client, on_period, j);
	jack_set_xrun_callback(j->client, on_xrun, j);
	jack_set_latency_callback(j->client, on_latency, j);
	jack_on_shutdown(j->client, on_shutdown, j);
	*out = &j->base;
	return FB_OK;
}
