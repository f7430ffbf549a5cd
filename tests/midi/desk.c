/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A control surface made of JACK's MIDI ports, for tests.
	usage: desk CLIENT   (foldback's name in JACK; connects to its midi_in and midi_out)
	Lines on standard input are messages to send, as hexadecimal bytes: "b0 07 40". What comes is a
	line of the same kind on standard output. Prints "ready" when it is connected. */
#include <jack/jack.h>
#include <jack/midiport.h>
#include <jack/ringbuffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct message {
	unsigned char size, bytes[3];
} message;

static jack_port_t *to_send, *to_hear;
static jack_ringbuffer_t *outward, *inward;

static int process(jack_nframes_t frames, void *arg)
{
	message m;
	jack_midi_event_t event;
	void *out = jack_port_get_buffer(to_send, frames), *in = jack_port_get_buffer(to_hear, frames);
	(void)arg;
	jack_midi_clear_buffer(out);
	while (jack_ringbuffer_read_space(outward) >= sizeof m) {
		jack_ringbuffer_read(outward, (char *)&m, sizeof m);
		if (jack_midi_event_write(out, 0, m.bytes, m.size)) {
			break;
		}
	}
	for (uint32_t i = 0; jack_midi_event_get(&event, in, i) == 0; i++) {
		m.size = (unsigned char)(event.size < 3 ? event.size : 3);
		memcpy(m.bytes, event.buffer, m.size);
		if (jack_ringbuffer_write_space(inward) >= sizeof m) {
			jack_ringbuffer_write(inward, (const char *)&m, sizeof m);
		}
	}
	return 0;
}

static void fail(const char *what)
{
	fprintf(stderr, "desk: %s\n", what);
	exit(1);
}

static void send_line(const char *line)
{
	unsigned a, b, c;
	int n = sscanf(line, "%x %x %x", &a, &b, &c);
	message m = {.size = (unsigned char)n};
	if (n < 1) {
		return;
	}
	m.bytes[0] = (unsigned char)a;
	m.bytes[1] = (unsigned char)(n > 1 ? b : 0);
	m.bytes[2] = (unsigned char)(n > 2 ? c : 0);
	jack_ringbuffer_write(outward, (const char *)&m, sizeof m);
}

static void print_heard(void)
{
	message m;
	while (jack_ringbuffer_read_space(inward) >= sizeof m) {
		jack_ringbuffer_read(inward, (char *)&m, sizeof m);
		for (int i = 0; i < m.size; i++) {
			printf(i ? " %02x" : "%02x", m.bytes[i]);
		}
		printf("\n");
	}
	fflush(stdout);
}

static void open_desk(const char *name)
{
	char port[300];
	jack_client_t *client = jack_client_open("desk", JackNoStartServer, NULL);
	outward = jack_ringbuffer_create(65536);
	inward = jack_ringbuffer_create(65536);
	if (!client || !outward || !inward) {
		fail("no JACK server");
	}
	to_send = jack_port_register(client, "out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
	to_hear = jack_port_register(client, "in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
	if (!to_send || !to_hear || jack_set_process_callback(client, process, NULL) ||
		jack_activate(client)) {
		fail("no ports");
	}
	snprintf(port, sizeof port, "%s:midi_in", name);
	int failed = jack_connect(client, "desk:out", port);
	snprintf(port, sizeof port, "%s:midi_out", name);
	if (failed || jack_connect(client, port, "desk:in")) {
		fail("foldback has no MIDI ports");
	}
}

int main(int argc, char **argv)
{
	char line[100];
	size_t n = 0;
	if (argc != 2) {
		fail("usage: desk CLIENT");
	}
	open_desk(argv[1]);
	puts("ready");
	for (;;) {
		struct timeval wait = {.tv_usec = 5000};
		fd_set input;
		FD_ZERO(&input);
		FD_SET(0, &input);
		print_heard();
		if (select(1, &input, NULL, NULL, &wait) <= 0) {
			continue;
		}
		if (read(0, line + n, 1) <= 0) {
			return 0;
		}
		if (line[n] == '\n' || n + 2 == sizeof line) {
			line[n] = '\0';
			send_line(line);
			n = 0;
		} else {
			n++;
		}
	}
}
