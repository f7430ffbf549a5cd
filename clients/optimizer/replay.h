/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A finished session, done again from its document: the same source, settings and options, a
	model's answers from the record. What comes of it must be the same, bit for bit. */
#ifndef FB_REPLAY_H
#define FB_REPLAY_H

#include "session.h"

/** Take a document's options in place of those given. Texts stay the document's.
	errors: FB_INVALID it is no document of a session that can be done again */
FB_MUST_CHECK fb_status fb_replay_read(
	const json_t *document, fb_session_options *options, fb_error *error);

/** Hold what was heard against the record.
	shape: session->replay = {"of", "runs", "recorded", "same", "first_difference": index, null} */
FB_MUST_CHECK fb_status fb_replay_compare(fb_session *session, fb_error *error);

#endif
