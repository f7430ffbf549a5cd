/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch.h"

#include "body.h"

#include <curl/curl.h>

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 256 << 20, URL_MAX = 1024, TIMEOUT_S = 10 };

struct fb_fetch {
	CURL *curl;
	char base[URL_MAX]; ///< "http://HOST:PORT"
	char where[128];    ///< "HOST:PORT", for errors
	char *bearer;       ///< the header, NULL without a token
	fb_fetch_progress *progress;
	void *progress_ctx;
};

/** What has come of an answer. */
typedef struct answer {
	fb_body body;
	FILE *file; ///< where a good answer's bytes go instead, NULL: into the body
	CURL *curl;
} answer;

fb_fetch *fb_fetch_open(const char *host, int port, const char *token)
{
	fb_fetch *fetch = calloc(1, sizeof *fetch);
	if (!fetch) {
		return NULL;
	}
	bool v6 = strchr(host, ':') != NULL;
	snprintf(fetch->where, sizeof fetch->where, v6 ? "[%s]:%d" : "%s:%d", host, port);
	snprintf(fetch->base, sizeof fetch->base, "http://%s", fetch->where);
	if (token) {
		size_t size = strlen(token) + sizeof "Authorization: Bearer ";
		fetch->bearer = malloc(size);
		if (fetch->bearer) {
			snprintf(fetch->bearer, size, "Authorization: Bearer %s", token);
		}
	}
	fetch->curl = curl_easy_init();
	if (!fetch->curl || (token && !fetch->bearer)) {
		fb_fetch_close(fetch);
		return NULL;
	}
	return fetch;
}

void fb_fetch_close(fb_fetch *fetch)
{
	if (fetch) {
		curl_easy_cleanup(fetch->curl);
		free(fetch->bearer);
		free(fetch);
	}
}

void fb_fetch_on_progress(fb_fetch *fetch, fb_fetch_progress *progress, void *ctx)
{
	fetch->progress = progress;
	fetch->progress_ctx = ctx;
}

/* --- the transfer */

static size_t take_bytes(char *data, size_t size, size_t count, void *ctx)
{
	answer *a = ctx;
	size_t len = size * count;
	long code = 0;
	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &code);
	if (a->file && code == 200) {
		return fwrite(data, 1, len, a->file);
	}
	return fb_body_add(&a->body, data, len, ANSWER_MAX) ? len : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const fb_fetch *fetch = ctx;
	(void)a, (void)b, (void)c, (void)d;
	return fetch->progress && !fetch->progress(fetch->progress_ctx);
}

/** What a transfer that did not come to an answer means. */
static fb_status broken(const fb_fetch *fetch, CURLcode code, const char *path, fb_error *error)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return fb_fail(error, FB_UNAVAILABLE, "",
			"no foldback server answers at %s (is foldbackd running?)", fetch->where);
	case CURLE_OPERATION_TIMEDOUT:
		return fb_fail(error, FB_IO, path, "%s has not answered in time", fetch->where);
	case CURLE_ABORTED_BY_CALLBACK:
		return fb_fail(error, FB_IO, path, "given up");
	case CURLE_WRITE_ERROR:
		return fb_fail(error, FB_IO, path, "the answer cannot be kept: no space, or too large");
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return fb_fail(error, FB_IO, path, "%s closed the connection before its answer was whole",
			fetch->where);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return fb_fail(
			error, FB_IO, path, "what answers at %s is no foldback server", fetch->where);
	default:
		return fb_fail(error, FB_IO, path, "%s: %s", fetch->where, curl_easy_strerror(code));
	}
}

static fb_status status_of(long code)
{
	for (int status = FB_INVALID; status <= FB_UNAVAILABLE; status++) {
		if (fb_status_code((fb_status)status) == code) {
			return (fb_status)status;
		}
	}
	return FB_IO;
}

/** The server's own error, or that it gave none. */
static fb_status refused(
	const fb_fetch *fetch, long code, const answer *a, const char *path, fb_error *error)
{
	json_t *root = a->body.text ? json_loadb(a->body.text, a->body.len, 0, NULL) : NULL;
	const json_t *inner = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(inner, "message"));
	const char *address = json_string_value(json_object_get(inner, "address"));
	if (message) {
		fb_fail(error, status_of(code), address ? address : "", "%s", message);
	} else {
		fb_fail(
			error, status_of(code), path, "%s answers with HTTP status %ld", fetch->where, code);
	}
	json_decref(root);
	return status_of(code);
}

/** Make the request that curl has been told of. Takes the headers. */
static fb_status transfer(fb_fetch *fetch, const char *path, struct curl_slist *headers,
	double timeout_s, answer *a, fb_error *error)
{
	char url[URL_MAX];
	CURL *curl = fetch->curl;
	if (snprintf(url, sizeof url, "%s%s", fetch->base, path) >= (int)sizeof url) {
		curl_slist_free_all(headers);
		curl_easy_reset(curl); /* what was set for this request is not the next one's */
		return fb_fail(error, FB_TOO_LARGE, "", "the address is too long");
	}
	struct curl_slist *all = fetch->bearer ? curl_slist_append(headers, fetch->bearer) : headers;
	a->curl = curl;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, all);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 1000L * TIMEOUT_S);
	curl_easy_setopt(
		curl, CURLOPT_TIMEOUT_MS, (long)(1e3 * (timeout_s > 0.0 ? timeout_s : TIMEOUT_S)));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
	long code = 0;
	CURLcode done = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(all);
	curl_easy_reset(curl);
	if (done) {
		return broken(fetch, done, path, error);
	}
	return code < 200 || code > 299 ? refused(fetch, code, a, path, error) : FB_OK;
}

static fb_status read_json(
	const fb_fetch *fetch, const answer *a, const char *path, json_t **out, fb_error *error)
{
	json_t *root =
		a->body.text ? json_loadb(a->body.text, a->body.len, JSON_DECODE_ANY, NULL) : NULL;
	if (!root) {
		return fb_fail(
			error, FB_IO, path, "%s answers with no JSON: no foldback server?", fetch->where);
	}
	*out = root;
	return FB_OK;
}

/* --- the requests */

fb_status fb_fetch_json(fb_fetch *fetch, const char *method, const char *path, const json_t *body,
	double timeout_s, json_t **out, fb_error *error)
{
	answer a = {0};
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	if (body && !text) {
		curl_slist_free_all(headers);
		return fb_fail(error, FB_NO_MEMORY, path, "out of memory");
	}
	curl_easy_setopt(fetch->curl, CURLOPT_CUSTOMREQUEST, method);
	if (text) {
		headers = curl_slist_append(headers, "Content-Type: application/json");
		headers = curl_slist_append(headers, "Expect:");
		curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS, text);
		curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
	}
	fb_status status = transfer(fetch, path, headers, timeout_s, &a, error);
	if (!status) {
		status = read_json(fetch, &a, path, out, error);
	}
	free(text);
	free(a.body.text);
	return status;
}

fb_status fb_fetch_file(
	fb_fetch *fetch, const char *path, double timeout_s, FILE *to, fb_error *error)
{
	answer a = {.file = to};
	fb_status status = transfer(fetch, path, NULL, timeout_s, &a, error);
	free(a.body.text);
	return status;
}

char *fb_fetch_escape(const char *text, const char *keep)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = malloc(3 * strlen(text) + 1), *at = out;
	for (; out && *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
					 strchr("-._~", c) || strchr(keep, c);
		if (plain) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	if (out) {
		*at = '\0';
	}
	return out;
}
