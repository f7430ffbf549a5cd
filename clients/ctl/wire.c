/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include "outfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TOKEN_LEN = 1024 };
#define DOWNLOAD_S 600.0

/* --- HTTP */

static bool read_token(const char *file, char token[TOKEN_LEN])
{
	FILE *stream = fopen(file, "r");
	bool got = stream && fgets(token, TOKEN_LEN, stream);
	if (!got) {
		fb_say("%s: the token cannot be read: %s", file, stream ? "it is empty" : strerror(errno));
	} else {
		token[strcspn(token, "\r\n")] = '\0';
	}
	if (stream) {
		fclose(stream);
	}
	return got;
}

fb_fetch *fb_wire_http(const fb_ctl *ctl)
{
	char token[TOKEN_LEN];
	if (ctl->token_file && !read_token(ctl->token_file, token)) {
		return NULL;
	}
	fb_fetch *fetch = fb_fetch_open(ctl->host, (int)ctl->http_port, ctl->token_file ? token : NULL);
	if (!fetch) {
		fb_say("out of memory");
	}
	return fetch;
}

json_t *fb_wire_read(const fb_ctl *ctl, const char *path)
{
	json_t *json = NULL;
	fb_error error;
	fb_fetch *fetch = fb_wire_http(ctl);
	if (fetch && fb_fetch_json(fetch, "GET", path, NULL, 0.0, &json, &error)) {
		fb_say_error(&error);
	}
	fb_fetch_close(fetch);
	return json;
}

/** The C library's file on a descriptor of its own. */
static FILE *stream_on(int fd)
{
	int copy = dup(fd);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "wb");
	if (!stream && copy >= 0) {
		close(copy);
	}
	return stream;
}

int fb_wire_download(const fb_ctl *ctl, const char *path, const char *file)
{
	fb_error error;
	fb_outfile out;
	fb_fetch *fetch = fb_wire_http(ctl);
	if (!fetch) {
		return FB_EXIT_FAILED;
	}
	fb_status status = fb_outfile_open(&out, file, &error);
	if (!status) {
		FILE *stream = stream_on(out.fd);
		status = stream ? fb_fetch_file(fetch, path, DOWNLOAD_S, stream, &error)
						: fb_fail(&error, FB_IO, file, "%s", strerror(errno));
		if (stream && fclose(stream) && !status) {
			status = fb_fail(&error, FB_IO, file, "cannot be written: %s", strerror(errno));
		}
		if (status) {
			fb_outfile_abandon(&out);
		} else {
			status = fb_outfile_finish(&out, &error);
		}
	}
	fb_fetch_close(fetch);
	return status ? fb_say_error(&error) : FB_EXIT_OK;
}

/* --- OSC */

fb_client *fb_wire_osc(const fb_ctl *ctl)
{
	fb_client *client = NULL;
	fb_error error;
	if (fb_client_open(ctl->host, (uint16_t)ctl->osc_port, &client, &error)) {
		fb_say_error(&error);
	}
	return client;
}

int fb_wire_error(const fb_ctl *ctl, const fb_error *error)
{
	if (error->status != FB_UNAVAILABLE || error->where[0] == '/') {
		return fb_say_error(error);
	}
	fb_say(
		"no foldback server answers at %s:%ld (is foldbackd running?)", ctl->host, ctl->osc_port);
	return FB_EXIT_FAILED;
}

/* --- values */

void fb_value_print(const fb_value *value)
{
	char text[32];
	switch (value->tag) {
	case 'f':
		fputs(fb_number_text(value->f, text), stdout);
		break;
	case 'i':
		printf("%lld", (long long)value->i);
		break;
	case 's':
		fputs(value->s, stdout);
		break;
	case 'T':
	case 'F':
		fputs(value->tag == 'T' ? "true" : "false", stdout);
		break;
	default:
		break;
	}
}

json_t *fb_value_json(const fb_value *value)
{
	switch (value->tag) {
	case 'f':
		return fb_number_json(value->f);
	case 'i':
		return json_integer(value->i);
	case 's':
		return json_string(value->s);
	case 'T':
	case 'F':
		return json_boolean(value->tag == 'T');
	default:
		return json_null();
	}
}

const char *fb_unit_text(const char *unit)
{
	static const char *const names[][2] = {{"gain.db", "dB"}, {"time.hz", "Hz"}, {"time.ms", "ms"},
		{"time.second", "s"}, {"time.bpm", "bpm"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!strcmp(unit, names[i][0])) {
			return names[i][1];
		}
	}
	return unit;
}
