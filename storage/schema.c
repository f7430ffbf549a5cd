/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

fb_status fb_schema_check(fb_db *db, int version, fb_error *error)
{
	int64_t application, found, tables;
	fb_status status = fb_db_integer(db, "PRAGMA application_id", 0, &application, error);
	if (status == FB_OK) {
		status = fb_db_integer(db, "PRAGMA user_version", 0, &found, error);
	}
	if (status == FB_OK) {
		status = fb_db_integer(db, "SELECT count(*) FROM sqlite_master", 0, &tables, error);
	}
	if (status != FB_OK) {
		return status;
	}
	bool empty = !application && !found && !tables;
	if (!empty && application != FB_SCHEMA_APPLICATION) {
		return fb_fail(error, FB_IO, db->path, "is a database of another program, not foldback's");
	}
	if (found > version) {
		return fb_fail(error, FB_IO, db->path,
			"was written by a newer foldback (schema %" PRId64 ", this one knows up to %d)", found,
			version);
	}
	return FB_OK;
}

static fb_status run_steps(
	fb_db *db, const char *const *steps, int from, int version, fb_error *error)
{
	for (int i = from; i < version; i++) {
		char stamp[64];
		snprintf(stamp, sizeof stamp, "PRAGMA user_version = %d", i + 1);
		fb_status status = fb_db_exec(db, steps[i], error);
		if (status == FB_OK) {
			status = fb_db_exec(db, stamp, error);
		}
		if (status != FB_OK) {
			return status;
		}
	}
	return FB_OK;
}

fb_status fb_schema_migrate(fb_db *db, const char *const *steps, int version, fb_error *error)
{
	int64_t found;
	fb_status status = fb_db_integer(db, "PRAGMA user_version", 0, &found, error);
	if (status != FB_OK || found >= version) {
		return status;
	}
	status = fb_db_exec(db, "BEGIN IMMEDIATE", error);
	if (status != FB_OK) {
		return status;
	}
	status = run_steps(db, steps, (int)found, version, error);
	if (status == FB_OK) {
		status = fb_db_exec(db, "COMMIT", error);
	}
	if (status != FB_OK) {
		fb_db_exec(db, "ROLLBACK", NULL);
	}
	return status;
}

/* Only for a file known to be ours: WAL is written into its header. */
static fb_status set_modes(fb_db *db, fb_error *error)
{
	fb_sql s = fb_sql_start(db, "PRAGMA journal_mode = WAL");
	bool wal = fb_sql_row(&s) && !strcmp((const char *)sqlite3_column_text(s.statement, 0), "wal");
	fb_status status = fb_sql_end(&s, error);
	if (status == FB_OK && !wal) {
		return fb_fail(error, FB_IO, db->path, "its file system cannot hold a write-ahead log");
	}
	if (status != FB_OK) {
		return status;
	}
	/* FULL: a commit is on disk when it returns. A big snapshot's log is cut back afterwards.
	   Pruned audio need not be overwritten with zeros. */
	return fb_db_exec(db,
		"PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
		"PRAGMA foreign_keys = ON; PRAGMA secure_delete = OFF;"
		/* KiB: rows are added at the end, and found by the memory the kernel keeps of the file */
		"PRAGMA cache_size = -256",
		error);
}

fb_status fb_schema_open(fb_db *db, const char *path, fb_error *error)
{
	fb_status status = fb_db_open(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
	if (status != FB_OK) {
		return status;
	}
	if (sqlite3_db_readonly(db->handle, "main")) {
		status = fb_fail(error, FB_IO, path, "is read-only");
	}
	if (status == FB_OK) {
		status = fb_schema_check(db, fb_schema_version, error);
	}
	if (status == FB_OK) {
		status = set_modes(db, error);
	}
	if (status == FB_OK) {
		status = fb_schema_migrate(db, fb_schema_steps, fb_schema_version, error);
	}
	if (status != FB_OK) {
		fb_db_close(db);
	}
	return status;
}

static fb_status held_by_another(const char *path, int fd, fb_error *error)
{
	char pid[16] = "";
	ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
	pid[len > 0 ? len : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return fb_fail(
		error, FB_IO, path, "is in use by another server%s%s", *pid ? ", process " : "", pid);
}

fb_status fb_schema_lock(const char *path, int *out_fd, fb_error *error)
{
	char name[PATH_MAX], pid[16];
	if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name) {
		return fb_fail(error, FB_IO, path, "is too long a name");
	}
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		return fb_fail(
			error, FB_IO, path, "cannot be opened for writing: %s: %s", name, strerror(errno));
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		fb_status status =
			errno == EWOULDBLOCK
				? held_by_another(path, fd, error)
				: fb_fail(error, FB_IO, path, "cannot be locked: %s: %s", name, strerror(errno));
		close(fd);
		return status;
	}
	/* For whoever is refused; on a full disk the lock holds without it. */
	int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)len, 0) != len) {
		errno = 0;
	}
	*out_fd = fd;
	return FB_OK;
}
