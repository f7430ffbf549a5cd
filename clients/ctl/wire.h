/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The ways to the server. */
#ifndef FB_CTL_WIRE_H
#define FB_CTL_WIRE_H

#include "ctl.h"

#include "../../osc/client.h"
#include "../common/fetch.h"

/** A connection for HTTP. Tells on standard error why it cannot be made, and returns NULL. */
fb_fetch *fb_wire_http(const fb_ctl *ctl);
/** GET path, escaped; NULL on failure, which is told. */
json_t *fb_wire_read(const fb_ctl *ctl, const char *path);
/** GET bytes at path into a file that appears whole or not at all. Returns the exit status. */
int fb_wire_download(const fb_ctl *ctl, const char *path, const char *file);

/** A connection for OSC. Tells on standard error why it cannot be made, and returns NULL. */
fb_client *fb_wire_osc(const fb_ctl *ctl);
/** Tell an error of the OSC client. Returns FB_EXIT_FAILED. */
int fb_wire_error(const fb_ctl *ctl, const fb_error *error);

/** Print a value as a person writes it. */
void fb_value_print(const fb_value *value);
json_t *fb_value_json(const fb_value *value);

/** The name of a unit as people write it, of one as OSCQuery does: "dB" of "gain.db". */
const char *fb_unit_text(const char *unit);

#endif
