/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The audition thread and its rings. What a job does is in shadow.c. */
#include "audition.h"

#include "../graph/ring.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { JOBS = 64, NICENESS = 10 };

struct fb_audition {
	fb_ring *todo, *done;
	sem_t work;
	pthread_t thread;
	bool started;
	_Atomic bool quit;
	void (*wake)(void *ctx);
	void *ctx;
};

static void *run(void *arg)
{
	fb_audition *audition = arg;
	/* on Linux the niceness of a thread: an audition must never cost the audience a period */
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	for (;;) {
		fb_shadow_job *job;
		sem_wait(&audition->work);
		if (atomic_load(&audition->quit)) {
			return NULL;
		}
		if (fb_ring_read(audition->todo, &job)) {
			job->status = fb_shadow_job_run(job);
			(void)fb_ring_write(audition->done, &job); /* as large as the other: has room */
			audition->wake(audition->ctx);
		}
	}
}

fb_status fb_audition_create(void (*wake)(void *ctx), void *ctx, fb_audition **out, fb_error *error)
{
	fb_audition *audition = calloc(1, sizeof *audition);
	if (!audition) {
		return fb_fail(error, FB_NO_MEMORY, "audition", "out of memory");
	}
	audition->wake = wake;
	audition->ctx = ctx;
	sem_init(&audition->work, 0, 0);
	audition->todo = fb_ring_create(JOBS, sizeof(fb_shadow_job *));
	audition->done = fb_ring_create(2 * JOBS, sizeof(fb_shadow_job *));
	audition->started =
		audition->todo && audition->done && !pthread_create(&audition->thread, NULL, run, audition);
	if (!audition->started) {
		fb_audition_destroy(audition);
		return fb_fail(error, FB_NO_MEMORY, "audition", "cannot start the audition thread");
	}
	*out = audition;
	return FB_OK;
}

void fb_audition_stop(fb_audition *audition)
{
	fb_shadow_job *job;
	if (!audition->started) {
		return;
	}
	atomic_store(&audition->quit, true);
	sem_post(&audition->work);
	pthread_join(audition->thread, NULL);
	audition->started = false;
	while (fb_ring_read(audition->todo, &job)) {
		job->status = fb_fail(&job->error, FB_UNAVAILABLE, "calibration", "the server is ending");
		(void)fb_ring_write(audition->done, &job);
	}
}

void fb_audition_destroy(fb_audition *audition)
{
	if (!audition) {
		return;
	}
	fb_audition_stop(audition);
	fb_ring_destroy(audition->todo);
	fb_ring_destroy(audition->done);
	sem_destroy(&audition->work);
	free(audition);
}

bool fb_audition_give(fb_audition *audition, fb_shadow_job *take)
{
	if (!fb_ring_write(audition->todo, &take)) {
		return false;
	}
	sem_post(&audition->work);
	return true;
}

fb_shadow_job *fb_audition_poll(fb_audition *audition)
{
	fb_shadow_job *job;
	return fb_ring_read(audition->done, &job) ? job : NULL;
}
