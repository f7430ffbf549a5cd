/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldbackd: the server. */
#include "server.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	fb_error error;
	fb_server *server = calloc(1, sizeof *server);
	if (!server) {
		return EXIT_FAILURE;
	}
	fb_options_end end = fb_options_read(&server->options, argc, argv);
	int code = end == FB_OPTIONS_DONE ? 0 : end == FB_OPTIONS_WRONG ? 2 : 1;
	if (end == FB_OPTIONS_RUN) {
		if (fb_server_start(server, &error)) {
			fb_log_error("", &error);
		} else {
			fb_server_run(server);
			code = 0;
		}
		fb_server_stop(server);
	}
	fb_options_finish(&server->options);
	free(server);
	return code;
}
