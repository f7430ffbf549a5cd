/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A session as JSON. */
#ifndef FB_RECORD_H
#define FB_RECORD_H

#include "session.h"

/** {address: [old, new]} of what the winner turned. */
json_t *fb_record_changes(const fb_session *session);
/** What --json prints. NULL when out of memory. */
json_t *fb_record_summary(const fb_session *session);
/** What is stored: the summary and all that is needed to understand it and to do it again, with
	every parameter set that was heard. NULL when out of memory. */
json_t *fb_record_document(const fb_session *session);

#endif
