/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A render that reads and writes piece by piece gives the same bits as one over arrays, asks for
   each frame once and in order, and ends with the first piece that fails. */
#include "testing.h"

#include "../../../graph/offline.h"

#include "rig.h"
#include "stand.h"

enum { FRAMES = 10007 };

typedef struct pieces {
	float *in[2], *out[2];
	uint64_t read, written, fail_read, fail_write; ///< frames; 0: never
} pieces;

static fb_status read_piece(void *ctx, float *const *to, uint32_t frames, fb_error *error)
{
	pieces *p = ctx;
	assert_true(frames > 0 && p->read + frames <= FRAMES);
	for (int c = 0; c < 2; c++) {
		memcpy(to[c], p->in[c] + p->read, frames * sizeof(float));
	}
	p->read += frames;
	bool fails = p->fail_read && p->read >= p->fail_read;
	return fails ? fb_fail(error, FB_IO, "in", "the disk is gone") : FB_OK;
}

static fb_status write_piece(void *ctx, const float *const *from, uint32_t frames, fb_error *error)
{
	pieces *p = ctx;
	assert_true(frames > 0 && p->written + frames <= FRAMES);
	for (int c = 0; c < 2; c++) {
		memcpy(p->out[c] + p->written, from[c], frames * sizeof(float));
	}
	p->written += frames;
	bool fails = p->fail_write && p->written >= p->fail_write;
	return fails ? fb_fail(error, FB_TOO_LARGE, "out", "the disk is full") : FB_OK;
}

static void pieces_open(pieces *p)
{
	memset(p, 0, sizeof *p);
	for (int c = 0; c < 2; c++) {
		p->in[c] = sig_alloc(FRAMES);
		p->out[c] = sig_alloc(FRAMES);
		sig_noise(p->in[c], FRAMES, 0.5, 5u + (unsigned)c);
	}
}

static void pieces_close(pieces *p)
{
	for (int c = 0; c < 2; c++) {
		free(p->in[c]);
		free(p->out[c]);
	}
}

static fb_offline piecewise(const fb_patch *patch, pieces *p, uint32_t period, bool late)
{
	return (fb_offline){.patch = patch,
		.rate_hz = 48000,
		.period = period,
		.read = read_piece,
		.write = write_piece,
		.ctx = p,
		.frames = FRAMES,
		.late = late};
}

static const char chain[] =
	"{'stages': [{'type': 'comp'}, {'type': 'limiter', 'parameters': {'drive': 12}}]}";

static void same_bits_as_arrays(void **state)
{
	(void)state;
	static const uint32_t periods[] = {1, 32, 100, 4096, 8192};
	fb_patch *patch = stand_patch(chain);
	for (size_t i = 0; i < 2 * sizeof periods / sizeof *periods; i++) {
		pieces p;
		fb_error error;
		float *wanted[2] = {sig_alloc(FRAMES), sig_alloc(FRAMES)};
		pieces_open(&p);
		fb_offline job = piecewise(patch, &p, periods[i / 2], i % 2);
		fb_offline whole = job;
		whole.read = NULL;
		whole.write = NULL;
		for (int c = 0; c < 2; c++) {
			whole.in[c] = p.in[c];
			whole.out[c] = wanted[c];
		}
		assert_int_equal(fb_offline_render(&job, &error), FB_OK);
		assert_int_equal(fb_offline_render(&whole, &error), FB_OK);
		assert_int_equal(p.read, FRAMES);
		assert_int_equal(p.written, FRAMES);
		assert_true(job.latency > 0 && job.latency == whole.latency);
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(p.out[c], wanted[c], FRAMES * sizeof(float));
			free(wanted[c]);
		}
		pieces_close(&p);
	}
	fb_patch_destroy(patch);
}

static void a_failure_ends_it(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(chain);
	fb_error error;
	pieces p;
	pieces_open(&p);
	p.fail_read = 5000;
	fb_offline job = piecewise(patch, &p, 64, false);
	assert_int_equal(fb_offline_render(&job, &error), FB_IO);
	assert_string_equal(error.text, "the disk is gone");
	assert_true(p.read < 5000 + 64 && p.written < p.read);
	p.read = p.written = p.fail_read = 0;
	p.fail_write = 5000;
	assert_int_equal(fb_offline_render(&job, &error), FB_TOO_LARGE);
	assert_string_equal(error.where, "out");
	assert_true(p.written < 5000 + 64);
	pieces_close(&p);
	fb_patch_destroy(patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bits_as_arrays),
		cmocka_unit_test(a_failure_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
