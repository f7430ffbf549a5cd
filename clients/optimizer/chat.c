/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat.h"

#include "../common/body.h"
#include "plain.h"

#include <curl/curl.h>
#include <jansson.h>

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20, URL_MAX = 1024, HOST_MAX = 256 };
#define TAIL "/chat/completions"
#define CONNECT_S 15.0
#define BACK_OFF_S 1.0 /* before the first retry, doubled for each */
#define BACK_OFF_MOST_S 30.0
#define RETRY_AFTER_MOST_S 600.0 /* who asks for more is given up */
#define POLL_S 0.05              /* how soon somebody who wants to stop is heard */

struct fb_chat {
	fb_chat_options options;
	CURL *curl;
	CURLM *multi; ///< moves `curl`, a stretch of POLL_S at a time
	struct curl_slist *headers;
	char url[URL_MAX];
	char host[HOST_MAX];
	bool loopback;
	char why[CURL_ERROR_SIZE];
};

/** How one try went. */
typedef struct attempt {
	fb_status status;
	bool again; ///< another try may help
	double after_s;
} attempt;

/* --- the address */

/** Nothing that goes there leaves this machine. A name that only looks like such an address
	(127.0.0.1.example.org) is anybody's. */
static bool is_loopback(const char *host)
{
	struct in_addr v4;
	return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
		   (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

/** How much of an address counts: people copy it with the end that is added here. */
static int base_len(const char *base)
{
	size_t len = strlen(base), tail = sizeof TAIL - 1;
	while (len && base[len - 1] == '/') {
		len--;
	}
	if (len > tail && !strncmp(base + len - tail, TAIL, tail)) {
		len -= tail;
	}
	return (int)len;
}

static fb_status read_url(fb_chat *chat, fb_error *error)
{
	const char *base = chat->options.base_url;
	char *scheme = NULL, *host = NULL, *user = NULL, *query = NULL, *fragment = NULL;
	CURLU *url = curl_url();
	fb_status status = FB_OK;
	if (!url || curl_url_set(url, CURLUPART_URL, base, 0) ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) ||
		(strcmp(scheme, "https") && strcmp(scheme, "http"))) {
		status = fb_fail(error, FB_INVALID, "--base-url", "needs https://HOST/... or http://...");
	} else if (!curl_url_get(url, CURLUPART_USER, &user, 0) ||
			   !curl_url_get(url, CURLUPART_QUERY, &query, 0) ||
			   !curl_url_get(url, CURLUPART_FRAGMENT, &fragment, 0)) {
		status = fb_fail(
			error, FB_INVALID, "--base-url", "takes no user name, no query and no fragment");
	} else {
		chat->loopback = is_loopback(host);
		snprintf(chat->host, sizeof chat->host, "%s", host);
		if (chat->options.key && !chat->loopback && !strcmp(scheme, "http")) {
			status = fb_fail(error, FB_INVALID, "--base-url",
				"a key is not sent in the clear: use https, or no key");
		}
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_free(query);
	curl_free(fragment);
	curl_url_cleanup(url);
	if (!status && snprintf(chat->url, sizeof chat->url, "%.*s%s", base_len(base), base, TAIL) >=
					   (int)sizeof chat->url) {
		status = fb_fail(error, FB_INVALID, "--base-url", "is too long");
	}
	return status;
}

static bool add_header(fb_chat *chat, const char *header)
{
	struct curl_slist *grown = curl_slist_append(chat->headers, header);
	chat->headers = grown ? grown : chat->headers;
	return grown != NULL;
}

static bool add_key(fb_chat *chat)
{
	const char *key = chat->options.key;
	size_t size = key ? strlen(key) + sizeof "Authorization: Bearer " : 0;
	char *header = key ? malloc(size) : NULL;
	bool added = !key;
	if (header) {
		snprintf(header, size, "Authorization: Bearer %s", key);
		added = add_header(chat, header);
		explicit_bzero(header, size);
	}
	free(header);
	return added;
}

fb_status fb_chat_open(const fb_chat_options *options, fb_chat **out, fb_error *error)
{
	fb_chat *chat = calloc(1, sizeof *chat);
	if (!chat) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	chat->options = *options;
	fb_status status = read_url(chat, error);
	const char *ca_file = options->ca_file;
	if (!status && ca_file && access(ca_file, R_OK)) {
		status = fb_fail(error, FB_IO, "--ca-file", "%s: %s", ca_file, strerror(errno));
	}
	if (!status) {
		chat->curl = curl_easy_init();
		chat->multi = curl_multi_init();
		if (!chat->curl || !chat->multi || !add_header(chat, "Content-Type: application/json") ||
			!add_header(chat, "Accept: application/json") || !add_header(chat, "Expect:") ||
			!add_key(chat)) {
			status = fb_fail(error, FB_NO_MEMORY, "", "out of memory");
		}
	}
	if (status) {
		fb_chat_close(chat);
		return status;
	}
	*out = chat;
	return FB_OK;
}

void fb_chat_close(fb_chat *chat)
{
	if (chat) {
		for (struct curl_slist *header = chat->headers; header; header = header->next) {
			explicit_bzero(header->data, strlen(header->data));
		}
		curl_slist_free_all(chat->headers);
		curl_easy_cleanup(chat->curl);
		curl_multi_cleanup(chat->multi);
		free(chat);
	}
}

const char *fb_chat_url(const fb_chat *chat)
{
	return chat->url;
}

/* --- one try */

static size_t take_bytes(char *data, size_t size, size_t count, void *ctx)
{
	return fb_body_add(ctx, data, size * count, ANSWER_MAX) ? size * count : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const fb_chat *chat = ctx;
	(void)a, (void)b, (void)c, (void)d;
	return chat->options.go_on && !chat->options.go_on(chat->options.ctx);
}

static void set_up(fb_chat *chat, const char *text, fb_body *a)
{
	CURL *curl = chat->curl;
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, chat->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* a key goes where it was meant to go */
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, chat->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "foldback/" FB_VERSION);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (chat->options.ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, chat->options.ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* instead of the system's */
	}
	if (chat->loopback) {
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	}
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(1e3 * CONNECT_S));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(1e3 * chat->options.timeout_s));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, chat);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, chat->why);
	chat->why[0] = '\0';
}

