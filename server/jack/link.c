/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The link: the thread that talks with the JACK server, for whatever waits for an answer, and
	looks for a server while there is none. */
#include "jack.h"

#include <jack/thread.h>

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define RETRY_S 0.2   /* a server is looked for this often */
#define GATHER_S 0.03 /* changes of the graph come in swarms */
#define AGAIN_S 0.1   /* a look that found something doubtful is repeated */

void fb_jack_wake(fb_jack *j)
{
	sem_post(&j->wake);
}

/** Sleep until woken, or until then; INFINITY: until woken. */
static void nap(fb_jack *j, double until_s)
{
	if (isinf(until_s)) {
		while (sem_wait(&j->wake) && errno == EINTR) {
		}
	} else {
		struct timespec t = {(time_t)until_s, (long)(fmod(until_s, 1.0) * 1e9)};
		while (sem_clockwait(&j->wake, CLOCK_MONOTONIC, &t) && errno == EINTR) {
		}
	}
	while (!sem_trywait(&j->wake)) { /* once is enough for all who called */
	}
}

static bool ended(fb_jack *j)
{
	return atomic_load(&j->quit) || atomic_load(&j->gone);
}

static void set_phase(fb_jack *j, fb_jack_phase phase)
{
	pthread_mutex_lock(&j->lock);
	j->phase = phase;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->lock);
}

static void set_trouble(fb_jack *j, const fb_error *why)
{
	pthread_mutex_lock(&j->lock);
	j->why = *why;
	pthread_mutex_unlock(&j->lock);
}

/* --- there and away */

static fb_status open_client(fb_jack *j, fb_error *error)
{
	jack_status_t why = 0;
	jack_client_t *client =
		jack_client_open(j->options->name, JackNoStartServer | JackUseExactName, &why);
	if (!client && !(why & JackServerFailed)) {
		/* it answered: JACK2 has no other word for a name in use */
		return fb_fail(error, FB_EXISTS, "jack",
			"there is a JACK client named \"%s\" already (use --name)", j->options->name);
	}
	if (!client) {
		return fb_fail(error, FB_UNAVAILABLE, "jack",
			"no JACK server can be reached (start one, for example: jackd -d dummy, or use --wait "
			"or --driver dummy)");
	}
	jack_nframes_t rate = jack_get_sample_rate(client);
	if (rate < FB_RATE_MIN || rate > FB_RATE_MAX) {
		jack_client_close(client);
		return fb_fail(error, FB_INVALID, "jack",
			"the JACK server runs at %u Hz: %d to %d are possible", rate, FB_RATE_MIN, FB_RATE_MAX);
	}
	atomic_store(&j->base.answered_s, fb_now_s());
	jack_port_id_t stale;
	while (fb_ring_read(j->fresh, &stale)) {
	}
	atomic_store(&j->gone, false);
	atomic_store(&j->freewheel, false);
	atomic_store(&j->go, false);
	atomic_store(&j->rate, rate);
	atomic_store(&j->period, jack_get_buffer_size(client));
	fb_jack_set_callbacks(j, client);
	pthread_mutex_lock(&j->lock);
	j->client = client;
	pthread_mutex_unlock(&j->lock);
	return FB_OK;
}

static void close_client(fb_jack *j)
{
	jack_client_t *client = j->client;
	if (!atomic_load(&j->gone)) {
		jack_deactivate(client);
		fb_jack_unregister(j);
	}
	pthread_mutex_lock(&j->lock);
	j->client = NULL;
	pthread_mutex_unlock(&j->lock);
	jack_client_close(client);
	memset(j->port, 0, sizeof j->port);
}

/* --- while the server is there */

/** Keep the connections for the next start, if asked. */
static void keep(fb_jack *j)
{
	fb_error error = {0};
	if (atomic_load(&j->restore) && j->patchbay.changed) {
		(void)fb_patchbay_write(&j->patchbay, &error); /* leaves it as it is when all went well */
		set_trouble(j, &error);
	}
}

static bool rate_fits(const fb_jack *j)
{
	return atomic_load(&j->rate) == j->engine_rate;
}

