/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A second opinion on what happens in JACK: small clients that tests start beside foldback.

	probe tone NAME [HZ]      a client with ports out_1, out_2 (a sine at -12 dBFS) and in_1, in_2;
							  prints "level L R" (peaks since the last line) ten times a second
	probe delay INTO OUT_OF   sends impulses into a port and prints one line "delay N" of how many
							  frames later they come out of another, then what JACK says of the way:
							  "capture MIN MAX" at the end of it, "playback MIN MAX" at its start
	probe tempo BPM           is the timebase master, rolls; on SIGUSR1 it stops or rolls again
	probe bounce IN OUT INTO... FROM...
							  freewheels two channels of float32 through the four ports named, and
							  writes what comes back, from the first frame fed; prints "freewheel
							  FROM TO" in Unix milliseconds
	Prints "ready" when it is connected. Ends on SIGTERM, or with 3 when the server goes. */
#include <jack/jack.h>
#include <jack/transport.h>

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IMPULSE_EVERY = 16384, CHANNELS = 2 };

static volatile sig_atomic_t ended, toggled;
static _Atomic int gone;

static void on_signal(int signal)
{
	if (signal == SIGUSR1) {
		toggled = 1;
	} else {
		ended = 1;
	}
}

static void on_shutdown(void *arg)
{
	(void)arg;
	gone = 1;
}

static void quiet(const char *text)
{
	(void)text;
}

static void fail(const char *what)
{
	fprintf(stderr, "probe: %s\n", what);
	exit(1);
}

static jack_client_t *open_client(const char *name, JackProcessCallback process, void *arg)
{
	jack_set_info_function(quiet);
	jack_client_t *client = jack_client_open(name, JackNoStartServer, NULL);
	if (!client) {
		fail("no JACK server");
	}
	jack_on_shutdown(client, on_shutdown, NULL);
	if (process) {
		jack_set_process_callback(client, process, arg);
	}
	return client;
}

static jack_port_t *add_port(jack_client_t *client, const char *name, unsigned long flags)
{
	jack_port_t *port = jack_port_register(client, name, JACK_DEFAULT_AUDIO_TYPE, flags, 0);
	if (!port) {
		fail("no port");
	}
	return port;
}

static void start(jack_client_t *client)
{
	if (jack_activate(client)) {
		fail("cannot be activated");
	}
}

static void join(jack_client_t *client, const char *from, const char *to)
{
	if (jack_connect(client, from, to)) {
		fail("cannot be connected");
	}
}

static void tell(const char *line)
{
	puts(line);
	fflush(stdout);
}

static int finish(jack_client_t *client)
{
	if (gone) {
		return 3;
	}
	jack_client_close(client);
	return 0;
}

/* --- tone */

static struct {
	jack_port_t *in[CHANNELS], *out[CHANNELS];
	double phase, step;
	_Atomic float peak[CHANNELS];
} tone;

static int on_tone(jack_nframes_t frames, void *arg)
{
	(void)arg;
	float *out[CHANNELS] = {
		jack_port_get_buffer(tone.out[0], frames), jack_port_get_buffer(tone.out[1], frames)};
	for (int c = 0; c < CHANNELS; c++) {
		const float *in = jack_port_get_buffer(tone.in[c], frames);
		for (jack_nframes_t i = 0; i < frames; i++) {
			tone.peak[c] = fmaxf(tone.peak[c], fabsf(in[i]));
		}
	}
	for (jack_nframes_t i = 0; i < frames; i++) {
		out[0][i] = out[1][i] = 0.25f * (float)sin(tone.phase);
		tone.phase = fmod(tone.phase + tone.step, 2.0 * M_PI);
	}
	return 0;
}

static int run_tone(const char *name, double hz)
{
	jack_client_t *client = open_client(name, on_tone, NULL);
	tone.step = 2.0 * M_PI * hz / jack_get_sample_rate(client);
	for (int c = 0; c < CHANNELS; c++) {
		char port[16];
		snprintf(port, sizeof port, "in_%d", c + 1);
		tone.in[c] = add_port(client, port, JackPortIsInput);
		snprintf(port, sizeof port, "out_%d", c + 1);
		tone.out[c] = add_port(client, port, JackPortIsOutput);
	}
	start(client);
	tell("ready");
	while (!ended && !gone) {
		usleep(100000);
		printf("level %.4f %.4f\n", (double)atomic_exchange(&tone.peak[0], 0.0f),
			(double)atomic_exchange(&tone.peak[1], 0.0f));
		fflush(stdout);
	}
	return finish(client);
}

