/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The file as a whole: whose it is, which version its schema has, how it is brought forward. */
#ifndef FB_SCHEMA_H
#define FB_SCHEMA_H

#include "db.h"

#define FB_SCHEMA_APPLICATION 1718578276 ///< PRAGMA application_id, as 1.sql sets it

/** Step i brings a file from version i to i + 1. Made from schema/ by the build. */
extern const char *const fb_schema_steps[];
extern const int fb_schema_version; ///< number of steps: the version this program writes

/** Open for writing, in WAL with every commit synced; create an empty file's tables, bring an older
	one forward. Another program's file is left as it was.
	errors: FB_IO naming the file: cannot open, read-only, not a database, another program's, from a
			newer version, broken */
FB_MUST_CHECK fb_status fb_schema_open(fb_db *db, const char *path, fb_error *error);

/** Run the steps a file has not seen, all or none. */
FB_MUST_CHECK fb_status fb_schema_migrate(
	fb_db *db, const char *const *steps, int version, fb_error *error);

/** Refuse a file that is not ours or from a newer version.
	errors: FB_IO naming the file */
FB_MUST_CHECK fb_status fb_schema_check(fb_db *db, int version, fb_error *error);

/** Hold FILE.lock for as long as the descriptor is open, against a second server on the file.
	errors: FB_IO naming the file and its holder */
FB_MUST_CHECK fb_status fb_schema_lock(const char *path, int *out_fd, fb_error *error);

#endif
