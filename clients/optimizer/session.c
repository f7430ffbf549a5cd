/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include "wav.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8 }; /* auditions in one request: how often progress is seen */
#define WORTH 0.1   /* of epsilon: what turning a knob has to bring */
#define SILENT_DBFS (-100.0)
#define EPSILON 0.002 /* where the goal names none */

static double since(const struct timespec *then)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

double fb_session_seconds(const fb_session *session)
{
	return since(&session->started);
}

const fb_trial *fb_session_before(const fb_session *session)
{
	return &session->history.trial[0];
}

const fb_trial *fb_session_after(const fb_session *session)
{
	return &session->history.trial[session->history.best];
}

fb_spend fb_session_spend(const fb_session *session)
{
	return session->relay ? *fb_relay_spend(session->relay) : (fb_spend){0};
}

static void tell_progress(fb_session *session, const char *doing)
{
	session->doing = doing;
	if (session->watch.progress) {
		session->watch.progress(session->watch.ctx, session);
	}
}

static bool interrupted(const fb_session *session)
{
	return session->watch.go_on && !session->watch.go_on(session->watch.ctx);
}

static bool out_of_time(const fb_session *session)
{
	double limit = session->options.seconds_max;
	return limit > 0.0 && fb_session_seconds(session) >= limit;
}

/* --- the beginning */

/** Every goal has something to say about sound, none about silence. */
static fb_status check_heard(const fb_trials *history, int station, fb_error *error)
{
	char where[32];
	snprintf(where, sizeof where, "/station/%d", station);
	for (int i = 0; i < history->metrics; i++) {
		if (!strcmp(history->metric_id[i], "rms") && history->trial[0].metric[i] < SILENT_DBFS) {
			return fb_fail(error, FB_EXISTS, where,
				"the station's output was silent (%.0f dBFS): is something connected and "
				"playing, and the station not muted?",
				history->trial[0].metric[i]);
		}
	}
	if (!history->aims) {
		return fb_fail(error, FB_EXISTS, where,
			"no metric of the station's goal has an answer for this source");
	}
	return FB_OK;
}

static json_t *source_json(const fb_session_options *options)
{
	if (options->recorded) {
		const json_t *reference = json_object_get(options->recorded, "reference_hash");
		json_t *hash = json_object_get(options->recorded, "source_hash");
		return json_is_string(reference)
				   ? json_pack("{s:O, s:O}", "stored", hash, "reference", reference)
				   : json_pack("{s:O}", "stored", hash);
	}
	if (!options->sample) {
		return json_pack("{s:f}", "live", options->live_s);
	}
	return options->reference
			   ? json_pack("{s:s, s:s}", "sample", options->sample, "reference", options->reference)
			   : json_pack("{s:s}", "sample", options->sample);
}

/** What the report says of the source, and of when a gain is one. */
static void read_report(fb_session *session, const json_t *report)
{
	fb_session_options *options = &session->options;
	const json_t *epsilon = json_object_get(json_object_get(report, "goal"), "epsilon");
	double frames = json_number_value(json_object_get(report, "frame_end")) -
					json_number_value(json_object_get(report, "frame_start"));
	session->source_hash = json_incref(json_object_get(report, "source"));
	session->source_s = frames / json_number_value(json_object_get(report, "sample_rate"));
	if (options->epsilon < 0.0) {
		options->epsilon = json_is_number(epsilon) ? json_number_value(epsilon) : EPSILON;
	}
	const char *audio = json_string_value(json_object_get(report, "audio_snapshot_base64"));
	session->audio = options->send_audio && audio ? fb_wav_for_model(audio) : NULL;
}

static fb_status hear_baseline(fb_session *session, fb_error *error)
{
	json_t *report = NULL;
	const fb_session_options *options = &session->options;
	session->source = source_json(options);
	if (!session->source) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	bool file = options->sample || options->recorded;
	tell_progress(session, file ? "reading the sample" : "listening");
	fb_status status =
		fb_link_begin(session->link, session->source, json_object_get(options->recorded, "start"),
			options->send_audio, file ? 0.0 : options->live_s, &report, error);
	if (status && options->recorded) {
		char why[sizeof error->text];
		snprintf(why, sizeof why, "%s", error->text);
		return fb_fail(error, status, "--replay", "cannot be done again here: %s", why);
	}
	if (status) {
		return status;
	}
	read_report(session, report);
	session->report = report;
	status = fb_trials_begin(
		&session->history, &session->knobs, WORTH * 100.0 * options->epsilon, report, error);
	return status ? status : check_heard(&session->history, options->station, error);
}

/** A session that is done again begins where the recorded one began. */
static fb_status take_starts(fb_knobs *knobs, const json_t *recorded, fb_error *error)
{
	const json_t *settings = json_object_get(recorded, "start");
	for (int k = 0; recorded && k < knobs->count; k++) {
		fb_knob *knob = &knobs->knob[k];
		if (!fb_knob_read(knob, json_object_get(settings, knob->key), &knob->start)) {
			return fb_fail(error, FB_INVALID, knob->key,
				"the recorded session has no fitting value of it: is this the same chain?");
		}
	}
	return FB_OK;
}

