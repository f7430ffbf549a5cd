/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OpenAPI 3.1 document, from the table of routes. */
#include "route.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	for (char *at = copy; at && *at; at++) {
		*at = *at == '\'' ? '"' : *at;
	}
	json_t *schema = copy ? json_loads(copy, 0, NULL) : NULL;
	free(copy);
	return schema;
}

json_t *fb_schema(const char *text)
{
	return isupper((unsigned char)text[0])
			   ? json_pack("{s:s+}", "$ref", "#/components/schemas/", text)
			   : parse(text);
}

/* --- parameters */

static json_t *param_schema(const fb_param *param)
{
	if (!param->choices) {
		return param->min || param->max ? json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum",
											  (int)param->min, "maximum", (int)param->max)
										: json_pack("{s:s}", "type", "string");
	}
	json_t *values = json_array();
	for (const char *at = param->choices; *at; at += *at == '|') {
		size_t len = strcspn(at, "|");
		json_array_append_new(values, json_stringn(at, len));
		at += len;
	}
	return json_pack("{s:s, s:o}", "type", "string", "enum", values);
}

static json_t *params(const fb_route *route)
{
	json_t *list = json_array();
	for (int i = 0; i < FB_PARAMS_MAX && route->param[i].name; i++) {
		const fb_param *param = &route->param[i];
		char in_path[64];
		snprintf(in_path, sizeof in_path, "{%s}", param->name);
		bool path = strstr(route->path, in_path) != NULL;
		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", param->name,
										"in", path ? "path" : "query", "required", path,
										"description", param->doc, "schema", param_schema(param)));
	}
	return list;
}

/* --- answers */

static json_t *content(const char *type, const char *schema)
{
	json_t *what = schema ? json_pack("{s:o}", "schema", fb_schema(schema)) : json_object();
	return json_pack("{s:o}", type ? type : "application/json", what);
}

static const char *meaning(int code)
{
	static const struct {
		int code;
		const char *text;
	} known[] = {{101, "The connection is a WebSocket from now on."}, {200, "Done."},
		{201, "Kept."}, {204, "Done; there is nothing to tell."},
		{400, "Malformed, or out of range."},
		{401, "Writing from beyond the server's machine needs the bearer token."},
		{403, "Not allowed: read-only, or asked by a web page of another origin."},
		{404, "There is no such thing."}, {406, "A value has a type that does not fit."},
		{409, "There is one already, or the state does not allow it."},
		{413, "The body, or what is asked for, is too large."}, {415, "The body has another type."},
		{426, "This is served over WebSocket."}, {429, "Too many, or too often."},
		{503, "Not now: what this needs is not there."}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i].code == code) {
			return known[i].text;
		}
	}
	return "Refused.";
}

static void add_answer(json_t *answers, int code, json_t *take_content)
{
	char key[8];
	snprintf(key, sizeof key, "%d", code);
	json_t *answer = json_pack("{s:s}", "description", meaning(code));
	if (take_content) {
		json_object_set_new(answer, "content", take_content);
	}
	json_object_set_new(answers, key, answer);
}

static json_t *answers(const fb_route *route)
{
	json_t *all = json_object();
	int good = route->code ? route->code : 200;
	bool has_body = route->answer || route->answer_type;
	add_answer(all, good, has_body ? content(route->answer_type, route->answer) : NULL);
	const char *common[] = {"400 429", route->method == FB_GET ? "" : "401 403",
		route->body_max ? "413" : "", route->body ? "415" : "",
		route->refusals ? route->refusals : ""};
	for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
		for (char *end, *at = (char *)(uintptr_t)common[i]; *at; at = end) {
			add_answer(all, (int)strtol(at, &end, 10), content(NULL, "Error"));
			end += strspn(end, " ");
		}
	}
	return all;
}

/* --- the document */

static json_t *operation(const fb_route *route, const char *tag)
{
	json_t *made = json_pack("{s:s, s:[s], s:o, s:o}", "summary", route->summary, "tags", tag,
		"parameters", params(route), "responses", answers(route));
	if (made && route->body_max) {
		json_object_set_new(made, "requestBody",
			json_pack(
				"{s:b, s:o}", "required", 1, "content", content(route->body_type, route->body)));
	}
	if (made && route->method != FB_GET) {
		json_object_set_new(made, "security", json_pack("[{}, {s:[]}]", "token"));
	}
	return made;
}

static json_t *paths(void)
{
	const fb_routes *group;
	const fb_route *route;
	json_t *all = json_object();
	for (size_t at = 0; (route = fb_route_next(&at, &group));) {
		json_t *path = json_object_get(all, route->path);
		char method[8];
		snprintf(method, sizeof method, "%s", fb_method_name(route->method));
		for (char *c = method; *c; c++) {
			*c = (char)tolower((unsigned char)*c);
		}
		if (!path) {
			path = json_object();
			json_object_set_new(all, route->path, path);
		}
		json_object_set_new(path, method, operation(route, group->tag));
	}
	return all;
}

json_t *fb_openapi(const fb_server *server)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s, s:s}}}}", "openapi",
		"3.1.0", "info", "title", server->options.name, "version", FB_VERSION, "description",
		"foldback's REST interface. All other paths are addresses of the tree, as OSCQuery.",
		"paths", paths(), "components", "schemas", fb_schemas(), "securitySchemes", "token", "type",
		"http", "scheme", "bearer", "description",
		"Needed for writes from beyond the server's own machine.");
}
