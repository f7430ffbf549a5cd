/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a browser gets at "/": who this is, how it does, and where everything else is. */
#include "route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Text as HTML. */
static void put(FILE *page, const char *text)
{
	static const struct {
		char from;
		const char *to;
	} marks[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
	for (; *text; text++) {
		const char *to = NULL;
		for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
			to = marks[i].from == *text ? marks[i].to : to;
		}
		if (to) {
			fputs(to, page);
		} else {
			fputc(*text, page);
		}
	}
}

static void put_stations(FILE *page, const fb_server *server)
{
	fputs("<table><tr><th>Station<th>Name<th>Patch<th>Quality\n", page);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		const fb_channel *channel = &server->channel[i];
		fprintf(page, "<tr><td><a href=\"/station/%u\">%u</a><td>", i + 1, i + 1);
		put(page, channel->name);
		fputs("<td>", page);
		put(page, fb_patch_name(fb_station_patch(channel->station)));
		fprintf(page, "<td>%.0f\n", channel->quality);
	}
	fputs("</table>\n", page);
}

static void put_links(FILE *page)
{
	const fb_routes *group;
	const fb_route *route;
	fputs("<p>Addresses, as OSCQuery: <a href=\"/?HOST_INFO\">/?HOST_INFO</a>,"
		  " <a href=\"/station\">/station</a>, <a href=\"/server\">/server</a>\n<ul>\n",
		page);
	for (size_t at = 0; (route = fb_route_next(&at, &group));) {
		if (route->method == FB_GET && !strchr(route->path, '{')) {
			fprintf(page, "<li><a href=\"%s\">%s</a> ", route->path, route->path);
			put(page, route->summary);
			fputc('\n', page);
		}
	}
	fputs("</ul>\n", page);
}

void fb_answer_page(fb_request *request, const fb_asked *asked)
{
	const fb_server *server = asked->server;
	fb_driver_state driver;
	char *text = NULL;
	size_t len = 0;
	FILE *page = open_memstream(&text, &len);
	if (!page) {
		fb_http_answer_json(request, 500, NULL);
		return;
	}
	server->driver->ops->state(server->driver, &driver);
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>", page);
	put(page, server->options.name);
	fputs("</title>\n<h1>", page);
	put(page, server->options.name);
	fprintf(page,
		"</h1>\n<p>foldbackd %s, %s, %g Hz, periods of %u frames, %s, %" PRIu64 " xruns.\n",
		FB_VERSION, server->driver->kind, fb_engine_rate(server->engine), driver.period,
		driver.running ? "audio runs" : "no audio", server->audio.xruns);
	put_stations(page, server);
	put_links(page);
	fputs("</html>\n", page);
	bool good = !ferror(page);
	good = !fclose(page) && good;
	fb_http_add_header(request, "vary", "Accept");
	if (good) {
		fb_http_answer_bytes(request, 200, "text/html; charset=utf-8", text, len);
	} else {
		free(text);
		fb_http_answer_json(request, 500, NULL);
	}
}