/** While a model thinks the line of progress is drawn again and again. */
static bool asking_goes_on(void *ctx)
{
	fb_session *session = ctx;
	tell_progress(session, session->doing);
	return !interrupted(session) && !out_of_time(session);
}

static void model_does(void *ctx, const char *what)
{
	fb_session *session = ctx;
	snprintf(session->model_does, sizeof session->model_does, "%s", what);
	tell_progress(session, session->model_does);
}

static fb_status open_relay(fb_session *session, fb_error *error)
{
	const fb_session_options *options = &session->options;
	fb_relay_options relay = options->relay;
	if (!options->engine->asks) {
		return FB_OK;
	}
	relay.recorded = json_object_get(options->recorded, "exchanges");
	relay.chat.go_on = asking_goes_on;
	relay.chat.doing = model_does;
	relay.chat.ctx = session;
	return fb_relay_open(&relay, &session->relay, error);
}

static fb_brief brief_of(const fb_session *session)
{
	return (fb_brief){.tree = session->tree,
		.report = session->report,
		.audio = session->audio,
		.max_step = session->options.max_step,
		.tokens_max = session->options.request_tokens_max,
		.relay = session->relay};
}

fb_status fb_session_begin(fb_session *session, const fb_session_options *options,
	const fb_session_watch *watch, fb_link *link, const char *id, fb_error *error)
{
	*session = (fb_session){.options = *options, .watch = *watch, .link = link};
	snprintf(session->id, sizeof session->id, "%s", id);
	clock_gettime(CLOCK_MONOTONIC, &session->started);
	session->round = calloc(FB_SESSION_ROUNDS_MAX + 1, sizeof *session->round);
	fb_status status = session->round ? fb_link_tree(link, &session->tree, error)
									  : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	status = status ? status : fb_walk(session->tree, &options->limits, &session->knobs, error);
	status = status ? status : take_starts(&session->knobs, options->recorded, error);
	status = status ? status : open_relay(session, error); /* what is wrong here need not wait */
	status = status ? status : hear_baseline(session, error);
	if (status && interrupted(session)) {
		status = fb_fail(error, status, "", "interrupted before anything was heard");
	}
	if (status) {
		fb_session_finish(session);
		return status;
	}
	session->brief = brief_of(session);
	clock_gettime(CLOCK_MONOTONIC, &session->started);
	if (watch->began) {
		watch->began(watch->ctx, session);
	}
	return FB_OK;
}

void fb_session_finish(fb_session *session)
{
	fb_trials_finish(&session->history);
	fb_knobs_finish(&session->knobs);
	fb_relay_close(session->relay);
	free(session->audio);
	json_decref(session->tree);
	json_decref(session->report);
	json_decref(session->source);
	json_decref(session->source_hash);
	json_decref(session->turned_meanwhile);
	json_decref(session->replay);
	free(session->worth);
	free(session->round);
	*session = (fb_session){0};
}

/* --- hearing */

int fb_session_room(const fb_session *session)
{
	return session->options.auditions_max - session->history.count;
}

/** Audition batch[from .. from + count). */
static fb_status hear_chunk(
	fb_session *session, const fb_batch *batch, int from, int count, int round, fb_error *error)
{
	json_t *changes = json_array(), *results = NULL;
	for (int i = from; i < from + count; i++) {
		json_array_append_new(changes, fb_values_json(&session->knobs, batch->value[i]));
	}
	fb_status status = json_array_size(changes) == (size_t)count
						   ? fb_link_audition(session->link, changes, &results, error)
						   : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	for (int i = 0; i < count && !status; i++) {
		status = fb_trials_add(&session->history, batch->value[from + i], batch->why[from + i],
			round, json_array_get(results, (size_t)i), error);
	}
	json_decref(changes);
	json_decref(results);
	return status;
}

/** Where the clock or a person ended a recorded session, its repetition ends too: neither can be
	repeated. */
static const char *ended_then(const fb_session *session)
{
	size_t at, searched = 1;
	json_t *trial;
	const json_t *recorded = session->options.recorded;
	const char *why = json_string_value(json_object_get(recorded, "stopped"));
	if (!why || (strcmp(why, "seconds") && strcmp(why, "interrupted"))) {
		return NULL;
	}
	json_array_foreach(json_object_get(recorded, "trials"), at, trial)
	{
		searched += json_integer_value(json_object_get(trial, "round")) > 0;
	}
	return (size_t)session->history.count >= searched ? why : NULL;
}

/** Why the search must stop now, NULL if it need not. */
static const char *spent(const fb_session *session)
{
	return interrupted(session)            ? "interrupted"
		   : out_of_time(session)          ? "seconds"
		   : fb_session_room(session) <= 0 ? "auditions"
										   : ended_then(session);
}

