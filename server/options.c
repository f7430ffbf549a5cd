/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: foldbackd [OPTION]...\n"
	"Hosts stations of signal processing in JACK; every parameter and metric is an OSC address.\n"
	"\n"
	"  --stations N        how many stations, 1..64 (16)\n"
	"  --driver D          jack, or dummy: an own timer, silence in (jack)\n"
	"  --name NAME         JACK client name (foldback)\n"
	"  --wait              start without a JACK server too, and play once there is one\n"
	"  --restore-connections\n"
	"                      connect the ports as they were last time, and again when their\n"
	"                      other ends come back\n"
	"  --rate HZ           sample rate of the dummy driver (48000)\n"
	"  --period N          frames per period of the dummy driver (64)\n"
	"  --threads N         threads that run stations, 1..32 (1)\n"
	"  --osc-port N        UDP port for OSC, 0 = any free (7770)\n"
	"  --http-port N       TCP port for HTTP, 0 = any free (7771)\n"
	"  --listen ADDRESS    address to listen on; beyond loopback a token is needed (127.0.0.1)\n"
	"  --osc-allow NET     take OSC from there, too: 192.168.1.0/24, 10.0.0.7; may be repeated\n"
	"  --host-name NAME    a name HTTP may be asked under, beside the machine's; may be repeated\n"
	"  --cors-origin URL   web pages of this origin may use HTTP; may be repeated\n"
	"  --token-file F      file whose first line lets writes in from beyond loopback\n"
	"  --db F              database ($XDG_STATE_HOME/foldback/foldback.db)\n"
	"  --sample-dir D      calibration samples ($XDG_STATE_HOME/foldback/samples)\n"
	"  --patch [N=]F       patch for station N, or for all\n"
	"  --patch-path DIRS   folders of patches that stations load by name, separated by ':'\n"
	"                      ($XDG_STATE_HOME/foldback/patches and those that come with foldback)\n"
	"  --node-path DIRS    folders to load nodes from, separated by ':'\n"
	"  --verbose           tell more on standard error\n"
	"  --help, --version\n"
	"\n"
	"Prints one line \"ready ...\" with its ports once it can be used. SIGTERM ends it, SIGHUP\n"
	"reads the patches again. Exit status: 0 ended cleanly, 1 failed, 2 bad usage.\n";

enum {
	OPT_STATIONS = 256,
	OPT_DRIVER,
	OPT_NAME,
	OPT_WAIT,
	OPT_RESTORE,
	OPT_RATE,
	OPT_PERIOD,
	OPT_THREADS,
	OPT_OSC_PORT,
	OPT_HTTP_PORT,
	OPT_LISTEN,
	OPT_OSC_ALLOW,
	OPT_HOST_NAME,
	OPT_CORS_ORIGIN,
	OPT_TOKEN_FILE,
	OPT_DB,
	OPT_SAMPLE_DIR,
	OPT_PATCH,
	OPT_PATCH_PATH,
	OPT_NODE_PATH,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{"stations", required_argument, NULL, OPT_STATIONS},
	{"driver", required_argument, NULL, OPT_DRIVER},
	{"name", required_argument, NULL, OPT_NAME},
	{"wait", no_argument, NULL, OPT_WAIT},
	{"restore-connections", no_argument, NULL, OPT_RESTORE},
	{"rate", required_argument, NULL, OPT_RATE},
	{"period", required_argument, NULL, OPT_PERIOD},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"osc-port", required_argument, NULL, OPT_OSC_PORT},
	{"http-port", required_argument, NULL, OPT_HTTP_PORT},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"osc-allow", required_argument, NULL, OPT_OSC_ALLOW},
	{"host-name", required_argument, NULL, OPT_HOST_NAME},
	{"cors-origin", required_argument, NULL, OPT_CORS_ORIGIN},
	{"token-file", required_argument, NULL, OPT_TOKEN_FILE},
	{"db", required_argument, NULL, OPT_DB},
	{"sample-dir", required_argument, NULL, OPT_SAMPLE_DIR},
	{"patch", required_argument, NULL, OPT_PATCH},
	{"patch-path", required_argument, NULL, OPT_PATCH_PATH},
	{"node-path", required_argument, NULL, OPT_NODE_PATH},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

/** A whole number within limits; tells on standard error if it is none. */
static bool number(const char *option, const char *text, long min, long max, long *out)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "foldbackd: --%s: \"%s\" is no number from %ld to %ld\n", option, text, min,
			max);
		return false;
	}
	*out = value;
	return true;
}

/** N=FILE for one station, FILE for all. Later options win. */
static bool take_patch(fb_options *options, const char *text)
{
	long station = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits && text[digits] == '=') {
		char which[8];
		snprintf(which, sizeof which, "%.*s", (int)digits, text);
		if (!number("patch", which, 1, FB_STATIONS_MAX, &station)) {
			return false;
		}
		text += digits + 1;
	}
	for (long i = 0; i < FB_STATIONS_MAX; i++) {
		if (!station || i == station - 1) {
			free(options->patch[i]);
			options->patch[i] = strdup(text);
		}
	}
	return true;
}

static char *in_state_folder(const char *name)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char path[1024];
	if (state && *state) {
		snprintf(path, sizeof path, "%s/foldback/%s", state, name);
	} else {
		snprintf(path, sizeof path, "%s/.local/state/foldback/%s", home ? home : "", name);
	}
	return strdup(path);
}

