/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a message means, and bundles. thread: control */
#include "pattern.h"
#include "server_private.h"
#include "tree_private.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	MATCHES_MAX = 10000, /* of one message's pattern */
	AHEAD_MAX_S = 60,
	AHEAD = 16, /* elements of a bundle whose addresses are found together */
};

/** Who sent what is being applied. */
typedef struct sender {
	fb_osc *osc;
	fb_osc_client *client; ///< NULL: gone meanwhile
	fb_origin origin;
} sender;

static void refuse(sender *from, const fb_osc_message *message, const fb_error *error)
{
	from->osc->stats.refused++;
	if (from->client) {
		fb_osc_reply_error(from->client, message, error);
	}
}

/* --- one leaf */

static void reply_value(fb_osc_client *client, const fb_branch *leaf)
{
	fb_value value;
	fb_tree_get(client->osc->tree, leaf, &value);
	fb_osc_reply(client, fb_branch_address(leaf), &value, 1);
}

static void query(sender *from, fb_branch *branch, const fb_osc_message *message)
{
	const fb_leaf_spec *spec = fb_branch_leaf(branch);
	if (!from->client) {
		return;
	}
	if (!spec) {
		fb_osc_reply_children(from->client, message->address, NULL, 0, branch);
	} else if (spec->access & FB_READ) {
		reply_value(from->client, branch);
	} else {
		fb_error error;
		fb_fail(&error, FB_FORBIDDEN, message->address, "is write-only");
		refuse(from, message, &error);
	}
}

typedef enum press { NO_BUTTON, PRESSED, RELEASED } press;

/** What surfaces send for a button that stands for a command without parameters. */
static press button(const fb_leaf_spec *spec, const fb_osc_message *message)
{
	if (spec->kind != FB_LEAF_COMMAND || spec->args[0] || message->argc != 1) {
		return NO_BUTTON;
	}
	const fb_value *value = &message->argv[0];
	switch (value->tag) {
	case 'N':
	case 'T':
		return PRESSED;
	case 'F':
		return RELEASED;
	case 'f':
		return value->f > 0.0 ? PRESSED : RELEASED;
	case 'i':
		return value->i > 0 ? PRESSED : RELEASED;
	default:
		return NO_BUTTON;
	}
}

static void answer(fb_osc_client *client, const char *address, const fb_answer *a)
{
	if (a->count) {
		fb_osc_reply(client, address, a->values, a->count);
	} else {
		fb_value done = {.tag = 's', .s = address};
		fb_osc_reply(client, "/done", &done, 1);
	}
}

/** A set or a command. The leaf may be gone afterwards.
	errors: told to the asker unless `quiet`: then only counted */
static fb_status set(sender *from, fb_branch *leaf, const fb_osc_message *message, bool quiet)
{
	fb_osc *osc = from->osc;
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	bool command = spec && spec->kind == FB_LEAF_COMMAND;
	bool readable = spec && (spec->access & FB_READ);
	uint32_t argc = message->argc;
	switch (spec ? button(spec, message) : NO_BUTTON) {
	case RELEASED:
		return FB_OK;
	case PRESSED:
		argc = 0;
		break;
	default:
		break;
	}
	fb_set_result result;
	fb_error error;
	if (from->client && from->client->read_only) {
		fb_status refused = fb_tree_refuse(osc->tree, fb_branch_address(leaf), &from->origin,
			FB_FORBIDDEN, "setting from beyond this machine needs the token", &error);
		refuse(from, message, &error);
		if (readable) {
			reply_value(from->client->feedback, leaf);
		}
		return refused;
	}
	const fb_branch *outer = osc->setting;
	osc->setting = leaf;
	fb_tree_hold(osc->tree);
	fb_status status =
		fb_tree_set(osc->tree, leaf, message->argv, argc, FB_CLIP, &from->origin, &result, &error);
	osc->setting = outer;
	if (status && quiet) {
		osc->stats.refused++;
	} else if (status) {
		refuse(from, message, &error);
	}
	if (from->client && !status && command) {
		answer(from->client, fb_branch_address(leaf), &result.answer);
		if (result.answer.later) {
			fb_osc_later(from->client, result.answer.later, fb_branch_address(leaf));
		}
	} else if (from->client && readable && (status || result.adjusted) && !leaf->gone) {
		reply_value(from->client->feedback, leaf);
	}
	fb_tree_release(osc->tree);
	return status;
}

/* --- patterns */

typedef struct matching {
	sender *from;
	const fb_osc_message *message;
	fb_osc_pack pack;
	uint32_t matches, done, refused;
} matching;

static void send_pack(matching *m)
{
	if (!fb_osc_pack_send(&m->pack)) {
		fb_osc_reply_lost(m->pack.client);
	}
}