/* --- delay: two clients, or the way would be a loop and a period longer */

static struct {
	jack_port_t *in, *out;
	jack_nframes_t sent;    ///< frame time of the last impulse
	_Atomic uint32_t delay; ///< of the last impulse that came back
	_Atomic uint32_t alike; ///< how many in a row had it: an xrun spoils one
	_Atomic int deaf;       ///< the sound of the last impulse is not over yet
} way;

static int on_send(jack_nframes_t frames, void *arg)
{
	float *out = jack_port_get_buffer(way.out, frames);
	jack_nframes_t now = jack_last_frame_time(arg);
	memset(out, 0, frames * sizeof *out);
	if (now - way.sent >= IMPULSE_EVERY) {
		out[0] = 0.25f;
		way.sent = now;
		way.deaf = 0;
	}
	return 0;
}

static int on_hear(jack_nframes_t frames, void *arg)
{
	const float *in = jack_port_get_buffer(way.in, frames);
	jack_nframes_t now = jack_last_frame_time(arg);
	for (jack_nframes_t i = 0; i < frames && !way.deaf; i++) {
		if (fabsf(in[i]) > 0.05f) {
			way.alike = way.delay == now + i - way.sent ? way.alike + 1 : 0;
			way.delay = now + i - way.sent;
			way.deaf = 1;
		}
	}
	return 0;
}

static void tell_range(const char *what, jack_port_t *port, jack_latency_callback_mode_t mode)
{
	jack_latency_range_t range;
	jack_port_get_latency_range(port, mode, &range);
	printf("%s %u %u\n", what, range.min, range.max);
}

static int run_delay(const char *into, const char *out_of)
{
	jack_client_t *sender = open_client("probe_sender", NULL, NULL);
	jack_client_t *hearer = open_client("probe_hearer", NULL, NULL);
	jack_set_process_callback(sender, on_send, sender);
	jack_set_process_callback(hearer, on_hear, hearer);
	way.deaf = 1;
	way.out = add_port(sender, "out", JackPortIsOutput);
	way.in = add_port(hearer, "in", JackPortIsInput);
	start(sender);
	start(hearer);
	join(sender, jack_port_name(way.out), into);
	join(hearer, out_of, jack_port_name(way.in));
	tell("ready");
	for (int i = 0; i < 2000 && way.alike < 2 && !ended && !gone; i++) {
		usleep(10000); /* the first ones may fall into a fade */
	}
	if (way.alike < 2) {
		fail("nothing came back");
	}
	printf("delay %u\n", way.delay);
	tell_range("capture", way.in, JackCaptureLatency);
	tell_range("playback", way.out, JackPlaybackLatency);
	jack_client_close(sender);
	return finish(hearer);
}

/* --- tempo */

static void on_timebase(jack_transport_state_t state, jack_nframes_t frames,
	jack_position_t *position, int is_new, void *arg)
{
	(void)state, (void)frames, (void)is_new;
	double bpm = *(double *)arg, beat = position->frame * bpm / (60.0 * position->frame_rate);
	position->valid = JackPositionBBT;
	position->beats_per_bar = position->beat_type = 4.0f;
	position->ticks_per_beat = 1920.0;
	position->beats_per_minute = bpm;
	position->bar = (int32_t)(beat / 4.0) + 1;
	position->beat = (int32_t)fmod(beat, 4.0) + 1;
	position->tick = (int32_t)(fmod(beat, 1.0) * position->ticks_per_beat);
	position->bar_start_tick = 0.0;
}

static int run_tempo(double bpm)
{
	bool rolls = true;
	jack_client_t *client = open_client("probe_tempo", NULL, NULL);
	start(client);
	if (jack_set_timebase_callback(client, 0, on_timebase, &bpm)) {
		fail("cannot be timebase master");
	}
	jack_transport_start(client);
	tell("ready");
	while (!ended && !gone) {
		usleep(10000);
		if (toggled) {
			toggled = 0;
			rolls = !rolls;
			if (rolls) {
				jack_transport_start(client);
			} else {
				jack_transport_stop(client);
			}
		}
	}
	return finish(client);
}

/* --- bounce */

