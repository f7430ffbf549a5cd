/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outfile.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** What a signal has to take away; volatile: set and read on either side of it. */
static const char *volatile half_written;

static void on_signal(int number)
{
	if (half_written) {
		unlink(half_written);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	for (int i = 0; i < SIGNALS; i++) {
		struct sigaction before;
		if (!sigaction(signals[i], NULL, &before) && before.sa_handler == SIG_DFL) {
			sigaction(signals[i], &action, NULL);
		}
	}
}

/** Make the file, and with signals held back note that it has to go: no moment between. */
static int make_temp(fb_outfile *out)
{
	sigset_t held, before;
	sigemptyset(&held);
	for (int i = 0; i < SIGNALS; i++) {
		sigaddset(&held, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &before);
	int fd = mkstemp(out->temp), reason = errno;
	half_written = fd < 0 ? NULL : out->temp;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = reason;
	return fd;
}

/** Where the file is in truth: the end of symbolic links, so that these stay. */
static fb_status find_place(fb_outfile *out, const char *path, fb_error *error)
{
	struct stat about;
	if (stat(path, &about)) {
		if (strlen(path) >= sizeof out->path) {
			return fb_fail(error, FB_INVALID, "", "the file's name is too long");
		}
		snprintf(out->path, sizeof out->path, "%s", path);
		return FB_OK;
	}
	if (!S_ISREG(about.st_mode)) {
		return fb_fail(error, FB_INVALID, path, "is no regular file");
	}
	return realpath(path, out->path) ? FB_OK : fb_fail(error, FB_IO, path, "%s", strerror(errno));
}

fb_status fb_outfile_open(fb_outfile *out, const char *path, fb_error *error)
{
	fb_status status = find_place(out, path, error);
	if (status) {
		return status;
	}
	if (snprintf(out->temp, sizeof out->temp, "%s.XXXXXX", out->path) >= (int)sizeof out->temp) {
		return fb_fail(error, FB_INVALID, "", "the file's name is too long");
	}
	catch_signals();
	out->fd = make_temp(out);
	if (out->fd < 0) {
		return fb_fail(error, FB_IO, path, "cannot be made: %s", strerror(errno));
	}
	mode_t mask = umask(0);
	umask(mask);
	(void)fchmod(out->fd, 0666 & ~mask); /* some file systems have no modes */
	return FB_OK;
}

fb_status fb_outfile_finish(fb_outfile *out, fb_error *error)
{
	int bad = fsync(out->fd) && errno != EINVAL ? errno : 0;
	bad = close(out->fd) && !bad ? errno : bad;
	if (!bad && rename(out->temp, out->path)) {
		bad = errno;
	}
	if (bad) {
		unlink(out->temp);
	}
	half_written = NULL;
	return bad ? fb_fail(error, FB_IO, out->path, "cannot be written: %s", strerror(bad)) : FB_OK;
}

void fb_outfile_abandon(fb_outfile *out)
{
	close(out->fd);
	unlink(out->temp);
	half_written = NULL;
}
