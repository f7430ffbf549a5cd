/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include "codec.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SUBSCRIPTIONS_MAX = 64,
	RENEW_MS = 3000, /* of a lease of 10 s: two may be lost */
	GONE_MS = 10000,
	PACKETS_MAX = 256, /* in one fb_client_run() */
	RECEIVE_BUFFER = 4 << 20,
};

typedef struct subscription {
	char *pattern; ///< owned
	uint32_t rate_hz;
} subscription;

/** What a call waits for. */
typedef struct wait {
	const char *address; ///< of the answer
	const char *pattern; ///< its first argument, NULL if any will do
	int32_t sync;        ///< number of the /sync that ends it
	bool answered, synced;
	fb_status status; ///< of an /error about it
	fb_error *error;
	fb_client_child_fn *child;
	void *ctx;
	bool describes; ///< in front of the children stand `pattern` and a text
	fb_value values[FB_CLIENT_VALUES_MAX];
	uint32_t count;
} wait;

struct fb_client {
	int fd;
	char where[128];
	int timeout_ms, tries;
	int32_t sync;
	fb_client_value_fn *value;
	void *ctx;
	subscription subs[SUBSCRIPTIONS_MAX];
	uint32_t n_subs;
	int64_t renewed_ms, confirmed_ms;
	fb_error ended; ///< why the server ended a subscription, or does not renew it
	wait *waiting;  ///< the call under way, NULL if none
	unsigned char out[FB_OSC_PACKET_MAX], in[FB_OSC_PACKET_MAX];
	char texts[FB_OSC_PACKET_MAX]; ///< the strings of the last answer
	size_t texts_used;
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- opening */

fb_status fb_client_open(const char *host, uint16_t port, fb_client **out, fb_error *error)
{
	char service[8], where[128];
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV}, *found;
	snprintf(service, sizeof service, "%u", (unsigned)port);
	snprintf(where, sizeof where, "%.100s port %u", host, (unsigned)port);
	int code = getaddrinfo(host, service, &hints, &found);
	if (code) {
		return fb_fail(error, FB_INVALID, where, "cannot find the host: %s", gai_strerror(code));
	}
	fb_client *client = calloc(1, sizeof *client);
	if (!client) {
		freeaddrinfo(found);
		return fb_fail(error, FB_NO_MEMORY, where, "out of memory");
	}
	/* connected, so that only this server is heard, and its absence is told at once */
	client->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed = client->fd < 0 || connect(client->fd, found->ai_addr, found->ai_addrlen);
	int reason = errno, size = RECEIVE_BUFFER;
	freeaddrinfo(found);
	if (failed) {
		fb_client_close(client);
		return fb_fail(error, FB_IO, where, "cannot speak OSC: %s", strerror(reason));
	}
	setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* as much as there is */
	memcpy(client->where, where, sizeof where);
	fb_client_set_patience(client, 500, 3);
	*out = client;
	return FB_OK;
}

void fb_client_close(fb_client *client)
{
	if (!client) {
		return;
	}
	if (client->fd >= 0) {
		fb_client_unsubscribe(client);
		close(client->fd);
	}
	free(client);
}

void fb_client_set_patience(fb_client *client, int timeout_ms, int tries)
{
	client->timeout_ms = timeout_ms;
	client->tries = tries;
}

int fb_client_fd(const fb_client *client)
{
	return client->fd;
}

void fb_client_listen(fb_client *client, fb_client_value_fn *value, void *ctx)
{
	client->value = value;
	client->ctx = ctx;
}

/* --- receiving */

static fb_status status_of(int64_t code)
{
	for (int status = FB_OK; status <= FB_UNAVAILABLE; status++) {
		if (fb_status_code((fb_status)status) == code) {
			return (fb_status)status;
		}
	}
	return FB_INVALID;
}

static void take_error(fb_client *client, wait *w, const fb_osc_message *message)
{
	const fb_value *argv = message->argv;
	if (message->argc < 3 || argv[0].tag != 's' || argv[1].tag != 'i' || argv[2].tag != 's') {
		return;
	}
	if (strcmp(argv[0].s, "/subscribe") == 0 && !(w && strcmp(w->address, "/subscribe") == 0)) {
		fb_fail(&client->ended, status_of(argv[1].i), argv[0].s, "%s", argv[2].s);
		return;
	}
	if (!w) {
		return;
	}
	/* an error without an address is about the packet as a whole; one about a pattern may name any
	   of what it matches */
	bool any = !argv[0].s[0] || strpbrk(w->address, "?*[{");
	if (!w->status && (any || strcmp(argv[0].s, w->address) == 0)) {
		w->status = fb_fail(w->error, status_of(argv[1].i), w->address, "%s", argv[2].s);
	}
}

