/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The audit's rows: written in a chain of hashes, read back. schema/1.sql says what is hashed. */
#ifndef FB_AUDIT_H
#define FB_AUDIT_H

#include "db.h"
#include "rides.h"

enum { FB_AUDIT_HASH = 64 + 1 };

/** Where the chain ends. */
typedef struct fb_audit_tip {
	int64_t id;
	char hash[FB_AUDIT_HASH];
} fb_audit_tip;

FB_MUST_CHECK fb_status fb_audit_find_tip(fb_db *db, fb_audit_tip *tip, fb_error *error);
/** Add rows, from `ride` on by `next`, within the caller's transaction; the tip moves along. */
FB_MUST_CHECK fb_status fb_audit_write(
	fb_db *db, const fb_ride *ride, fb_audit_tip *tip, fb_error *error);
/** As fb_store_audit_rows(). owns: gives *out */
FB_MUST_CHECK fb_status fb_audit_read(
	fb_db *db, const char *glob, uint32_t limit, json_t **out, fb_error *error);

#endif