/** The transfer as it was set up. curl_easy_perform() would do, but looks up once a second while
	nothing comes. */
static CURLcode transfer(const fb_chat *chat)
{
	int running = 1, left;
	CURLMcode fault = curl_multi_add_handle(chat->multi, chat->curl);
	while (!fault && running) {
		fault = curl_multi_perform(chat->multi, &running);
		if (!fault && running) {
			fault = curl_multi_poll(chat->multi, NULL, 0, (int)(1e3 * POLL_S), NULL);
		}
	}
	const CURLMsg *message = fault ? NULL : curl_multi_info_read(chat->multi, &left);
	CURLcode code = message ? message->data.result : CURLE_OUT_OF_MEMORY;
	curl_multi_remove_handle(chat->multi, chat->curl);
	return code;
}

static fb_status given_up(const fb_chat *chat, fb_error *error)
{
	return fb_fail(error, FB_TOO_MANY, chat->host, "given up");
}

/** No whole answer came. */
static attempt broken(const fb_chat *chat, CURLcode code, const fb_body *a, fb_error *error)
{
	char
		why[CURL_ERROR_SIZE]; /* names of certificates are in it, as whoever made them wrote them */
	fb_plain(why, sizeof why, *chat->why ? chat->why : curl_easy_strerror(code));
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return (attempt){.status = given_up(chat, error)};
	case CURLE_PEER_FAILED_VERIFICATION:
		return (attempt){.status = fb_fail(error, FB_IO, chat->host,
							 "its certificate does not verify, so nothing was sent: %s", why)};
	case CURLE_SSL_CACERT_BADFILE:
		return (attempt){.status = fb_fail(error, FB_IO, "--ca-file", "cannot be used: %s", why)};
	case CURLE_WRITE_ERROR:
		return (attempt){.status = a->too_large
									   ? fb_fail(error, FB_TOO_LARGE, chat->host,
											 "its answer is larger than 4 MiB")
									   : fb_fail(error, FB_NO_MEMORY, "", "out of memory")};
	case CURLE_OPERATION_TIMEDOUT:
		return (attempt){.status = fb_fail(error, FB_UNAVAILABLE, chat->host,
							 "has not answered within %g s", chat->options.timeout_s),
			.again = true};
	default:
		return (attempt){
			.status = fb_fail(error, FB_UNAVAILABLE, chat->host, "%s", why), .again = true};
	}
}

