/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What every C test includes: cmocka, which wants these headers before itself. */
#ifndef FB_TESTING_H
#define FB_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** |value - wanted| <= tolerance, printed when not. */
#define assert_near(value, wanted, tolerance)                                                      \
	do {                                                                                           \
		double near_v = (double)(value), near_w = (double)(wanted);                                \
		if (!(fabs(near_v - near_w) <= (double)(tolerance))) {                                     \
			fail_msg(                                                                              \
				"%s is %.9g, wanted %.9g within %g", #value, near_v, near_w, (double)(tolerance)); \
		}                                                                                          \
	} while (0)

#endif
