/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a request to its handler. Everything that is no route is an address of the tree and answered
   as OSCQuery. thread: control */
#include "../../osc/oscquery.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fb_routes *const groups[] = {
	&fb_station_routes,
	&fb_edit_routes,
	&fb_scene_routes,
	&fb_midi_routes,
	&fb_calibration_routes,
	&fb_stored_routes,
	&fb_event_routes,
	&fb_prometheus_routes,
	&fb_preset_routes,
	&fb_server_routes,
};
enum { N_GROUPS = sizeof groups / sizeof *groups };

const fb_route *fb_route_next(size_t *at, const fb_routes **group)
{
	size_t n = *at;
	for (size_t i = 0; i < N_GROUPS; i++) {
		if (n < groups[i]->count) {
			*group = groups[i];
			(*at)++;
			return &groups[i]->route[n];
		}
		n -= groups[i]->count;
	}
	return NULL;
}

const char *fb_method_name(fb_method method)
{
	static const char *const names[] = {[FB_GET] = "GET",
		[FB_POST] = "POST",
		[FB_PUT] = "PUT",
		[FB_DELETE] = "DELETE",
		[FB_OPTIONS] = "OPTIONS",
		[FB_OTHER] = ""};
	return names[method];
}

/* --- finding it */

/** Does a path fit a route's? Fills `part`, which may be NULL. */
static bool fits(const char *pattern, const char *path, char (*part)[FB_PART_LEN])
{
	for (int n = 0; *pattern; pattern++, path++) {
		if (*pattern != '{') {
			if (*pattern != *path) {
				return false;
			}
			continue;
		}
		size_t len = strcspn(path, "/");
		if (!len || len >= FB_PART_LEN || n == FB_PARTS_MAX) {
			return false;
		}
		if (part) {
			memcpy(part[n], path, len);
			part[n][len] = '\0';
		}
		n++;
		path += len - 1;
		pattern = strchr(pattern, '}');
	}
	return !*path;
}

static const fb_route *find(fb_method method, const char *path, char (*part)[FB_PART_LEN])
{
	const fb_routes *group;
	const fb_route *route;
	for (size_t at = 0; (route = fb_route_next(&at, &group));) {
		if (route->method == method && fits(route->path, path, part)) {
			return route;
		}
	}
	return NULL;
}

/** The methods that a path knows, as the header Allow has them. Returns false if there is none. */
static bool allowed(const char *path, char *text, size_t size)
{
	const fb_routes *group;
	const fb_route *route;
	size_t len = 0;
	text[0] = '\0';
	for (size_t at = 0; (route = fb_route_next(&at, &group));) {
		if (fits(route->path, path, NULL) && len < size) {
			len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
				route->method == FB_GET ? "GET, HEAD" : fb_method_name(route->method));
		}
	}
	return len > 0;
}

size_t fb_route_body_max(fb_method method, const char *path)
{
	const fb_route *route = find(method, path, NULL);
	return route ? route->body_max : FB_BODY_MAX; /* taken, to be told that there is none */
}

/* --- what every route wants checked */

static const fb_param *param_of(const fb_route *route, const char *name, size_t len)
{
	for (int i = 0; i < FB_PARAMS_MAX && route->param[i].name; i++) {
		const char *known = route->param[i].name;
		char in_path[64];
		snprintf(in_path, sizeof in_path, "{%s}", known);
		if (strlen(known) == len && !strncmp(known, name, len) && !strstr(route->path, in_path)) {
			return &route->param[i];
		}
	}
	return NULL;
}

static bool is_choice(const char *choices, const char *text, size_t len)
{
	for (;; choices++) {
		size_t n = strcspn(choices, "|");
		if (n == len && !strncmp(choices, text, len)) {
			return true;
		}
		choices += n;
		if (!*choices) {
			return false;
		}
	}
}

static bool value_fits(const fb_param *param, const char *text, size_t len)
{
	if (param->choices) {
		return is_choice(param->choices, text, len);
	}
	if (!param->min && !param->max) {
		return true;
	}
	char number[16], *end;
	if (!len || len >= sizeof number) {
		return false;
	}
	memcpy(number, text, len);
	number[len] = '\0';
	long value = strtol(number, &end, 10);
	return !*end && value >= param->min && value <= param->max;
}

