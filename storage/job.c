/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void fb_job_destroy(fb_job *job)
{
	if (!job) {
		return;
	}
	free(job->id);
	free(job->session);
	free(job->source_hash);
	free(job->audio);
	json_decref(job->document);
	json_decref(job->rows);
	free(job);
}

uint64_t fb_job_bytes(const fb_job *job)
{
	return job->audio ? job->frames * job->channels * sizeof(float) : 0;
}

void fb_job_swap(float *audio, uint64_t samples)
{
#if __BYTE_ORDER == __BIG_ENDIAN
	for (uint64_t i = 0; i < samples; i++) {
		uint32_t bits;
		memcpy(&bits, &audio[i], sizeof bits);
		bits = htole32(bits);
		memcpy(&audio[i], &bits, sizeof bits);
	}
#else
	(void)audio;
	(void)samples;
#endif
}