static bool query_match(void *ctx, fb_branch *leaf)
{
	matching *m = ctx;
	if (fb_branch_leaf(leaf)->access & FB_READ) {
		m->done++;
		if (!fb_osc_pack_add(&m->pack, leaf)) {
			send_pack(m);
			fb_osc_pack_add(&m->pack, leaf);
		}
	}
	return ++m->matches < MATCHES_MAX;
}

static bool set_match(void *ctx, fb_branch *leaf)
{
	matching *m = ctx;
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	if ((spec->access & FB_WRITE) && spec->kind != FB_LEAF_COMMAND) {
		fb_osc_message one = *m->message;
		one.address = fb_branch_address(leaf);
		m->done++;
		/* of many refusals the first tells enough */
		m->refused += set(m->from, leaf, &one, m->refused > 0) != FB_OK;
	}
	return ++m->matches < MATCHES_MAX;
}

static void by_pattern(sender *from, const fb_osc_message *message)
{
	fb_osc *osc = from->osc;
	matching m = {.from = from, .message = message};
	fb_error error;
	fb_status status;
	bool asks = message->argc == 0;
	if (asks && !from->client) {
		return;
	}
	if (asks) {
		fb_osc_pack_start(&m.pack, from->client);
	}
	status = fb_tree_match(osc->tree, message->address, asks ? query_match : set_match, &m, &error);
	if (asks) {
		send_pack(&m);
	}
	if (status == FB_NOT_FOUND && !asks) {
		fb_tree_refuse_unknown(osc->tree, message->address, &from->origin, &error);
	} else if (!status && m.matches == MATCHES_MAX) {
		status = fb_fail(&error, FB_TOO_MANY, message->address,
			"the pattern matches more than %d addresses; the others were left out", MATCHES_MAX);
	} else if (!status && !m.done) {
		status = fb_fail(&error, FB_FORBIDDEN, message->address, "nothing that matches can be %s",
			asks ? "read" : "set by a pattern");
	}
	if (status) {
		refuse(from, message, &error);
	}
}

/* --- what is no address of the tree */

static void do_subscribe(sender *from, const fb_osc_message *message)
{
	fb_osc_subscribe(from->client, message, false);
}

static void do_xremote(sender *from, const fb_osc_message *message)
{
	fb_osc_subscribe(from->client, message, true);
}

static void do_unsubscribe(sender *from, const fb_osc_message *message)
{
	fb_osc_unsubscribe(from->client, message);
}

static void do_sync(sender *from, const fb_osc_message *message)
{
	uint32_t *withheld = &from->client->withheld;
	fb_value values[2] = {message->argv[0], {.tag = 'i', .i = *withheld}};
	fb_osc_reply(from->client, "/synced", values, *withheld ? 2 : 1);
	*withheld = 0;
}

static void do_info(sender *from, const fb_osc_message *message)
{
	fb_value values[4] = {{.tag = 's', .s = fb_osc_host(from->osc).name},
		{.tag = 's', .s = "foldback"}, {.tag = 's', .s = FB_VERSION},
		{.tag = 'i', .i = fb_osc_port(from->osc)}};
	fb_osc_reply(from->client, message->address, values, 4);
}

static void do_version(sender *from, const fb_osc_message *message)
{
	fb_value values[2] = {{.tag = 's', .s = "foldback"}, {.tag = 's', .s = FB_VERSION}};
	fb_osc_reply(from->client, message->address, values, 2);
}

static void do_status(sender *from, const fb_osc_message *message)
{
	fb_osc *osc = from->osc;
	fb_value values[FB_OSC_ARGS_MAX];
	uint32_t n = 0;
	for (const char *const *at = osc->options.status; at && *at && n < FB_OSC_ARGS_MAX; at++) {
		const fb_branch *leaf = fb_tree_find(osc->tree, *at);
		if (leaf) {
			values[n++] = (fb_value){.tag = 's', .s = *at};
			fb_tree_get(osc->tree, leaf, &values[n++]);
		}
	}
	fb_osc_reply(from->client, message->address, values, n);
}

/** What is below an address, told at /list itself: for clients that match replies by address. */
static void do_list(sender *from, const fb_osc_message *message)
{
	fb_error error;
	const char *path = message->argc ? message->argv[0].s : "/";
	const fb_branch *branch = fb_tree_find(from->osc->tree, path);
	if (branch) {
		const char *address = fb_branch_address(branch);
		fb_osc_reply_children(from->client, message->address, &address, 1, branch);
	} else {
		fb_fail(&error, FB_NOT_FOUND, message->address, "there is no such address");
		refuse(from, message, &error);
	}
}