/** The engine's threads get the priority of JACK's own: they may be older than this JACK server, or
	than any, and the one before may have been another. */
static void raise_helpers(fb_jack *j)
{
	int priority = jack_client_real_time_priority(j->client); /* below 1: not real-time */
	bool raised = true;
	for (uint32_t i = 0; i < j->n_helpers; i++) {
		raised = !(priority > 0 ? jack_acquire_real_time_scheduling(j->helper[i], priority)
								: jack_drop_real_time_scheduling(j->helper[i])) &&
				 raised;
	}
	if (!raised) {
		fb_error error;
		fb_fail(&error, FB_IO, "jack",
			"the system refuses real-time priority %d to the threads that help the audio thread: "
			"they may be late; see ulimit -r",
			priority);
		set_trouble(j, &error);
	}
}

static void serve(fb_jack *j)
{
	double look_s = 0.0; /* at once: there may be something to restore */
	atomic_store(&j->names_changed, true);
	while (!ended(j) && rate_fits(j)) {
		double now = fb_now_s();
		if (atomic_exchange(&j->latency_changed, false)) {
			jack_recompute_total_latencies(j->client);
		}
		if (atomic_exchange(&j->forget, false)) {
			fb_patchbay_forget(&j->patchbay);
			look_s = now;
		}
		if (atomic_exchange(&j->graph_changed, false)) {
			look_s = fmin(look_s, now + GATHER_S);
		}
		if (now >= look_s) {
			look_s = fb_patchbay_look(j, now) ? now + AGAIN_S : INFINITY;
			keep(j);
		}
		if (atomic_exchange(&j->names_changed, false)) {
			fb_jack_describe(j);
		}
		nap(j, look_s);
	}
	if (!atomic_load(&j->gone)) {
		(void)fb_patchbay_look(j, fb_now_s()); /* what was connected just now */
		keep(j);
	}
}

/** Wait for control to have the engine ready. false: we are to end, or the server has gone. */
static bool wait_for_control(fb_jack *j)
{
	while (!ended(j) && !atomic_load(&j->go)) {
		nap(j, INFINITY);
	}
	return !ended(j);
}

/** Play until the server has gone or we are to end. */
static fb_status play(fb_jack *j, fb_error *error)
{
	set_phase(j, FB_JACK_OPENED); /* control and we make ready side by side */
	fb_status status = fb_jack_register(j, error);
	if (status) {
		return status;
	}
	fb_jack_set_graph_callbacks(j, j->client);
	while (wait_for_control(j)) {
		fb_patchbay_lose(&j->patchbay, fb_now_s());
		j->active = j->client;
		raise_helpers(j);
		if (jack_activate(j->client)) {
			return fb_fail(error, FB_IO, "jack", "the JACK server does not let the client start");
		}
		set_phase(j, FB_JACK_RUNNING);
		serve(j);
		if (!ended(j)) { /* PipeWire changes the rate under way: control has to make ready for it */
			jack_deactivate(j->client);
			atomic_store(&j->go, false);
			set_phase(j, FB_JACK_OPENED);
		}
	}
	return FB_OK;
}

/** There is no server (any more), or it does not take us: control hears of it, and if it does not
	end for that, we try again. */
static bool try_again(fb_jack *j, fb_status status, const fb_error *why)
{
	bool patient = j->options->wait && status == FB_UNAVAILABLE;
	bool again = !status || patient || atomic_load(&j->stay);
	pthread_mutex_lock(&j->lock);
	j->why = status ? *why : (fb_error){0};
	j->phase = again ? FB_JACK_WAITING : FB_JACK_FAILED;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->lock);
	return again;
}

void *fb_jack_link(void *arg)
{
	fb_jack *j = arg;
	bool again = true;
	while (again && !atomic_load(&j->quit)) {
		fb_error why;
		fb_status status = open_client(j, &why);
		if (!status) {
			status = play(j, &why);
			close_client(j);
		}
		again = try_again(j, status, &why);
		if (again && !atomic_load(&j->quit)) {
			nap(j, fb_now_s() + RETRY_S);
		}
	}
	return NULL;
}