/** What it says of its refusal, "" if nothing: servers have several ways. */
static const char *message_of(const json_t *root, const char *body)
{
	const json_t *error = json_object_get(root, "error"), *detail = json_object_get(root, "detail");
	const json_t *const places[] = {json_object_get(error, "message"), error,
		json_object_get(root, "message"), detail,
		json_object_get(json_array_get(detail, 0), "msg")};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (json_is_string(places[i])) {
			return json_string_value(places[i]);
		}
	}
	return root || !body || *body == '<' ? "" : body; /* a page is no message */
}

static attempt refused(fb_chat *chat, long http, const fb_body *a, fb_error *error)
{
	curl_off_t after = 0;
	curl_easy_getinfo(chat->curl, CURLINFO_RETRY_AFTER, &after);
	json_t *root = a->text ? json_loadb(a->text, a->len, 0, NULL) : NULL;
	const char *code = json_string_value(json_object_get(json_object_get(root, "error"), "code"));
	bool no_money = code && !strcmp(code, "insufficient_quota");
	bool busy = http == 408 || http == 429 || http >= 500;
	bool astray = http == 404 || http == 405 || (http >= 300 && http < 400);
	char message[200];
	fb_plain(message, sizeof message, message_of(root, a->text));
	attempt result = {.status = http == 401 || http == 403 ? FB_FORBIDDEN
								: busy                     ? FB_UNAVAILABLE
														   : FB_INVALID,
		.again = busy && !no_money,
		.after_s = (double)after};
	fb_fail(error, result.status, chat->host, "answers with HTTP status %ld%s%s%s%s%s", http,
		*message ? ": " : "", message, astray ? " (asked was " : "", astray ? chat->url : "",
		astray ? ")" : "");
	json_decref(root);
	return result;
}

static attempt try_once(fb_chat *chat, const char *text, char **body, long *http, fb_error *error)
{
	fb_body a = {0};
	attempt result = {.status = FB_OK};
	set_up(chat, text, &a);
	CURLcode code = transfer(chat);
	*http = 0;
	curl_easy_getinfo(chat->curl, CURLINFO_RESPONSE_CODE, http);
	if (a.text) {
		fb_plain_hide(a.text, chat->options.key);
	}
	if (code) {
		result = broken(chat, code, &a, error);
	} else if (*http != 200) {
		result = refused(chat, *http, &a, error);
	} else {
		*body = a.text ? a.text : calloc(1, 1);
		return *body ? result
					 : (attempt){.status = fb_fail(error, FB_NO_MEMORY, "", "out of memory")};
	}
	free(a.text);
	return result;
}

/* --- until it answers */

static void tell(const fb_chat *chat, const char *doing)
{
	if (chat->options.doing) {
		chat->options.doing(chat->options.ctx, doing);
	}
}

/** false: somebody wants to stop. */
static bool wait_for(const fb_chat *chat, double seconds, const fb_error *why)
{
	char doing[sizeof why->where + sizeof why->text + 40];
	const struct timespec nap = {0, (long)(1e9 * POLL_S)};
	for (double slept = 0.0; slept < seconds; slept += POLL_S) {
		snprintf(doing, sizeof doing, "asking again in %.0f s (%s: %s)", ceil(seconds - slept),
			why->where, why->text);
		tell(chat, doing);
		if (chat->options.go_on && !chat->options.go_on(chat->options.ctx)) {
			return false;
		}
		nanosleep(&nap, NULL);
	}
	return true;
}

static void add(fb_error *error, const char *fmt, ...) FB_PRINTF(2, 3);

/** Say more of what went wrong. */
static void add(fb_error *error, const char *fmt, ...)
{
	size_t said = strlen(error->text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(error->text + said, sizeof error->text - said, fmt, args);
	va_end(args);
}

fb_status fb_chat_post(fb_chat *chat, const char *text, char **body, long *http, fb_error *error)
{
	double back_off_s = BACK_OFF_S;
	for (int try = 0;; try++) {
		tell(chat, "asking the model");
		attempt made = try_once(chat, text, body, http, error);
		if (!made.again) {
			return made.status;
		}
		double pause = made.after_s > 0.0 ? made.after_s : back_off_s;
		if (pause > RETRY_AFTER_MOST_S) {
			add(error, "; asks for a wait of %.0f s", pause);
			return made.status;
		}
		if (try >= chat->options.retries) {
			if (try) {
				add(error, " (tried %d times)", try + 1);
			}
			return made.status;
		}
		if (!wait_for(chat, pause, error)) {
			return given_up(chat, error);
		}
		back_off_s = back_off_s < BACK_OFF_MOST_S / 2.0 ? 2.0 * back_off_s : BACK_OFF_MOST_S;
	}
}
