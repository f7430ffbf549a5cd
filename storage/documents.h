/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The small JSON documents: sessions, scenes, proposals, settings. */
#ifndef FB_DOCUMENTS_H
#define FB_DOCUMENTS_H

#include "db.h"
#include "job.h"

/** FB_DOCUMENT_KINDS if there is no such kind. */
fb_document_kind fb_documents_kind(const char *name);

/** Insert or replace, within the caller's transaction. */
FB_MUST_CHECK fb_status fb_documents_put(fb_db *db, const fb_job *job, fb_error *error);
/** Of that id, if there is one; within the caller's transaction. */
FB_MUST_CHECK fb_status fb_documents_delete(fb_db *db, const fb_job *job, fb_error *error);
/** As fb_store_list(), fb_store_find(). owns: give *out */
FB_MUST_CHECK fb_status fb_documents_list(
	fb_db *db, fb_document_kind kind, uint32_t limit, json_t **out, fb_error *error);
FB_MUST_CHECK fb_status fb_documents_find(
	fb_db *db, fb_document_kind kind, const char *id, json_t **out, fb_error *error);

#endif
