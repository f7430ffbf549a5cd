# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand rude clients at once: half-open, slow, oversized, malformed, flooding. A polite client is answered soon all
the same, on the connection that it has; a new one stands in line behind those that a thousand clients open. How audio
fares is printed: without real-time priority a busy machine has xruns of its own."""
import asyncio
import contextlib
import http.client
import json
import os
import resource
import time

import pytest

from servers import SLOW, Foldbackd

RUDE = 1000
SECONDS = 8
LATE_S = 0.1  # no reply to the polite client may take longer on a machine that has nothing else to do
PATIENCE = 10  # times that: what other work on the machine may add


async def connect(server, n):
    return await asyncio.wait_for(asyncio.open_connection(
        "127.0.0.1", server.http_port, local_addr=(f"127.0.{1 + n % 8}.{2 + n % 16}", 0)), 5)


async def half_open(reader, writer):
    writer.write(b"GET /station/1 HT")
    await reader.read()


async def trickle(reader, writer):
    writer.write(b"POST /api/stations/1/params HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 100000\r\n\r\n{")
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.5)


async def slow_reader(reader, writer):
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    while await reader.read(16):
        await asyncio.sleep(0.5)


async def oversized(reader, writer):
    writer.write(b"POST /api/stations/1/params HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 99999999\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"x" * 65536)
        await writer.drain()
        await asyncio.sleep(0.05)


async def malformed(reader, writer):
    writer.write(os.urandom(500) + b"\r\n\r\n")
    await reader.read()


async def flooding(reader, writer):
    while not reader.at_eof():
        writer.write(b"GET /station/1/gain HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await reader.read(4096)


async def shouting(reader, writer):
    """A WebSocket that floods with commands and packets."""
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    await reader.read(300)
    text = json.dumps({"COMMAND": "LISTEN", "DATA": "/station/1/gain/gain"}).encode()
    packet = b"/station/1/gain/gain\0\0\0\0,f\0\0\xc1\x20\0\0"
    frames = b"".join(bytes([kind, 0x80 | len(data), 0, 0, 0, 0]) + data for kind, data in ((0x81, text), (0x82, packet)))
    while not reader.at_eof():
        writer.write(frames * 50)
        await writer.drain()
        await asyncio.sleep(0.01)


MANNERS = [half_open, half_open, trickle, slow_reader, oversized, malformed, flooding, shouting]


async def rude(server, n, until):
    """One after another until the end: whoever is thrown out comes back."""
    while time.monotonic() < until:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await connect(server, n)
            try:
                await asyncio.wait_for(MANNERS[n % len(MANNERS)](reader, writer), max(0.1, until - time.monotonic()))
            finally:
                writer.close()
        await asyncio.sleep(0.2)


def crowd(server, until):
    """The rude ones, in a process of their own so that their work does not make the polite one late."""
    pid = os.fork()
    if pid:
        return pid
    try:
        async def all_of_them():
            await asyncio.gather(*(rude(server, n, until) for n in range(RUDE)), return_exceptions=True)
        asyncio.run(all_of_them())
    finally:
        os._exit(0)


@pytest.mark.slow
@pytest.mark.plain  # it is about time
def test_a_thousand_rude_clients(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    patch = tmp_path / "patch.json"
    patch.write_text(json.dumps({"name": "rude", "stages": [{"id": "gain", "type": "gain"}]}))
    with Foldbackd(tmp_path, "--patch", patch) as server:
        polite = http.client.HTTPConnection("127.0.0.1", server.http_port)

        def times(seconds):
            """What each kind of polite question took."""
            took, end = {"http": [], "osc": []}, time.monotonic() + seconds
            while time.monotonic() < end:
                began = time.monotonic()
                polite.request("GET", "/station/1/gain/gain?VALUE")
                assert polite.getresponse().read().startswith(b'{"VALUE":[')
                took["http"].append(time.monotonic() - began)
                began = time.monotonic()
                server.osc.ask("/station/1/mute")
                took["osc"].append(time.monotonic() - began)
                time.sleep(0.01)
            return took
        calm = times(1)
        before = server.osc.ask("/server/xruns")
        pid = crowd(server, time.monotonic() + SECONDS)
        time.sleep(1)
        took = times(SECONDS - 2)
        xruns = server.osc.ask("/server/xruns") - before
        os.waitpid(pid, 0)
        polite.close()
        for kind, seconds in took.items():
            seconds.sort()
            print(f"{kind}: {len(seconds)} answers, median {seconds[len(seconds) // 2] * 1e3:.1f} ms, longest "
                  f"{seconds[-1] * 1e3:.1f} ms (calm: {max(calm[kind]) * 1e3:.1f} ms), xruns {xruns}")
            assert len(seconds) > 20 and seconds[-1] < LATE_S * PATIENCE * SLOW
        assert server.get("/healthz") == {"status": "ok"}
