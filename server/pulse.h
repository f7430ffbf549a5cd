/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Leaves that change by themselves and whose owners do not say so: the meters of nodes, the
    server's figures. They are looked at some times a second, while anybody subscribes, and those
    that changed are told. thread: control */
#ifndef FB_PULSE_H
#define FB_PULSE_H

#include "server.h"

/** Find such leaves, now and when they come. errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_pulse_start(fb_server *server, fb_error *error);
void fb_pulse_stop(fb_server *server);
void fb_pulse_service(fb_server *server); ///< called every few milliseconds

#endif
