# SPDX-License-Identifier: GPL-3.0-or-later
"""Heap after start-up is constant: a server that measures, is listened to and is turned asks for no more memory."""
import random
import time

import pytest

import wavs
from servers import TOP, Foldbackd, Jackd

WARM_S, WATCH_S = 8, 20
# What is on its way at a moment: rides that the audit holds until they end (0.5 KB each), packets, SQLite's pages of a
# transaction. A leak of 40 bytes a set would be 80 KB.
BOUND = 64 * 1024


@pytest.mark.plain  # sanitizers bring a heap of their own
@pytest.mark.slow
@pytest.mark.waits
def test_the_heap_is_constant(tmp_path):
    """16 stations of a preset, 10 readings a second of all of them to a client, 100 sets a second to 64 parameters: more
    steps than undo keeps, rides that begin and end."""
    chance = random.Random(1)
    noise = wavs.write(tmp_path / "noise.wav", [[chance.gauss(0, 0.1) for _ in range(96000)] for _ in range(2)])
    with Jackd("foldback-test-heap", period=256) as jack, \
            Foldbackd(tmp_path, "--patch", TOP / "presets/stations/speech_live.json", jack=jack) as server, \
            jack.playing(noise, range(1, 17)):
        for i in range(4000):  # a row each: SQLite takes what cache it may
            server.osc.send("/station/1/comp/threshold", f"no number {i}")
            if i % 100 == 99:
                server.osc.send("/sync", ("i", i))
                server.osc.wait("/synced")
        server.osc.received.clear()
        heap, sets, told, began = {}, 0, 0, time.monotonic()
        while (passed := time.monotonic() - began) < WARM_S + WATCH_S:
            for _ in range(10):
                leaf = ("comp/threshold", "comp/makeup", "comp/mix", "comp/bypass")[sets // 16 % 4]
                value = sets % 7 > 3 if leaf.endswith("bypass") else float(sets % 12)
                server.osc.send(f"/station/{sets % 16 + 1}/{leaf}", value)
                sets += 1
            server.osc.send("/subscribe", "/station")
            until = time.monotonic() + 0.1
            while (left := until - time.monotonic()) > 0:
                server.osc.server.recv(int(left * 1000) + 1)
            told += len(server.osc.received)
            heap[passed] = server.osc.ask("/server/heap")
        warm = [size for passed, size in heap.items() if passed >= WARM_S]
        assert sets > 16 * 100 and told > 10000 and len(warm) > 50
        begin, end = min(warm[:len(warm) // 4]), min(warm[-(len(warm) // 4):])
        assert end - begin <= BOUND and max(warm) - begin <= 4 * BOUND, (begin, end, max(warm))