/** A string that stays when the next packet comes. */
static const char *keep(fb_client *client, const char *text)
{
	size_t length = strlen(text) + 1;
	if (client->texts_used + length > sizeof client->texts) {
		return "";
	}
	char *kept = memcpy(client->texts + client->texts_used, text, length);
	client->texts_used += length;
	return kept;
}

static void take_answer(fb_client *client, wait *w, const fb_osc_message *message)
{
	w->answered = true;
	w->count = 0;
	client->texts_used = 0;
	for (uint32_t i = 0; i < message->argc && i < FB_CLIENT_VALUES_MAX; i++) {
		fb_value value = message->argv[i];
		if (value.tag == 's') {
			value.s = keep(client, value.s);
		}
		w->values[w->count++] = value;
	}
}

/** The address and the description that stand before the names. false: of another place, or not
	whole. */
static bool take_description(fb_client *client, wait *w, fb_osc_reader *reader)
{
	fb_value address, json;
	if (!fb_osc_read_arg(reader, &address) || address.tag != 's' ||
		strcmp(address.s, w->pattern) != 0 || !fb_osc_read_arg(reader, &json) || json.tag != 's') {
		return false;
	}
	client->texts_used = 0;
	w->values[0] = (fb_value){.tag = 's', .s = keep(client, json.s)};
	return true;
}

/** A listing may have thousands of names: told one by one. */
static bool take_listing(fb_client *client, wait *w, const unsigned char *data, size_t size)
{
	fb_osc_reader reader;
	fb_value value;
	if (!w || !w->child || fb_osc_read(data, size, &reader, NULL) ||
		strcmp(reader.address, w->address) != 0) {
		return false;
	}
	if (w->describes && (w->answered || !take_description(client, w, &reader))) {
		return true;
	}
	while (!w->answered && fb_osc_read_arg(&reader, &value) && value.tag == 's') {
		char name[256];
		snprintf(name, sizeof name, "%s", value.s);
		size_t length = strlen(name);
		bool more = length && name[length - 1] == '/';
		name[length - (more ? 1 : 0)] = '\0';
		w->child(w->ctx, name, more);
	}
	w->answered = true;
	return true;
}

static bool first_is(const fb_osc_message *message, const char *text)
{
	return message->argc && message->argv[0].tag == 's' && strcmp(message->argv[0].s, text) == 0;
}

static void take_message(fb_client *client, const unsigned char *data, size_t size)
{
	wait *w = client->waiting;
	fb_osc_message message;
	if (take_listing(client, w, data, size) || fb_osc_decode(data, size, &message, NULL)) {
		return;
	}
	if (strcmp(message.address, "/subscribe") == 0) {
		client->confirmed_ms = now_ms();
	}
	if (strcmp(message.address, "/error") == 0) {
		take_error(client, w, &message);
	} else if (strcmp(message.address, "/synced") == 0) {
		if (w && message.argc && message.argv[0].tag == 'i' && message.argv[0].i == w->sync) {
			w->synced = true;
			if (!w->status && message.argc > 1) {
				w->status = fb_fail(w->error, FB_TOO_MANY, w->address,
					"refused; too many errors a second for the reason to be told");
			}
		}
	} else if (strcmp(message.address, "/done") == 0) {
		if (w && first_is(&message, w->address)) {
			w->answered = true;
		}
	} else if (w && strcmp(message.address, w->address) == 0 &&
			   (!w->pattern || first_is(&message, w->pattern))) {
		take_answer(client, w, &message);
	} else if (client->value && strcmp(message.address, "/subscribe") != 0 &&
			   strcmp(message.address, "/unsubscribe") != 0) {
		client->value(client->ctx, message.address, message.argv, message.argc);
	}
}

static void take_packet(fb_client *client, const unsigned char *data, size_t size)
{
	if (!fb_osc_is_bundle(data, size)) {
		take_message(client, data, size);
		return;
	}
	const void *element;
	size_t at = 0, element_size;
	while (fb_osc_bundle_next(data, size, &at, &element, &element_size) && at <= size) {
		take_message(client, element, element_size);
	}
}

static fb_status nobody(fb_client *client, fb_error *error)
{
	return fb_fail(error, FB_UNAVAILABLE, client->where, "no answer; is foldbackd running there?");
}

