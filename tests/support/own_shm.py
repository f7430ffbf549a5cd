# SPDX-License-Identifier: GPL-3.0-or-later
"""JACK servers of one user share a Berkeley DB for metadata in /dev/shm, whatever their names, and each that starts sets it up
anew: two that start at once, of two runs of these tests, wait for ever. A run therefore has a /dev/shm of its own, where the
system lets it."""
import ctypes
import os

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 0x40000


def pytest_configure():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() or libc.unshare(CLONE_NEWNS):
        return
    if not libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, None)
