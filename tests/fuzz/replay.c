/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands for libFuzzer where that is not linked: every file of a corpus as it is, cut short, and
   spoilt at random. Seed fixed: the same inputs each time.
   usage: fuzz_NAME CORPUS-FOLDER [CASES]: of all files together */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { INPUT_MAX = 65536 };

static uint64_t state_of_chance = 88172645463325252u;

static size_t chance(size_t n)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (size_t)(state_of_chance >> 20) % n;
}

/** An input in a block of exactly its size, so that a sanitizer sees a byte too far. */
static void try(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	must(exact);
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static size_t spoil(uint8_t *data, size_t size)
{
	static const uint8_t odd[] = {
		0, 1, 0x7f, 0x80, 0xc0, 0xdb, 0xdc, 0xdd, 0xff, '/', '#', ',', '{'};
	size_t at = chance(size), n = 1 + chance(size - at < 16 ? size - at : 16);
	switch (chance(5)) {
	case 0:
		data[at] = (uint8_t)chance(256);
		return size;
	case 1:
		data[at] = odd[chance(sizeof odd)];
		return size;
	case 2: /* a piece gone */
		memmove(data + at, data + at + n, size - at - n);
		return size - n;
	case 3: /* a piece twice */
		memmove(data + at + n, data + at, size - at);
		return size + n;
	default: /* a piece elsewhere */
		memmove(data + chance(size - n + 1), data + at, n);
		return size;
	}
}

static void replay(const char *path, size_t cases)
{
	static uint8_t original[INPUT_MAX], spoilt[INPUT_MAX + 256];
	FILE *file = fopen(path, "rb");
	must(file);
	size_t size = fread(original, 1, sizeof original, file);
	fclose(file);
	try(original, size);
	for (size_t i = 0; i < cases && size; i++) {
		size_t n = i < size && i < cases / 4 ? i : size;
		memcpy(spoilt, original, n);
		for (size_t times = n == size ? 1 + chance(4) : 0; times && n; times--) {
			n = spoil(spoilt, n);
		}
		try(spoilt, n);
	}
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	must(argc > 1);
	LLVMFuzzerInitialize(&argc, &argv);
	size_t cases = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
	struct dirent **entries;
	char path[4096];
	int n = scandir(argv[1], &entries, is_input, alphasort);
	must(n > 0);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
		replay(path, cases / (size_t)n + 1);
		free(entries[i]);
	}
	free(entries);
	printf("%d files\n", n);
	return 0;
}