/** What OSCQuery tells of an address, for clients without HTTP. */
static void do_describe(sender *from, const fb_osc_message *message)
{
	fb_osc *osc = from->osc;
	fb_error error;
	fb_status status = FB_OK;
	const char *verb = message->address;
	const fb_branch *branch = fb_tree_find(osc->tree, message->argv[0].s);
	if (!branch) {
		fb_fail(&error, FB_NOT_FOUND, verb, "there is no such address");
		refuse(from, message, &error);
		return;
	}
	fb_oscquery_host host = fb_osc_host(osc);
	char *json = fb_oscquery_node(osc->tree, &host, branch);
	const char *const first[] = {fb_branch_address(branch), json};
	if (!json) {
		status = fb_fail(&error, FB_NO_MEMORY, verb, "out of memory");
	} else if (!fb_osc_reply_children(from->client, verb, first, 2, branch)) {
		status = fb_fail(&error, FB_TOO_LARGE, verb, "the answer is too large for a packet");
	}
	if (status) {
		refuse(from, message, &error);
	}
	free(json);
}

static void do_dump(sender *from, const fb_osc_message *message)
{
	double on = 0.0;
	fb_value_number(&message->argv[0], &on);
	from->osc->dump = (fb_osc_dump){.on = on != 0.0};
	fb_value state = {.tag = 'i', .i = on != 0.0};
	fb_osc_reply(from->client, message->address, &state, 1);
}

static void do_nothing(sender *from, const fb_osc_message *message)
{
	(void)from;
	(void)message;
}

static const struct verb {
	const char *address, *args; ///< '?': optional from there
	void (*run)(sender *from, const fb_osc_message *message);
} verbs[] = {
	{"/subscribe", "s?ii", do_subscribe}, {"/unsubscribe", "?s", do_unsubscribe},
	{"/xremote", "?ii", do_xremote}, {"/sync", "i", do_sync}, {"/info", "", do_info},
	{"/version", "", do_version}, {"/status", "", do_status}, {"/list", "?s", do_list},
	{"/describe", "s", do_describe}, {"/dump", "i", do_dump},
	{"/error", NULL, do_nothing}, /* an error is never answered: it would come back as another */
};

/** Do the arguments fit? Numbers of either kind are numbers. */
static bool args_fit(const char *args, const fb_osc_message *message)
{
	uint32_t n = 0;
	bool optional = false;
	for (; *args; args++) {
		if (*args == '?') {
			optional = true;
			continue;
		}
		if (n == message->argc) {
			return optional;
		}
		char tag = message->argv[n++].tag;
		if (*args == 's' ? tag != 's' : tag != 'i' && tag != 'f') {
			return false;
		}
	}
	return n == message->argc;
}

static void unknown(sender *from, const fb_osc_message *message)
{
	fb_osc *osc = from->osc;
	fb_error error;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		const struct verb *verb = &verbs[i];
		if (strcmp(message->address, verb->address) != 0) {
			continue;
		}
		if (verb->args && !args_fit(verb->args, message)) {
			fb_fail(&error, FB_INVALID, verb->address,
				"takes the arguments \"%s\" (after ? optional)", verb->args);
			refuse(from, message, &error);
		} else if (from->client) {
			verb->run(from, message);
		}
		return;
	}
	/* "/a/" lists what is below /a */
	size_t length = strlen(message->address);
	fb_branch *branch = NULL;
	if (message->argc == 0 && message->address[length - 1] == '/') {
		branch = fb_tree_find_n(osc->tree, message->address, length - 1);
	}
	if (branch && from->client) {
		fb_osc_reply_children(from->client, message->address, NULL, 0, branch);
	} else if (!branch) {
		if (message->argc) {
			fb_tree_refuse_unknown(osc->tree, message->address, &from->origin, &error);
		} else {
			fb_fail(&error, FB_NOT_FOUND, message->address, "there is no such address");
		}
		refuse(from, message, &error);
	}
}

/* --- messages and bundles */

/** An unknown address is repeated in replies and in the audit: only if it can be. */
static bool is_speakable(const char *address)
{
	return strlen(address) <= FB_PATTERN_MAX && fb_text_is_clean(address);
}

