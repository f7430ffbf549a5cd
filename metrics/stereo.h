/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Stereo group, the part that second moments answer: correlation, width, balance, mono_loss. */
#ifndef FB_STEREO_H
#define FB_STEREO_H

#include "hop.h"

void fb_stereo_read(const fb_reading *reading);

#endif
