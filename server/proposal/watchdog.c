/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The watchdog: an armed change is taken back if the live score falls by more than was stated
	within 10 s of its being whole. A score moves with what is said and played, so means are held
	against each other, and pauses count for neither: a station that is fed silence scores badly
	whatever it is set to. */
#include "../server.h"

#define SAMPLE_S 0.5 /* so 20 scores are 10 s */
#define WATCH_S 10.0
#define SETTLE_S 1.0 /* of a change, until scores tell of it */
#define PAUSE_LUFS (-60.0)

static const fb_origin watchdog = {"watchdog", NULL};

static void stop(fb_watchdog *dog)
{
	dog->until_s = 0.0;
	json_decref(dog->settings);
	dog->settings = NULL;
}

static double mean(const double *ring, uint32_t written, uint32_t size)
{
	uint32_t n = written < size ? written : size;
	double sum = 0.0;
	for (uint32_t i = 0; i < n; i++) {
		sum += ring[i];
	}
	return sum / n;
}

/** Is something being fed to the station? Its output less its own gain tells. */
static bool is_fed(const fb_channel *channel)
{
	const fb_metric_set *set = &channel->metrics;
	return fb_metric_valid(set, FB_M_GAIN_CHANGE) && fb_metric_valid(set, FB_M_LUFS_SHORT_TERM) &&
		   set->value[FB_M_LUFS_SHORT_TERM] - set->value[FB_M_GAIN_CHANGE] > PAUSE_LUFS;
}

void fb_watchdog_start(fb_channel *channel, double now_s)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	stop(dog);
	if (dog->drop <= 0.0 || !dog->n_before) {
		return;
	}
	dog->floor = mean(dog->before, dog->n_before, FB_WATCH_BEFORE) - dog->drop;
	dog->n_after = 0;
	dog->next_s = now_s + channel->proposal.morph_s + SETTLE_S;
	dog->until_s = now_s + channel->proposal.morph_s + WATCH_S;
	dog->settings = fb_params_to_json(fb_station_patch(channel->station));
}

/** Undo, unless somebody has turned something since: then the newest step is theirs. */
static void take_back(fb_channel *channel)
{
	fb_error error;
	fb_watchdog *dog = &channel->proposal.watchdog;
	json_t *now = fb_params_to_json(fb_station_patch(channel->station));
	bool theirs = !json_equal(now, dog->settings);
	json_decref(now);
	stop(dog);
	if (theirs) {
		fb_log("station %u: the live score fell after an armed change, but somebody has turned "
			   "something since: it stays",
			channel->index + 1);
		return;
	}
	fb_branch *undo = fb_channel_find(channel, "undo");
	if (undo &&
		!fb_tree_set(channel->server->tree, undo, NULL, 0, FB_STRICT, &watchdog, NULL, &error)) {
		fb_proposal_set_state(channel, "taken back", &watchdog);
		fb_log("station %u: the live score fell by more than %g after an armed change: taken back",
			channel->index + 1, dog->drop);
	}
}

void fb_watchdog_service(fb_channel *channel, double now_s)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	if (now_s < dog->next_s) {
		return;
	}
	dog->next_s = now_s + SAMPLE_S;
	if (dog->until_s > 0.0 && (now_s > dog->until_s || dog->drop <= 0.0)) {
		stop(dog);
	}
	if (!is_fed(channel)) {
		return;
	}
	if (dog->until_s <= 0.0) {
		dog->before[dog->n_before++ % FB_WATCH_BEFORE] = channel->quality;
		return;
	}
	dog->after[dog->n_after++ % FB_WATCH_AFTER] = channel->quality;
	if (dog->n_after >= FB_WATCH_AFTER &&
		mean(dog->after, dog->n_after, FB_WATCH_AFTER) < dog->floor) {
		take_back(channel);
	}
}