fb_status fb_session_hear(fb_session *session, const fb_batch *batch, int round, fb_error *error)
{
	fb_status status = FB_OK;
	for (int from = 0; from < batch->count && !status; from += CHUNK) {
		int count = batch->count - from, room = fb_session_room(session);
		session->stopped = spent(session);
		if (session->stopped) {
			return FB_OK;
		}
		count = count < CHUNK ? count : CHUNK;
		count = count < room ? count : room;
		tell_progress(session, round ? "searching" : "tidying");
		status = hear_chunk(session, batch, from, count, round, error);
	}
	if (status && interrupted(session)) {
		session->stopped = "interrupted"; /* the request was given up: no fault of the server's */
		return FB_OK;
	}
	return status;
}

/* --- the search */

/** Auditions kept for tidying: each changed knob is tried at its old value. */
static int reserve(const fb_session *session)
{
	int changed = 0, most = session->options.auditions_max / 6;
	const fb_trial *before = fb_session_before(session), *after = fb_session_after(session);
	for (int k = 0; k < session->knobs.count; k++) {
		changed += before->value[k] != after->value[k];
	}
	return changed + 4 < most ? changed + 4 : most;
}

/** An interrupted question is no failure; a budget of the model's is known to its relay. */
static fb_status propose(
	fb_session *session, void *engine, int room, fb_batch *batch, fb_error *error)
{
	tell_progress(session, "searching");
	fb_status status = session->options.engine->propose(engine, room, batch, error);
	if (interrupted(session) || (!batch->count && out_of_time(session))) {
		session->stopped = interrupted(session) ? "interrupted" : "seconds";
		return FB_OK;
	}
	if (!status && !batch->count && session->relay) {
		session->stopped = fb_relay_spent(session->relay);
	}
	return status;
}

static fb_status play_round(fb_session *session, void *engine, int number, fb_error *error)
{
	fb_batch batch = {0};
	fb_status status = FB_OK;
	while (!status && !session->stopped) {
		int room = fb_session_room(session) - reserve(session);
		session->stopped = room <= 0 ? "auditions" : ended_then(session);
		if (session->stopped) {
			break;
		}
		status = propose(session, engine, room, &batch, error);
		bool over = !batch.count;
		status = status || over ? status : fb_session_hear(session, &batch, number, error);
		fb_batch_clear(&batch);
		if (over) {
			break;
		}
	}
	fb_batch_clear(&batch);
	return status;
}

static void close_round(fb_session *session, fb_round *round, const struct timespec *began,
	double score_before, int count_before)
{
	round->auditions = session->history.count - count_before;
	round->seconds = since(began);
	round->score = fb_session_after(session)->score;
	round->gain = round->score - score_before;
	round->spend = fb_session_spend(session);
	round->best = session->history.best;
	session->rounds++;
	if (session->watch.round) {
		session->watch.round(session->watch.ctx, session, round);
	}
}

static fb_status rounds(fb_session *session, void *engine, fb_error *error)
{
	int idle = 0;
	fb_status status = FB_OK;
	const fb_session_options *options = &session->options;
	for (int number = 1; !status && !session->stopped; number++) {
		fb_round *round = &session->round[session->rounds];
		struct timespec began;
		double score = fb_session_after(session)->score;
		int count = session->history.count;
		clock_gettime(CLOCK_MONOTONIC, &began);
		*round = (fb_round){.number = number};
		status = play_round(session, engine, number, error);
		snprintf(session->gave_up, sizeof session->gave_up, "%s", options->engine->gave_up(engine));
		if (!status && session->history.count == count && !session->stopped) {
			session->stopped = *session->gave_up ? "model" : "nothing left to try";
		}
		if (status || session->history.count == count) {
			break;
		}
		close_round(session, round, &began, score, count);
		bool more = options->engine->end_round(engine);
		idle = round->gain < 100.0 * options->epsilon ? idle + 1 : 0;
		if (!session->stopped) {
			session->stopped = idle >= options->patience       ? "epsilon"
							   : !more && *session->gave_up    ? "model"
							   : !more                         ? "nothing left to try"
							   : number >= options->rounds_max ? "rounds"
															   : NULL;
		}
	}
	return status;
}

/** The last round: not more than a few auditions, and not when somebody waits. */
static fb_status tidy(fb_session *session, fb_error *error)
{
	fb_round *round = &session->round[session->rounds];
	struct timespec began;
	const char *stopped = session->stopped;
	double score = fb_session_after(session)->score;
	int count = session->history.count;
	if (interrupted(session) || session->options.relay.dry_run) {
		return FB_OK;
	}
	clock_gettime(CLOCK_MONOTONIC, &began);
	*round = (fb_round){.tidying = true};
	fb_status status = fb_session_tidy(session, error);
	if (!status && session->history.count > count) {
		close_round(session, round, &began, score, count);
	}
	session->stopped = stopped;
	return status;
}

fb_status fb_session_search(fb_session *session, fb_error *error)
{
	void *engine = NULL;
	const fb_session_options *options = &session->options;
	fb_tuning_task task = {
		.history = &session->history, .seed = options->seed, .brief = &session->brief};
	fb_status status = options->engine->create(&task, &engine, error);
	if (!status) {
		status = rounds(session, engine, error);
		options->engine->destroy(engine);
	}
	return status ? status : tidy(session, error);
}
