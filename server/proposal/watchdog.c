/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The watchdog: an armed change is taken back if the live score falls by more than was stated
	within 10 s of its being whole. A score moves with what is said and played, so means are held
	against each other, and only of moments that can be compared: something is fed to the station,
	about as loud as before, and nobody has muted it. The seconds are those of such sound, counted
	by the frames that were measured: neither a pause nor meters that stand still use them up. */
#include "../server.h"

#include <stdio.h>

#define SAMPLE_S 0.5 /* so 20 scores are 10 s */
#define WINDOW_S 3.0 /* what a live score tells of */
#define SETTLE_S 1.0 /* of a change, until scores tell of it */
#define PAUSE_LUFS (-60.0)
#define ALIKE_LU 4.0 /* a source that differs by more is another one: applause, a pause */

enum {
	WATCHED = 20, ///< scores that are looked at after a change
	PATIENCE = 60 ///< and those in vain, at most, of a source that is another now
};

static const fb_origin watchdog = {"watchdog", NULL};

void fb_watchdog_stop(fb_channel *channel)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	dog->steps = 0;
	json_decref(dog->settings);
	dog->settings = NULL;
}

static fb_watch_score mean(const fb_watch_score *ring, uint32_t written, uint32_t size)
{
	uint32_t n = written < size ? written : size;
	fb_watch_score sum = {0.0, 0.0};
	for (uint32_t i = 0; i < n; i++) {
		sum.quality += ring[i].quality / n;
		sum.input_lufs += ring[i].input_lufs / n;
	}
	return sum;
}

/** The input's loudness over the last 3 s: the output's less the station's own gain. false: nothing
	is fed to it. */
static bool input_loudness(const fb_metric_set *set, double *lufs)
{
	*lufs = set->value[FB_M_LUFS_SHORT_TERM] - set->value[FB_M_GAIN_CHANGE];
	return fb_metric_valid(set, FB_M_GAIN_CHANGE) && fb_metric_valid(set, FB_M_LUFS_SHORT_TERM) &&
		   *lufs > PAUSE_LUFS;
}

static bool is_silenced(const fb_channel *channel)
{
	return channel->server->panic || fb_station_switched(channel->station, FB_SWITCH_MUTE);
}

static bool settings_stand(const fb_channel *channel)
{
	json_t *now = fb_params_to_json(fb_station_patch(channel->station));
	bool same = json_equal(now, channel->proposal.watchdog.settings);
	json_decref(now);
	return same;
}

bool fb_watchdog_judges(const fb_channel *channel)
{
	const fb_watchdog *dog = &channel->proposal.watchdog;
	return dog->steps && dog->n_after < FB_WATCH_AFTER && settings_stand(channel);
}

void fb_watchdog_start(fb_channel *channel, bool goes_on)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	const fb_metric_set *set = &channel->metrics;
	uint32_t steps = goes_on ? dog->steps + 1 : 1;
	fb_watchdog_stop(channel);
	if (dog->drop <= 0.0) {
		return;
	}
	if (!dog->n_before) {
		fb_log("station %u: an armed change is not watched: nothing was heard before it",
			channel->index + 1);
		return;
	}
	if (!goes_on) {
		dog->was = mean(dog->before, dog->n_before, FB_WATCH_BEFORE);
	}
	dog->steps = steps;
	dog->n_after = dog->in_vain = 0;
	dog->next_frame =
		set->frame_end + (uint64_t)((channel->proposal.morph_s + SETTLE_S) * set->rate_hz);
	dog->settings = fb_params_to_json(fb_station_patch(channel->station));
}

static void tell(const fb_channel *channel, const char *what)
{
	char address[FB_LEAF_ADDRESS_LEN];
	fb_channel_address(channel, "proposal/watchdog", address);
	fb_audit_note(channel->server, watchdog.text, address, what);
	fb_log("station %u: %s", channel->index + 1, what);
}

/** Undo all that was armed since the score was sound, unless somebody has turned something since:
	then the newest step is theirs. */
static void take_back(fb_channel *channel, double quality)
{
	char what[160];
	fb_error error;
	fb_watchdog *dog = &channel->proposal.watchdog;
	fb_branch *undo = fb_channel_find(channel, "undo");
	bool theirs = !settings_stand(channel);
	uint32_t steps = dog->steps;
	fb_watchdog_stop(channel);
	snprintf(what, sizeof what, "the live score fell from %.1f to %.1f after an armed change: %s",
		dog->was.quality, quality,
		theirs ? "it stays, for somebody has turned something since" : "taken back");
	tell(channel, what);
	fb_tree_begin(channel->server->tree);
	for (uint32_t i = 0; i < steps && !theirs && undo; i++) {
		if (fb_tree_set(channel->server->tree, undo, NULL, 0, FB_STRICT, &watchdog, NULL, &error)) {
			fb_log_error("the watchdog", &error);
			theirs = true;
		}
	}
	if (!theirs) {
		fb_proposal_set_state(channel, "taken back", &watchdog);
	}
	fb_tree_end(channel->server->tree);
}

/** A score that can be compared, while a change is watched. */
static void compare(fb_channel *channel, fb_watch_score now)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	if (fabs(now.input_lufs - dog->was.input_lufs) > ALIKE_LU) {
		if (++dog->in_vain > PATIENCE) {
			fb_watchdog_stop(channel);
		}
		return;
	}
	dog->after[dog->n_after++ % FB_WATCH_AFTER] = now;
	double quality = mean(dog->after, dog->n_after, FB_WATCH_AFTER).quality;
	if (dog->n_after >= FB_WATCH_AFTER && quality < dog->was.quality - dog->drop) {
		take_back(channel, quality);
	} else if (dog->n_after >= WATCHED) {
		fb_watchdog_stop(channel);
	}
}

void fb_watchdog_service(fb_channel *channel)
{
	fb_watchdog *dog = &channel->proposal.watchdog;
	const fb_metric_set *set = &channel->metrics;
	fb_watch_score now = {.quality = channel->quality};
	if (channel->mode != FB_MODE_AUTO || dog->drop <= 0.0) {
		fb_watchdog_stop(channel); /* somebody has taken over */
	}
	if (is_silenced(channel)) { /* and as long as a score tells of it */
		uint64_t over = set->frame_end + (uint64_t)(WINDOW_S * set->rate_hz);
		dog->next_frame = over > dog->next_frame ? over : dog->next_frame;
	}
	if (set->frame_end < dog->next_frame) {
		return;
	}
	dog->next_frame = set->frame_end + (uint64_t)(SAMPLE_S * set->rate_hz);
	if (!input_loudness(set, &now.input_lufs)) {
		return;
	}
	if (dog->steps) {
		compare(channel, now);
	} else if (channel->mode != FB_MODE_BYPASS) {
		dog->before[dog->n_before++ % FB_WATCH_BEFORE] = now;
	}
}
