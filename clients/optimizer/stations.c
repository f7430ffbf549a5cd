/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stations.h"

#include "walk.h"

static fb_status find_all(fb_tuning_options *options, fb_link *link, fb_error *error)
{
	int count = 0;
	fb_status status = fb_link_stations(link, &count, error);
	options->stations = count < FB_TUNED_MAX ? count : FB_TUNED_MAX;
	for (int i = 0; i < options->stations; i++) {
		options->station[i] = i + 1;
	}
	return status;
}

/** Those that do not exist are told of when their turn comes. */
static fb_status check_limits(const fb_tuning_options *options, fb_link *link, fb_error *error)
{
	fb_status status = FB_OK;
	json_t *trees = json_array();
	for (int i = 0; i < options->stations && !status; i++) {
		json_t *tree = NULL;
		fb_link_set_station(link, options->station[i]);
		status = fb_link_tree(link, &tree, error);
		if (!status && json_array_append_new(trees, tree)) {
			status = fb_fail(error, FB_NO_MEMORY, "", "out of memory");
		}
		status = status == FB_NOT_FOUND ? FB_OK : status;
	}
	if (!status && json_array_size(trees)) {
		status = fb_walk_check(trees, &options->session.limits, error);
	}
	json_decref(trees);
	return status;
}

fb_status fb_stations_find(fb_tuning_options *options, const fb_link_options *to, fb_error *error)
{
	fb_link *link = NULL;
	const fb_walk_limits *limits = &options->session.limits;
	fb_status status = fb_link_open(to, &link, error);
	if (!status && options->all) {
		status = find_all(options, link, error);
	}
	if (!status && (limits->only || limits->freeze)) {
		status = check_limits(options, link, error);
	}
	fb_link_close(link);
	return status;
}