/** branch: at its address, if that is known already */
static void apply_message(sender *from, const fb_osc_message *message, fb_branch *branch)
{
	fb_osc *osc = from->osc;
	osc->stats.messages++;
	if (osc->dump.on) {
		fb_osc_dump_message(osc, from->origin.text, message);
	}
	branch = branch ? branch : fb_tree_find(osc->tree, message->address);
	if (!branch && !is_speakable(message->address)) {
		fb_error error;
		fb_fail(&error, FB_INVALID, "", "the address is too long or not text");
		refuse(from, NULL, &error);
		return;
	}
	if (!branch && fb_pattern_is_plain(message->address)) {
		unknown(from, message);
		return;
	}
	if (!branch) {
		by_pattern(from, message);
		return;
	}
	const fb_leaf_spec *spec = fb_branch_leaf(branch);
	if (message->argc == 0 && !(spec && spec->kind == FB_LEAF_COMMAND)) {
		query(from, branch, message);
	} else {
		set(from, branch, message, false);
	}
}

/** When a bundle's time comes, by the clock of now_us; now or before if it has come. */
static int64_t due_time(const fb_osc *osc, uint64_t timetag)
{
	struct timespec now;
	/* 1 says now; 0, which the specification leaves open, is what pyliblo sends for it */
	if (timetag <= 1) {
		return osc->now_us;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	/* NTP counts from 1900, in 2^-32 s */
	uint64_t ntp = ((uint64_t)now.tv_sec + 2208988800u) << 32;
	ntp += ((uint64_t)now.tv_nsec << 32) / 1000000000u;
	double ahead_s = (double)(int64_t)(timetag - ntp) * 0x1p-32;
	return osc->now_us + (int64_t)(ahead_s * 1e6);
}

static void apply(sender *from, const void *data, size_t size, bool due);

/** Some elements at a time: first all addresses are found, then each is applied in turn. What one
	of them removes is looked for again by the next. */
static void apply_elements(sender *from, const void *data, size_t size)
{
	fb_osc *osc = from->osc;
	fb_wanted wanted[AHEAD];
	size_t element_size[AHEAD], at = 0;
	uint32_t n;
	fb_tree_hold(osc->tree);
	do {
		const void *element;
		for (n = 0; n < AHEAD && fb_osc_bundle_next(data, size, &at, &element, &element_size[n]);
			 n++) {
			wanted[n].address = element;
			wanted[n].length = (uint32_t)fb_osc_float_address(element, element_size[n]);
		}
		fb_tree_find_all(osc->tree, wanted, n);
		for (uint32_t i = 0; i < n; i++) {
			fb_branch *leaf = wanted[i].found;
			fb_osc_message message;
			if (leaf && !leaf->gone) {
				fb_osc_decode_float(wanted[i].address, element_size[i], &message);
				apply_message(from, &message, leaf);
			} else {
				apply(from, wanted[i].address, element_size[i], false);
			}
		}
	} while (n == AHEAD);
	fb_tree_release(osc->tree);
}

/** due: its time has come, whatever its tag says */
static void apply_bundle(sender *from, const void *data, size_t size, bool due)
{
	fb_osc *osc = from->osc;
	int64_t due_us = due ? osc->now_us : due_time(osc, fb_osc_bundle_time(data));
	if (due_us <= osc->now_us) {
		apply_elements(from, data, size);
		return;
	}
	fb_error error;
	fb_status status = FB_OK;
	if (due_us - osc->now_us > AHEAD_MAX_S * (int64_t)1000000) {
		status = fb_fail(
			&error, FB_INVALID, "", "the bundle's time is more than %d s ahead", AHEAD_MAX_S);
	}
	if (from->client && from->client->read_only) {
		/* it might be gone, and its limits with it, when the time comes */
		status = fb_fail(&error, FB_FORBIDDEN, "", "a bundle of the future needs the token");
	}
	if (!status) {
		status = fb_osc_hold(osc, from->client, from->origin.text, data, size, due_us, &error);
	}
	if (status) {
		refuse(from, NULL, &error);
	}
}

static void apply(sender *from, const void *data, size_t size, bool due)
{
	fb_osc_message message;
	if (fb_osc_is_bundle(data, size)) {
		apply_bundle(from, data, size, due);
	} else if (fb_osc_decode(data, size, &message, NULL) == FB_OK) {
		apply_message(from, &message, NULL);
	}
}

void fb_osc_apply(
	fb_osc *osc, fb_osc_client *client, const char *origin, const void *data, size_t size, bool due)
{
	sender from = {osc, client, {origin, client ? client->feedback : NULL}};
	fb_tree_begin(osc->tree);
	apply(&from, data, size, due);
	fb_tree_end(osc->tree);
}

void fb_osc_packet(
	fb_osc *osc, fb_osc_client *client, const void *data, size_t size, int64_t now_us)
{
	fb_error error;
	osc->now_us = now_us;
	osc->stats.packets++;
	if (fb_osc_check(data, size, &error)) {
		osc->stats.malformed++;
		fb_osc_reply_error(client, NULL, &error);
		return;
	}
	fb_osc_apply(osc, client, client->origin, data, size, false);
}
