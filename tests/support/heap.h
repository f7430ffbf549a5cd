/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Stands in for malloc and free in the program that includes it (one file, once): counts what is
	alive, counts calls in a thread that must make none, fails the n-th allocation. Shared objects
	loaded later use it too. Not with sanitizers, which need the heap for themselves: heap_watched
	is false then. */
#ifndef FB_HEAP_H
#define FB_HEAP_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define HEAP_UNUSED __attribute__((unused)) /* a program uses what it needs */

HEAP_UNUSED static _Thread_local bool heap_forbidden; ///< this thread must not call any of them now
HEAP_UNUSED static _Atomic unsigned long heap_trespass; ///< calls made nevertheless
HEAP_UNUSED static _Atomic long heap_alive;             ///< blocks
HEAP_UNUSED static _Atomic long heap_fail_in = -1; ///< allocations until one fails; < 0: none does

#if defined(FB_SANITIZED)

static const bool heap_watched = false;

#else

static const bool heap_watched = true;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *block);

#define HEAP_EXPORT __attribute__((visibility("default")))

/** false: this one has to fail. */
static bool heap_enter(void)
{
	if (heap_forbidden) {
		atomic_fetch_add(&heap_trespass, 1);
	}
	if (atomic_load(&heap_fail_in) < 0 || atomic_fetch_sub(&heap_fail_in, 1) != 0) {
		return true;
	}
	errno = ENOMEM; /* glibc's own functions go by it */
	return false;
}

static void *heap_count(void *block)
{
	atomic_fetch_add(&heap_alive, block != NULL);
	return block;
}

HEAP_EXPORT void *malloc(size_t size)
{
	return heap_enter() ? heap_count(__libc_malloc(size)) : NULL;
}

HEAP_EXPORT void *calloc(size_t n, size_t size)
{
	return heap_enter() ? heap_count(__libc_calloc(n, size)) : NULL;
}

HEAP_EXPORT void *realloc(void *block, size_t size)
{
	if (!heap_enter()) {
		return NULL;
	}
	void *moved = __libc_realloc(block, size);
	atomic_fetch_add(&heap_alive, (moved != NULL) - (block != NULL));
	return moved;
}

HEAP_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return heap_enter() ? heap_count(__libc_memalign(align, size)) : NULL;
}

HEAP_EXPORT void *memalign(size_t align, size_t size);

HEAP_EXPORT void *memalign(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

HEAP_EXPORT int posix_memalign(void **block, size_t align, size_t size);

HEAP_EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
	*block = aligned_alloc(align, size);
	return *block ? 0 : 12; /* ENOMEM */
}

HEAP_EXPORT void free(void *block)
{
	if (heap_forbidden) {
		atomic_fetch_add(&heap_trespass, 1);
	}
	atomic_fetch_sub(&heap_alive, block != NULL);
	__libc_free(block);
}

#endif

#endif
