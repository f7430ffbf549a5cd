# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio taps over WebSocket, with a client that was not written here (python3-websockets)."""
import asyncio
import json
import struct

import pytest
import websockets

from servers import Foldbackd, wait_for
from tapping import measure, percentile


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Foldbackd(tmp_path_factory.mktemp("tap"), "--stations", 2) as foldbackd:
        yield foldbackd


def url(server, station, query=""):
    return f"ws://127.0.0.1:{server.http_port}/api/stations/{station}/audio-tap{query}"


async def listen(server, station, query="", frames=24000):
    """The header, and (first frame, frames received) of an unbroken stretch."""
    async with websockets.connect(url(server, station, query), max_size=None) as tap:
        header = json.loads(await asyncio.wait_for(tap.recv(), 5))
        first = got = None
        while got is None or got < frames:
            packet = await asyncio.wait_for(tap.recv(), 5)
            (frame,) = struct.unpack("<Q", packet[:8])
            n = (len(packet) - 8) // 8
            assert (len(packet) - 8) % (32 * 8) == 0
            if first is None:
                first, got = frame, 0
            assert frame == first + got, "a frame is missing"
            got += n
        return header, first, got


def test_a_tap_is_whole(server):
    header, first, got = asyncio.run(listen(server, 1))
    assert header == {"station_id": 1, "point": "out", "sample_rate": 48000, "channels": 2, "format": "f32le"}
    assert first % 32 == 0 and got >= 24000


def test_several_listen_at_once(server):
    async def all_of_them():
        return await asyncio.gather(*(listen(server, 1 + i % 2, "?point=in" if i % 3 else "?point=out", 12000)
                                      for i in range(8)))
    for header, _, got in asyncio.run(all_of_them()):
        assert got >= 12000 and header["sample_rate"] == 48000


@pytest.mark.parametrize("path", ["/api/stations/3/audio-tap", "/api/stations/0/audio-tap", "/station",
                                  "/api/stations/1/audio-tap?point=middle"])
def test_no_such_tap(server, path):
    async def knock():
        async with websockets.connect(f"ws://127.0.0.1:{server.http_port}{path}"):
            pass
    with pytest.raises((websockets.exceptions.InvalidStatusCode, websockets.exceptions.InvalidMessage)):
        asyncio.run(knock())


def test_a_client_that_does_not_read_is_dropped(server):
    async def stall():
        slow = await websockets.connect(url(server, 1), max_size=None, max_queue=1, read_limit=1024)
        slow.transport.pause_reading()
        header, _, got = await listen(server, 1, "", 48000 * 2)  # the other feels nothing of it
        for _ in range(1000):
            if server.osc.ask("/server/taps_dropped"):
                break
            await asyncio.sleep(0.05)
        slow.transport.abort()
        return got
    assert asyncio.run(stall()) >= 96000
    assert server.osc.ask("/server/taps_dropped") == 1


def test_listeners_that_leave_are_forgotten(server):
    for _ in range(80):  # more than may listen at once
        asyncio.run(listen(server, 2, "", 64))
    assert server.osc.ask("/server/taps_lost") == 0


@pytest.mark.plain  # it is about time
def test_how_late_a_tap_is(server):
    """Generous: other work shares the machine. `./waf bench` has the figure."""
    late = measure(server, 1.0, taps=3)
    print(f"99 % within {percentile(late, 0.99) * 1e3:.1f} ms")
    assert len(late) > 300 and late[0] > -0.005  # before its period is over nobody has it
    assert percentile(late, 0.99) < 0.2