/** Take one packet, waiting at most so long; *got tells whether there was one.
	errors: FB_UNAVAILABLE (nobody listens there), FB_IO */
static fb_status receive(fb_client *client, int timeout_ms, bool *got, fb_error *error)
{
	struct pollfd fd = {.fd = client->fd, .events = POLLIN};
	*got = false;
	if (timeout_ms > 0 && poll(&fd, 1, timeout_ms) <= 0) {
		return FB_OK;
	}
	ssize_t n = recv(client->fd, client->in, sizeof client->in, 0);
	if (n >= 0) {
		*got = true;
		take_packet(client, client->in, (size_t)n);
	} else if (errno == ECONNREFUSED) {
		return nobody(client, error);
	} else if (errno != EAGAIN && errno != EINTR) {
		return fb_fail(error, FB_IO, client->where, "%s", strerror(errno));
	}
	return FB_OK;
}

/* --- sending */

static void send_packet(fb_client *client, size_t size)
{
	/* what fails here fails to be answered: the caller tries again */
	if (send(client->fd, client->out, size, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED) {
		/* the news of an earlier packet; this one has not gone out */
		send(client->fd, client->out, size, MSG_NOSIGNAL);
	}
}

static void renew(fb_client *client)
{
	int64_t now = now_ms();
	if (!client->n_subs || now - client->renewed_ms < RENEW_MS) {
		return;
	}
	client->renewed_ms = now;
	for (uint32_t i = 0; i < client->n_subs; i++) {
		fb_value argv[2] = {
			{.tag = 's', .s = client->subs[i].pattern}, {.tag = 'i', .i = client->subs[i].rate_hz}};
		size_t size = fb_osc_encode(client->out, sizeof client->out, "/subscribe", argv, 2);
		send_packet(client, size);
	}
}

/** A message and a /sync in one bundle: both arrive, or neither. errors: 0 if too large */
static size_t with_sync(
	fb_client *client, const char *address, const fb_value *argv, uint32_t argc, int32_t sync)
{
	unsigned char *out = client->out;
	const size_t room = sizeof client->out - 64;
	fb_value number = {.tag = 'i', .i = sync};
	size_t at = FB_OSC_BUNDLE_HEAD + FB_OSC_ELEMENT_HEAD;
	size_t n = fb_osc_encode(out + at, room - at, address, argv, argc);
	if (!n) {
		return 0;
	}
	fb_osc_encode_bundle_head(out, 1);
	fb_osc_encode_size(out + FB_OSC_BUNDLE_HEAD, (uint32_t)n);
	at += n;
	n = fb_osc_encode(
		out + at + FB_OSC_ELEMENT_HEAD, 64 - FB_OSC_ELEMENT_HEAD, "/sync", &number, 1);
	fb_osc_encode_size(out + at, (uint32_t)n);
	return at + FB_OSC_ELEMENT_HEAD + n;
}

static bool is_over(const wait *w, bool needs_answer)
{
	return w->status || (w->synced && (w->answered || !needs_answer));
}

/** Send, and wait until it was processed. needs_answer: a /synced alone is not enough. */
static fb_status exchange(fb_client *client, const char *address, const fb_value *argv,
	uint32_t argc, int tries, bool needs_answer, wait *w)
{
	fb_status status = FB_OK;
	w->sync = ++client->sync;
	client->waiting = w;
	for (int i = 0; i < tries && !status && !is_over(w, needs_answer); i++) {
		w->synced = false; /* where it came alone, the answer was lost */
		size_t size = with_sync(client, address, argv, argc, w->sync);
		if (!size) {
			status = fb_fail(w->error, FB_TOO_LARGE, address, "too large for a packet");
			break;
		}
		send_packet(client, size);
		int64_t end = now_ms() + client->timeout_ms;
		/* an error is followed by its /synced too: taken here, it cannot confuse the next call */
		while (!status && !w->synced && now_ms() < end) {
			bool got;
			renew(client);
			status = receive(client, (int)(end - now_ms()), &got, w->error);
		}
	}
	client->waiting = NULL;
	status = status ? status : w->status;
	if (!status && !w->synced) {
		status = nobody(client, w->error);
	}
	if (!status && needs_answer && !w->answered) {
		status = fb_fail(w->error, FB_UNAVAILABLE, address, "the answer was lost");
	}
	return status;
}

/* --- what callers want */

fb_status fb_client_get(fb_client *client, const char *address, fb_value *value, fb_error *error)
{
	wait w = {.address = address, .error = error};
	fb_status status = exchange(client, address, NULL, 0, client->tries, true, &w);
	if (!status && w.count != 1) {
		status = fb_fail(error, FB_FORBIDDEN, address, "holds others and has no value");
	}
	if (!status) {
		*value = w.values[0];
	}
	return status;
}

fb_status fb_client_set(fb_client *client, const char *address, const fb_value *value,
	fb_value *applied, fb_error *error)
{
	wait w = {.address = address, .error = error};
	fb_status status = exchange(client, address, value, 1, client->tries, false, &w);
	if (!status && applied) {
		*applied = w.count == 1 ? w.values[0] : *value;
	}
	return status;
}

fb_status fb_client_call(fb_client *client, const char *address, const fb_value *argv,
	uint32_t argc, fb_value *answer, uint32_t *count, fb_error *error)
{
	wait w = {.address = address, .error = error};
	fb_status status = exchange(client, address, argv, argc, 1, true, &w);
	if (!status && answer) {
		memcpy(answer, w.values, w.count * sizeof *answer);
	}
	if (!status && count) {
		*count = w.count;
	}
	return status;
}

fb_status fb_client_list(
	fb_client *client, const char *address, fb_client_child_fn *child, void *ctx, fb_error *error)
{
	char path[512];
	size_t length = strlen(address);
	bool slash = length && address[length - 1] == '/';
	snprintf(path, sizeof path, "%.500s%s", address, slash ? "" : "/");
	wait w = {.address = path, .error = error, .child = child, .ctx = ctx};
	return exchange(client, path, NULL, 0, client->tries, true, &w);
}

fb_status fb_client_describe(fb_client *client, const char *address, const char **json,
	fb_client_child_fn *child, void *ctx, fb_error *error)
{
	fb_value argument = {.tag = 's', .s = address};
	wait w = {.address = "/describe",
		.pattern = address,
		.error = error,
		.child = child,
		.ctx = ctx,
		.describes = true};
	fb_status status = exchange(client, "/describe", &argument, 1, client->tries, true, &w);
	if (!status) {
		*json = w.values[0].s;
	} else if (w.status) {
		snprintf(error->where, sizeof error->where, "%s", address); /* not the verb's */
	}
	return status;
}

fb_status fb_client_subscribe(
	fb_client *client, const char *pattern, uint32_t rate_hz, uint32_t *leaves, fb_error *error)
{
	if (client->n_subs == SUBSCRIPTIONS_MAX) {
		return fb_fail(error, FB_TOO_MANY, pattern, "too many subscriptions");
	}
	char *copy = strdup(pattern);
	if (!copy) {
		return fb_fail(error, FB_NO_MEMORY, pattern, "out of memory");
	}
	fb_value argv[2] = {{.tag = 's', .s = pattern}, {.tag = 'i', .i = rate_hz}};
	wait w = {.address = "/subscribe", .pattern = pattern, .error = error};
	fb_status status = exchange(client, "/subscribe", argv, 2, client->tries, true, &w);
	if (status) {
		free(copy);
		return status;
	}
	client->subs[client->n_subs].pattern = copy;
	client->subs[client->n_subs++].rate_hz = rate_hz;
	client->renewed_ms = client->n_subs == 1 ? now_ms() : client->renewed_ms;
	if (leaves) {
		*leaves = w.count == 5 ? (uint32_t)w.values[4].i : 0;
	}
	return FB_OK;
}

void fb_client_unsubscribe(fb_client *client)
{
	if (client->n_subs) {
		send_packet(
			client, fb_osc_encode(client->out, sizeof client->out, "/unsubscribe", NULL, 0));
	}
	while (client->n_subs) {
		free(client->subs[--client->n_subs].pattern);
	}
}

fb_status fb_client_run(fb_client *client, int timeout_ms, fb_error *error)
{
	int64_t end = now_ms() + timeout_ms;
	bool got = true;
	int taken = 0;
	fb_status status = FB_OK;
	/* wait for the first packet, then take what has come with it */
	while (!status && (got || (!taken && now_ms() < end)) && taken < PACKETS_MAX) {
		renew(client);
		int64_t left = taken ? 0 : end - now_ms();
		status = receive(client, left < RENEW_MS ? (int)left : RENEW_MS, &got, error);
		taken += got;
	}
	if (!status && client->n_subs && client->ended.status) {
		*error = client->ended;
		client->ended.status = FB_OK;
		status = error->status;
	}
	if (!status && client->n_subs && now_ms() - client->confirmed_ms > GONE_MS) {
		status = nobody(client, error);
	}
	return status;
}
