/* SPDX-License-Identifier: GPL-3.0-or-later */
/* usage: idle_jack [PERCENT]
   An empty JACK client: four ports that it leaves silent, and the xruns that JACK tells it of. What
   it has in the same minutes is the machine's doing. With PERCENT it passes so much of each period
   doing nothing: what a client of that load suffers. Prints "ready", and the number when ended. */
#include <jack/jack.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic unsigned xruns;
static jack_port_t *out[2];
static double share; /* of a period */

static int on_xrun(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&xruns, 1);
	return 0;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int process(jack_nframes_t frames, void *ctx)
{
	double until = share > 0 ? now_s() + share * frames / *(const double *)ctx : 0;
	while (share > 0 && now_s() < until) {
	}
	for (int i = 0; i < 2; i++) {
		memset(jack_port_get_buffer(out[i], frames), 0, frames * sizeof(float));
	}
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t ends;
	int which;
	share = argc > 1 ? atof(argv[1]) / 100 : 0;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL); /* JACK's threads inherit it */
	jack_client_t *client = jack_client_open("idle", JackNoStartServer, NULL);
	if (!client) {
		fputs("idle_jack: no JACK server\n", stderr);
		return 1;
	}
	out[0] = jack_port_register(client, "out_L", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
	out[1] = jack_port_register(client, "out_R", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
	jack_port_register(client, "in_L", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
	jack_port_register(client, "in_R", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
	jack_set_xrun_callback(client, on_xrun, NULL);
	double rate = jack_get_sample_rate(client);
	jack_set_process_callback(client, process, &rate);
	if (!out[0] || !out[1] || jack_activate(client)) {
		fputs("idle_jack: it cannot be started\n", stderr);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sigwait(&ends, &which);
	jack_client_close(client);
	printf("%u\n", atomic_load(&xruns));
	return 0;
}