static struct {
	jack_port_t *in[CHANNELS], *out[CHANNELS];
	float *fed, *heard; ///< interleaved
	size_t frames;
	_Atomic size_t sent, got;
	_Atomic int freewheels;
} bounce;

static int on_feed(jack_nframes_t frames, void *arg)
{
	(void)arg;
	float *out[CHANNELS] = {
		jack_port_get_buffer(bounce.out[0], frames), jack_port_get_buffer(bounce.out[1], frames)};
	for (jack_nframes_t i = 0; i < frames; i++) {
		bool feed = bounce.freewheels && bounce.sent + i < bounce.frames;
		for (int c = 0; c < CHANNELS; c++) {
			out[c][i] = feed ? bounce.fed[CHANNELS * (bounce.sent + i) + (size_t)c] : 0.0f;
		}
	}
	bounce.sent += bounce.freewheels ? frames : 0;
	return 0;
}

static int on_take(jack_nframes_t frames, void *arg)
{
	(void)arg;
	const float *in[CHANNELS] = {
		jack_port_get_buffer(bounce.in[0], frames), jack_port_get_buffer(bounce.in[1], frames)};
	if (bounce.sent == bounce.got) {
		return 0; /* the sender, which runs before us in every period, has not begun */
	}
	for (jack_nframes_t i = 0; i < frames && bounce.got + i < bounce.frames; i++) {
		for (int c = 0; c < CHANNELS; c++) {
			bounce.heard[CHANNELS * (bounce.got + i) + (size_t)c] = in[c][i];
		}
	}
	bounce.got += frames;
	return 0;
}

static void on_freewheel(int starting, void *arg)
{
	(void)arg;
	bounce.freewheels = starting;
}

static void read_sound(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END)) {
		fail("cannot read the sound");
	}
	bounce.frames = (size_t)ftell(file) / (CHANNELS * sizeof(float));
	rewind(file);
	bounce.fed = calloc(bounce.frames + 1, CHANNELS * sizeof(float));
	bounce.heard = calloc(bounce.frames + 1, CHANNELS * sizeof(float));
	if (!bounce.fed || !bounce.heard ||
		fread(bounce.fed, CHANNELS * sizeof(float), bounce.frames, file) != bounce.frames) {
		fail("cannot read the sound");
	}
	fclose(file);
}

static long long unix_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return 1000ll * t.tv_sec + t.tv_nsec / 1000000;
}

static int run_bounce(char **argv)
{
	read_sound(argv[0]);
	jack_client_t *sender = open_client("probe_sender", on_feed, NULL);
	jack_client_t *hearer = open_client("probe_hearer", on_take, NULL);
	jack_set_freewheel_callback(sender, on_freewheel, NULL);
	for (int c = 0; c < CHANNELS; c++) {
		bounce.out[c] = add_port(sender, c ? "out_2" : "out_1", JackPortIsOutput);
		bounce.in[c] = add_port(hearer, c ? "in_2" : "in_1", JackPortIsInput);
	}
	start(hearer);
	start(sender);
	for (int c = 0; c < CHANNELS; c++) {
		join(sender, jack_port_name(bounce.out[c]), argv[2 + c]);
		join(hearer, argv[4 + c], jack_port_name(bounce.in[c]));
	}
	tell("ready");
	jack_set_freewheel(sender, 1);
	while (!bounce.sent && !gone && !ended) {
		usleep(1000);
	}
	long long began = unix_ms();
	while (bounce.got < bounce.frames && !gone && !ended) {
		usleep(1000);
	}
	printf("freewheel %lld %lld\n", began, unix_ms());
	jack_set_freewheel(sender, 0);
	jack_client_close(sender);
	FILE *file = fopen(argv[1], "wb");
	if (!file ||
		fwrite(bounce.heard, CHANNELS * sizeof(float), bounce.frames, file) != bounce.frames ||
		fclose(file)) {
		fail("cannot write the sound");
	}
	return finish(hearer);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "tone") && argc > 2) {
		return run_tone(argv[2], argc > 3 ? atof(argv[3]) : 1000.0);
	}
	if (!strcmp(what, "delay") && argc == 4) {
		return run_delay(argv[2], argv[3]);
	}
	if (!strcmp(what, "tempo") && argc == 3) {
		return run_tempo(atof(argv[2]));
	}
	if (!strcmp(what, "bounce") && argc == 8) {
		return run_bounce(argv + 2);
	}
	fprintf(stderr, "probe: see its source for what it can do\n");
	return 2;
}
