/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The JACK driver's insides.

	Threads: control asks (driver.c); JACK's own call process.c; and the link, a thread of this
	driver, does all that waits for the JACK server (link.c, ports.c, patchbay.c), so that nobody
	else ever does. They meet in atomics, rings, and what `lock` guards, which nobody holds while he
	waits. */
#ifndef FB_JACK_H
#define FB_JACK_H

#include "midi.h"
#include "patchbay.h"

#include <jack/jack.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum {
	FB_JACK_PORTS_MAX = 4 * FB_STATIONS_MAX + 4,
	FB_JACK_PORT_LEN = 32, ///< bytes of a port's name, without the client's
	FB_JACK_NAME_LEN = 64, ///< bytes of a station's name
	FB_JACK_PRETTY_LEN = FB_JACK_NAME_LEN + 16,
	FB_JACK_FRESH = 1024, ///< ports that appeared and wait for the link
};

/** What the link is at. */
typedef enum fb_jack_phase {
	FB_JACK_TRYING,  ///< at first, until it is known whether a server runs
	FB_JACK_WAITING, ///< there is none
	FB_JACK_OPENED,  ///< the server has answered: rate and period are known, control has to start
	FB_JACK_RUNNING,
	FB_JACK_FAILED, ///< `why` says why; the link has ended
} fb_jack_phase;

typedef struct fb_jack {
	fb_driver base;
	/* constant */
	const fb_options *options;
	uint32_t stations, n_ports;
	pthread_t link;
	sem_t wake; ///< the link has something to do
	/* guarded by lock; the link writes, and reads without it what is its own */
	pthread_mutex_t lock;
	pthread_cond_t changed; ///< phase
	fb_jack_phase phase;
	fb_error why;
	jack_client_t *client;                        ///< NULL while there is none
	char name[FB_STATIONS_MAX][FB_JACK_NAME_LEN]; ///< control writes
	/* the link's; audio and JACK's threads read them while the client is active */
	jack_client_t *active;
	jack_port_t *port[FB_JACK_PORTS_MAX];
	char described[FB_JACK_PORTS_MAX][FB_JACK_PRETTY_LEN]; ///< as the server has been told
	fb_patchbay patchbay;
	/* control's, handed over by `go` */
	fb_engine *engine;
	uint32_t engine_rate;
	pthread_t helper[FB_THREADS_MAX]; ///< threads of the engine
	uint32_t n_helpers;
	/* audio's */
	uint32_t engine_period;
	fb_jack_midi midi;
	/* written by control; go also by the link, which takes it back; stay: control has started and
	   does not end for want of a server */
	_Atomic bool quit, go, stay, restore, forget, names_changed, latency_changed;
	_Atomic uint32_t latency[FB_STATIONS_MAX]; ///< frames, of the chain and the FIFO
	/* written by JACK's threads */
	_Atomic bool gone, graph_changed, freewheel, rolling;
	_Atomic uint32_t rate, period, in_latency, out_latency; ///< frames
	_Atomic double bpm;
	fb_ring *fresh; ///< of jack_port_id_t: ports that appeared; the link reads
	/* written by the link */
	_Atomic uint32_t connections, missing;
} fb_jack;

/* --- process.c: what JACK's threads call */
void fb_jack_set_callbacks(fb_jack *j, jack_client_t *client);
/** Those about ports of others: set once our own are there, to hear nothing of them. */
void fb_jack_set_graph_callbacks(fb_jack *j, jack_client_t *client);

/* --- ports.c: station i has 4i..4i+3 (in L, in R, out L, out R); monitor L, R, MIDI in, out */
void fb_jack_port_name(const fb_jack *j, uint32_t port, char name[FB_JACK_PORT_LEN]);
bool fb_jack_port_is_input(const fb_jack *j, uint32_t port);
/** Which port has that name; -1: none has. */
int fb_jack_port_find(const fb_jack *j, const char *name);
/** thread: link
	errors: FB_TOO_MANY */
FB_MUST_CHECK fb_status fb_jack_register(fb_jack *j, fb_error *error);
void fb_jack_unregister(fb_jack *j); ///< thread: link
/** Pretty names and order, for all ports. thread: link */
void fb_jack_describe(fb_jack *j);

/* --- link.c */
void *fb_jack_link(void *jack);
/** The link has something to do. thread: any; rt: yes */
void fb_jack_wake(fb_jack *j);

#endif
