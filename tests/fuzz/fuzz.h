/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What every fuzz target includes. A target is one fuzz_NAME.c that reads bytes as somebody
	outside may send them; its corpus is corpus/NAME/, one input a file. libFuzzer makes new ones
	with --long (test_fuzz.py), replay.c spoils the known ones in every run. */
#ifndef FB_FUZZ_H
#define FB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** Once, before the first input; may be left out where it does nothing. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/** One input. Returns 0; ends the program where something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What holds whatever the input: named and fatal if not. */
#define must(condition)                                                                            \
	do {                                                                                           \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
			abort();                                                                               \
		}                                                                                          \
	} while (0)

#endif
