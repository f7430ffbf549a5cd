/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What can be done with one value of the tree, and how numbers are written as text: for the
	audit, for JSON, for people. */
#ifndef FB_VALUE_H
#define FB_VALUE_H

#include "tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Values as leaves give them. The text is borrowed, as fb_value says. thread: any */
static inline fb_value fb_float_value(double f)
{
	return (fb_value){.tag = 'f', .f = f};
}

static inline fb_value fb_int_value(uint64_t n)
{
	return (fb_value){.tag = 'i', .i = (int64_t)n};
}

static inline fb_value fb_bool_value(bool on)
{
	return (fb_value){.tag = on ? 'T' : 'F'};
}

static inline fb_value fb_text_value(const char *text)
{
	return (fb_value){.tag = 's', .s = text};
}

/** Same type and same value, exactly. Strings compare by their text. thread: any */
bool fb_value_same(const fb_value *a, const fb_value *b);

/** The number a value stands for: f and i as they are, T as 1, F as 0.
	errors: false for text and for nothing ('N')
	thread: any */
static inline bool fb_value_number(const fb_value *value, double *number)
{
	switch (value->tag) {
	case 'f':
		*number = value->f;
		return true;
	case 'i':
		*number = (double)value->i;
		return true;
	case 'T':
	case 'F':
		*number = value->tag == 'T' ? 1.0 : 0.0;
		return true;
	default:
		return false;
	}
}

enum { FB_NUMBER_TEXT = 32 }; ///< room for fb_float_text

/** A number in the fewest digits that give the same float when read back, always recognisable as
	a fraction ("1.0", "-0.5", "1e-07"). Returns the length.
	range:  finite, and within float's
	thread: any */
size_t fb_float_text(double value, char text[FB_NUMBER_TEXT]);

/** A value as text: 0.5, 3, true, comp; nothing for 'N'. Cut if too long. Returns the length.
	thread: any */
size_t fb_value_text(const fb_value *value, char *text, size_t size);

/** Several values as text, separated by spaces. Cut if too long. thread: any */
size_t fb_values_text(const fb_value *values, uint32_t count, char *text, size_t size);

/** Well-formed UTF-8 without control characters (tabs and line ends may stand). thread: any */
bool fb_text_is_clean(const char *text);

#endif
