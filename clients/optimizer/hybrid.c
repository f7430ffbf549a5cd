/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine `hybrid`: the model proposes, the numeric search polishes until its turn comes again
	and so tells the model what can be had from there. Without its model it goes on alone. */
#include "engine.h"
#include "probe.h"

#include <stdlib.h>

typedef struct hybrid {
	fb_probes *probes;
	void *model, *search;
	bool searching; ///< whose turn it is
	bool model_over;
} hybrid;

static void destroy(void *ctx)
{
	hybrid *self = ctx;
	if (self) {
		fb_tuning_llm.destroy(self->model);
		fb_tuning_local.destroy(self->search);
		fb_probes_destroy(self->probes);
		free(self);
	}
}

static fb_status create(const fb_tuning_task *task, void **out, fb_error *error)
{
	hybrid *self = calloc(1, sizeof *self);
	fb_tuning_task shared = *task;
	if (!self || !(shared.probes = self->probes = fb_probes_create(task->history))) {
		destroy(self);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	fb_status status = fb_tuning_llm.create(&shared, &self->model, error);
	status = status ? status : fb_tuning_local.create(&shared, &self->search, error);
	if (status) {
		destroy(self);
		return status;
	}
	*out = self;
	return FB_OK;
}

/** The model fails: the numeric search takes the rest of its turn, and all to come. */
static fb_status ask_model(hybrid *self, int room, fb_batch *out, fb_error *error)
{
	fb_status status = fb_tuning_llm.propose(self->model, room, out, error);
	if ((status && status != FB_NO_MEMORY) || *fb_tuning_llm.gave_up(self->model)) {
		self->model_over = self->searching = true;
		return FB_OK;
	}
	return status;
}

static fb_status propose(void *ctx, int room, fb_batch *out, fb_error *error)
{
	hybrid *self = ctx;
	fb_status status = self->searching ? FB_OK : ask_model(self, room, out, error);
	if (!status && !out->count && self->searching) {
		status = fb_tuning_local.propose(self->search, room, out, error);
	}
	return status;
}

static bool end_round(void *ctx)
{
	hybrid *self = ctx;
	bool more = true;
	if (self->searching) {
		more = fb_tuning_local.end_round(self->search);
	} else {
		self->model_over = !fb_tuning_llm.end_round(self->model);
	}
	more = more || !self->model_over;
	self->searching = !self->searching || self->model_over;
	return more;
}

static const char *gave_up(const void *ctx)
{
	return fb_tuning_llm.gave_up(((const hybrid *)ctx)->model);
}

const fb_tuning_engine fb_tuning_hybrid = {
	"hybrid", true, create, propose, end_round, gave_up, destroy};
