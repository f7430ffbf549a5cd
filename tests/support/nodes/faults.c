/* SPDX-License-Identifier: GPL-3.0-or-later */
/* t_fail: passes its input until told to misbehave. t_refuse: does not prepare when told so. */
#include "probe.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

PROBE_STEREO(stereo);

enum {
	MODE_PASS,
	MODE_NAN,
	MODE_INF,
	MODE_HUGE,
	MODE_MALLOC,
	MODE_SYSCALL,
	MODE_NAP,
	MODE_SLEEP,
	N_MODES
};

static const char *const modes[] = {
	"pass", "nan", "inf", "huge", "malloc", "syscall", "nap", "sleep"};

static const fb_param_info fail_params[] = {{.symbol = "mode",
	.label = "Mode",
	.unit = "",
	.doc = "What it does: passes the input, one NaN or infinity in its state until reset, numbers "
		   "near the largest, an allocation, a system call, a sleep of 1 or of 40 ms",
	.kind = FB_CHOICE,
	.max = N_MODES - 1,
	.choices = modes}};

/** A filter of one pole: what gets in stays, as in real nodes. */
typedef struct fail {
	float state[2];
} fail;

static size_t fail_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(fail);
}

static bool fail_prepare(void *self, double rate_hz, const float *params)
{
	(void)self;
	(void)rate_hz;
	(void)params;
	return true;
}

static void *volatile kept; /* so that the compiler keeps the allocation */

static void fail_process(void *self, const fb_tick *tick)
{
	fail *f = self;
	int mode = (int)tick->to[0];
	if (mode == MODE_NAN || mode == MODE_INF) {
		f->state[1] = mode == MODE_NAN ? NAN : INFINITY;
	} else if (mode == MODE_MALLOC) {
		kept = malloc(100);
		free(kept);
	} else if (mode == MODE_SYSCALL) {
		(void)getppid();
	} else if (mode >= MODE_NAP) {
		nanosleep(&(struct timespec){.tv_nsec = mode == MODE_NAP ? 1000000 : 40000000}, NULL);
	}
	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < FB_TICK; i++) {
			f->state[c] *= 0.5f;
			tick->out[c][i] = mode == MODE_HUGE ? 3e38f : tick->in[c][i] + f->state[c];
		}
	}
}

static void fail_reset(void *self)
{
	fail *f = self;
	f->state[0] = f->state[1] = 0.0f;
}

static const fb_node_desc t_fail = {PROBE("t_fail"), .inputs = stereo, .outputs = stereo,
	.params = fail_params, .n_inputs = 1, .n_outputs = 1, .n_params = 1, .instance_size = fail_size,
	.prepare = fail_prepare, .process = fail_process, .reset = fail_reset};

static const fb_param_info refuse_params[] = {{.symbol = "limit",
	.label = "Limit",
	.unit = "",
	.doc = "Prepares up to 5",
	.kind = FB_INT,
	.max = 10.0f,
	.flags = FB_PARAM_REPREPARE}};

static bool refuse_prepare(void *self, double rate_hz, const float *params)
{
	(void)self;
	(void)rate_hz;
	return params[0] <= 5.0f;
}

static void refuse_process(void *self, const fb_tick *tick)
{
	(void)self;
	probe_copy(tick, 2);
}

static const fb_node_desc t_refuse = {PROBE("t_refuse"), .inputs = stereo, .outputs = stereo,
	.params = refuse_params, .n_inputs = 1, .n_outputs = 1, .n_params = 1,
	.instance_size = fail_size, .prepare = refuse_prepare, .process = refuse_process,
	.reset = fail_reset};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	static const fb_node_desc *const types[] = {&t_fail, &t_refuse};
	return index < sizeof types / sizeof *types ? types[index] : NULL;
}