/** Only what the route knows, each once, and of values that fit; refused otherwise. */
static bool query_is_good(fb_request *request, const fb_route *route, const fb_asked *asked)
{
	for (const char *at = asked->query; *at; at += *at == '&') {
		size_t whole = strcspn(at, "&"), name = strcspn(at, "=&");
		const fb_param *param = param_of(route, at, name);
		if (!param) {
			fb_http_answer_fault(request, 400, asked->path, "\"%.*s\" is nothing to ask for here",
				(int)(name < 60 ? name : 60), at);
			return false;
		}
		if (whole == name || !value_fits(param, at + name + 1, whole - name - 1)) {
			if (param->choices) {
				fb_http_answer_fault(
					request, 400, param->name, "must be one of %s", param->choices);
			} else {
				fb_http_answer_fault(request, 400, param->name,
					"must be a whole number from %ld to %ld", param->min, param->max);
			}
			return false;
		}
		at += whole;
	}
	return true;
}

/** A JSON body says so. That also keeps a web page elsewhere from writing through a visitor's
	browser, which may send other types unasked. */
static bool body_is_good(fb_request *request, const fb_route *route, const fb_asked *asked)
{
	if (!route->body || !strncasecmp(asked->content_type, "application/json", 16)) {
		return true;
	}
	fb_http_answer_fault(request, 415, asked->path, "the body must be application/json");
	return false;
}

/* --- OSCQuery */

/** Differs, as good as always, where the text differs: for ETag. Eight bytes at a time. */
static uint64_t fingerprint(const char *text, size_t len)
{
	uint64_t hash = len;
	while (len) {
		uint64_t word = 0;
		size_t n = len < sizeof word ? len : sizeof word;
		memcpy(&word, text, n);
		hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
		hash ^= hash >> 32;
		text += n;
		len -= n;
	}
	return hash;
}

static void answer_oscquery(fb_request *request, const fb_asked *asked)
{
	fb_server *server = asked->server;
	fb_oscquery_host host = fb_osc_host(server->osc);
	char *text;
	size_t len = 0;
	int code = fb_oscquery_get(server->tree, &host, asked->path, asked->query, &text, &len);
	if (code == 200) {
		char tag[20];
		snprintf(tag, sizeof tag, "\"%016llx\"", (unsigned long long)fingerprint(text, len));
		fb_http_add_header(request, "etag", tag);
		fb_http_add_header(request, "cache-control", "no-cache");
		if (strstr(asked->if_none_match, tag)) {
			free(text);
			text = NULL;
			len = 0;
			code = 304;
		}
	}
	fb_http_answer_bytes(request, code, "application/json", text, len);
}

/** What a browser asks before it lets a page of an invited origin write. */
static void answer_options(fb_request *request, const fb_asked *asked)
{
	char methods[64];
	if (!allowed(asked->path, methods, sizeof methods)) {
		snprintf(methods, sizeof methods, "GET, HEAD");
	}
	fb_http_add_header(request, "allow", methods);
	fb_http_add_header(request, "access-control-allow-methods", methods);
	fb_http_add_header(request, "access-control-allow-headers", "authorization, content-type");
	fb_http_add_header(request, "access-control-max-age", "600");
	fb_http_answer_bytes(request, 204, NULL, NULL, 0);
}

void fb_route_handle(fb_request *request, fb_asked *asked)
{
	char methods[64];
	const fb_route *route = find(asked->method, asked->path, asked->part);
	if (asked->method == FB_OPTIONS) {
		answer_options(request, asked);
	} else if (route) {
		if (query_is_good(request, route, asked) && body_is_good(request, route, asked)) {
			route->handle(request, asked);
		}
	} else if (allowed(asked->path, methods, sizeof methods)) {
		fb_http_add_header(request, "allow", methods);
		fb_http_answer_fault(request, 405, asked->path, "not with this method");
	} else if (!strncmp(asked->path, "/api", 4) && (!asked->path[4] || asked->path[4] == '/')) {
		fb_refuse(request, FB_NOT_FOUND, asked->path,
			"there is no such route; /api/openapi.json has them all");
	} else if (asked->method != FB_GET) {
		fb_http_add_header(request, "allow", "GET, HEAD");
		fb_http_answer_fault(request, 405, asked->path, "not with this method");
	} else if (!strcmp(asked->path, "/") && !*asked->query && strstr(asked->accept, "text/html")) {
		fb_answer_page(request, asked);
	} else {
		answer_oscquery(request, asked);
	}
}