/** The user's folder, then foldback's own: in the build tree, or where it is installed. */
static char *default_patch_path(void)
{
	char own[PATH_MAX] = "", path[3 * PATH_MAX], *mine = in_state_folder("patches");
	ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
	for (int up = 0; up < 2 && len > 0; up++) {
		char *slash = strrchr(own, '/');
		len = slash ? slash - own : 0;
		own[len] = '\0';
	}
	snprintf(path, sizeof path, "%s:%s/presets/stations:" FB_DATA_DIR "/presets/stations",
		mine ? mine : "", own);
	free(mine);
	return strdup(path);
}

static bool take_number(fb_options *options, int option, const char *text)
{
	long value = 0;
	bool good = true;
	switch (option) {
	case OPT_STATIONS:
		good = number("stations", text, 1, FB_STATIONS_MAX, &value);
		options->stations = (uint32_t)value;
		break;
	case OPT_RATE:
		good = number("rate", text, FB_RATE_MIN, FB_RATE_MAX, &value);
		options->rate_hz = (double)value;
		break;
	case OPT_PERIOD:
		good = number("period", text, 16, 8192, &value);
		options->period = (uint32_t)value;
		break;
	case OPT_THREADS:
		good = number("threads", text, 1, FB_THREADS_MAX, &value);
		options->threads = (uint32_t)value;
		break;
	case OPT_OSC_PORT:
		good = number("osc-port", text, 0, 65535, &value);
		options->osc_port = (int)value;
		break;
	default:
		good = number("http-port", text, 0, 65535, &value);
		options->http_port = (int)value;
		break;
	}
	return good;
}

static bool take_driver(fb_options *options, const char *text)
{
	if (strcmp(text, "jack") && strcmp(text, "dummy")) {
		fprintf(stderr, "foldbackd: --driver: \"%s\" is neither jack nor dummy\n", text);
		return false;
	}
	options->dummy = !strcmp(text, "dummy");
	return true;
}

static char *replace(char *old, const char *text)
{
	free(old);
	return strdup(text);
}

static bool take_network(fb_options *options, const char *text)
{
	fb_error error;
	if (fb_allow_add(&options->osc_allow, text, &error)) {
		fprintf(stderr, "foldbackd: --osc-allow: %s: %s\n", error.where, error.text);
		return false;
	}
	return true;
}

static bool take_text(fb_texts *texts, const char *option, const char *text)
{
	if (texts->count == sizeof texts->text / sizeof *texts->text) {
		fprintf(stderr, "foldbackd: --%s: given too often\n", option);
		return false;
	}
	texts->text[texts->count++] = text;
	return true;
}

/** scheme://host[:port], as browsers send it; "null" is what a page from a file has. */
static bool take_origin(fb_options *options, const char *text)
{
	const char *host = strstr(text, "://");
	if (strcmp(text, "null") && (!host || !host[3] || strpbrk(host + 3, "/*, "))) {
		fprintf(
			stderr, "foldbackd: --cors-origin: \"%s\" is no origin as http://host:port\n", text);
		return false;
	}
	return take_text(&options->cors_origins, "cors-origin", text);
}

static bool take(fb_options *options, int option, char *text)
{
	switch (option) {
	case OPT_DRIVER:
		return take_driver(options, text);
	case OPT_NAME:
		options->name = text;
		return true;
	case OPT_WAIT:
		options->wait = true;
		return true;
	case OPT_RESTORE:
		options->restore = true;
		return true;
	case OPT_LISTEN:
		options->listen = text;
		return true;
	case OPT_OSC_ALLOW:
		return take_network(options, text);
	case OPT_HOST_NAME:
		return take_text(&options->host_names, "host-name", text);
	case OPT_CORS_ORIGIN:
		return take_origin(options, text);
	case OPT_TOKEN_FILE:
		options->token_file = text;
		return true;
	case OPT_DB:
		options->database = replace(options->database, text);
		return true;
	case OPT_SAMPLE_DIR:
		options->sample_dir = replace(options->sample_dir, text);
		return true;
	case OPT_PATCH:
		return take_patch(options, text);
	case OPT_PATCH_PATH:
		options->patch_path = replace(options->patch_path, text);
		return true;
	case OPT_NODE_PATH:
		options->node_path = text;
		return true;
	case OPT_VERBOSE:
		options->verbose = true;
		return true;
	default:
		return take_number(options, option, text);
	}
}

fb_options_end fb_options_read(fb_options *options, int argc, char **argv)
{
	*options = (fb_options){.stations = 16,
		.name = "foldback",
		.rate_hz = 48000.0,
		.period = 64,
		.threads = 1,
		.osc_port = 7770,
		.http_port = 7771,
		.listen = "127.0.0.1"};
	options->database = in_state_folder("foldback.db");
	options->sample_dir = in_state_folder("samples");
	options->patch_path = default_patch_path();
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			return FB_OPTIONS_DONE;
		}
		if (option == OPT_VERSION) {
			puts("foldbackd " FB_VERSION);
			return FB_OPTIONS_DONE;
		}
		if (option == '?' || !take(options, option, optarg)) {
			fputs("Try: foldbackd --help\n", stderr);
			return FB_OPTIONS_WRONG;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "foldbackd: \"%s\" is no option\nTry: foldbackd --help\n", argv[optind]);
		return FB_OPTIONS_WRONG;
	}
	return FB_OPTIONS_RUN;
}

void fb_options_finish(fb_options *options)
{
	free(options->database);
	free(options->sample_dir);
	free(options->patch_path);
	for (int i = 0; i < FB_STATIONS_MAX; i++) {
		free(options->patch[i]);
	}
}
