# SPDX-License-Identifier: GPL-3.0-or-later
"""How late an audio tap is: from the end of the period that processed a frame to the client that has it."""
import asyncio
import struct
import time

import websockets

RATE = 48000


def clock_of(server, seconds=0.5):
    """Seconds on our clock at which frame 0 was through: the engine's counter is never ahead of the sound."""
    best, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        frame = server.osc.ask("/server/frame")
        through = time.monotonic() - frame / RATE
        best = through if best is None else min(best, through)
    return best


async def latencies(server, seconds, taps=1):
    """Of each packet of each tap: seconds from the last of its frames to its arrival."""
    async def one():
        late, end = [], time.monotonic() + seconds
        async with websockets.connect(f"ws://127.0.0.1:{server.http_port}/api/stations/1/audio-tap", max_size=None) as tap:
            await tap.recv()
            while time.monotonic() < end:
                packet = await asyncio.wait_for(tap.recv(), 10)
                now = time.monotonic()
                (frame,) = struct.unpack("<Q", packet[:8])
                late.append(now - (frame + (len(packet) - 8) // 8) / RATE)
        return late
    return [late for tap in await asyncio.gather(*(one() for _ in range(taps))) for late in tap]


def measure(server, seconds=3.0, taps=1):
    """Sorted latencies in seconds."""
    zero = clock_of(server)
    return sorted(late - zero for late in asyncio.run(latencies(server, seconds, taps)))


def percentile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]
