# SPDX-License-Identifier: GPL-3.0-or-later
"""A crowd of rude clients, polite ones that want their answers meanwhile, and a watch over the machine that both run on."""
import asyncio
import contextlib
import gc
import http.client
import json
import os
import signal
import socket
import struct
import time
from pathlib import Path

import websockets

from servers import Osc
from streams import Stream, counted, message, slip

HTTP_CROWD, OSC_CROWD = 1000, 250
GAIN = "/station/1/gain/gain"


# --- the rude ones: HTTP and WebSocket


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
    text = json.dumps({"COMMAND": "LISTEN", "DATA": GAIN}).encode()
    packet = message(GAIN, "f", -10.0)
    frames = b"".join(bytes([kind, 0x80 | len(data), 0, 0, 0, 0]) + data for kind, data in ((0x81, text), (0x82, packet)))
    while not reader.at_eof():
        writer.write(frames * 50)
        await writer.drain()
        await asyncio.sleep(0.01)


OVER_HTTP = [half_open, half_open, trickle, slow_reader, oversized, malformed, flooding, shouting]


# --- the rude ones: OSC over TCP


async def half_a_frame(reader, writer):
    writer.write(counted(message("/sync", "i", 1))[:-3])
    await reader.read()


async def byte_by_byte(reader, writer):
    frame = slip(message("/station/1/*/*"))
    while not reader.at_eof():
        for byte in frame:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)


async def too_large(reader, writer):
    writer.write(struct.pack(">i", 0x7FFFFFFF) + b"x" * 1000)
    await reader.read()


async def never_ending(reader, writer):
    """SLIP without an END."""
    writer.write(b"\xc0")
    while not reader.at_eof():
        writer.write(b"a" * 16384)
        await writer.drain()
        await asyncio.sleep(0.01)


async def garbage(reader, writer):
    writer.write(os.urandom(2000))
    await reader.read()


async def asking_all(reader, writer):
    """Patterns that match much, and nobody reads the answers."""
    while not reader.at_eof():
        writer.write(counted(message("/station/*/*/*")) * 20)
        await writer.drain()
        await asyncio.sleep(0.01)


async def shoving(reader, writer):
    """As many sets as the socket takes, the answers read."""
    sets = slip(message(GAIN, "f", -10.0)) * 400
    while not reader.at_eof():
        writer.write(sets)
        await writer.drain()
        await asyncio.sleep(0.01)


OVER_TCP = [half_a_frame, byte_by_byte, too_large, never_ending, garbage, asking_all, shoving, shoving]


# --- all of them


async def rude(port, manners, n, until):
    """One after another until the end: whoever is thrown out comes back."""
    host = f"127.0.{1 + n % 8}.{2 + n % 16}"
    while time.monotonic() < until:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0)), 5)
            try:
                await asyncio.wait_for(manners[n % len(manners)](reader, writer), max(0.1, until - time.monotonic()))
            finally:
                writer.close()
        await asyncio.sleep(0.2)


def forked(work):
    """A process of its own, so that its work does not make ours late."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def crowd(server, seconds):
    """The whole crowd, for so long; the process to wait for."""
    until = time.monotonic() + seconds

    async def all_of_them():
        await asyncio.gather(*(rude(server.http_port, OVER_HTTP, n, until) for n in range(HTTP_CROWD)),
                             *(rude(server.osc_port, OVER_TCP, n, until) for n in range(OSC_CROWD)), return_exceptions=True)
    return forked(lambda: asyncio.run(all_of_them()))


# --- the machine


class Machine:
    """What the machine makes late: a process that only sleeps notes when it was woken late, and the kernel tells how long a
    thread that was ready to run had to wait for a processor."""

    SLEEP_S, LATE_S = 0.002, 0.002

    def __init__(self, folder, server):
        self.file = Path(folder) / "late"
        # the control thread is the one that polls: the first of the process
        self.control = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/schedstat")
        self.pid = forked(self._sleep)
        self.late = []

    def _sleep(self):
        over, late = [], []
        signal.signal(signal.SIGTERM, lambda *_: over.append(True))
        while not over:
            due = time.monotonic() + self.SLEEP_S
            time.sleep(self.SLEEP_S)
            if time.monotonic() - due > self.LATE_S:
                late.append((due, time.monotonic()))
        self.file.write_text(json.dumps(late))

    def waited(self):
        """Seconds that the control thread and we stood ready and did not run, so far."""
        return sum(int(file.read_text().split()[1]) for file in (self.control, Path("/proc/thread-self/schedstat"))) * 1e-9

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self.late = json.loads(self.file.read_text())

    def stalled(self, began, ended):
        """Seconds of that time in which the machine let nobody run who slept."""
        return sum(max(0.0, min(b, ended) - max(a, began)) for a, b in self.late)


class Stalls:
    """When the machine let not even a thread run that comes before all audio: one on each processor sleeps half a millisecond
    at a time, with a priority above JACK's, and notes when it was woken late."""

    SLEEP_S, LATE_S = 0.0005, 0.0005
    BEFORE_S = 0.25  # so long after its cause JACK may tell of an xrun

    def __init__(self, folder):
        self.files = {cpu: Path(folder) / f"stalls-{cpu}" for cpu in os.sched_getaffinity(0)}
        self.pids = [forked(lambda: self._sleep(cpu, file)) for cpu, file in self.files.items()]
        self.late = []

    def _sleep(self, cpu, file):
        over, late = [], []
        gc.disable()
        signal.signal(signal.SIGTERM, lambda *_: over.append(True))
        os.sched_setaffinity(0, {cpu})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))
        woken = time.time()
        while not over:
            time.sleep(self.SLEEP_S)
            slept, woken = woken, time.time()
            if woken - slept - self.SLEEP_S > self.LATE_S:
                late.append((slept, woken))
        file.write_text(json.dumps(late))

    def end(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        self.late = [stall for file in self.files.values() for stall in json.loads(file.read_text())]

    def explain(self, when):
        """Did the machine stall when this xrun came about?"""
        return any(a <= when and when - self.BEFORE_S <= b for a, b in self.late)


class Took:
    """How long one answer took, and how much of that the machine took."""

    def __init__(self, began, ended, waited):
        self.began, self.ended, self.waited = began, ended, waited

    @property
    def seconds(self):
        return self.ended - self.began

    def own(self, machine):
        """Seconds that are foldback's."""
        return self.seconds - self.waited - machine.stalled(self.began, self.ended)


# --- the polite ones


class Polite:
    """One client of each kind, each of which asks and waits for its answer, one after the other."""

    def __init__(self, server, machine, source="127.0.0.1"):
        self.server, self.machine, self.source = server, machine, source
        self.took = {kind: [] for kind in ("udp", "tcp", "http", "new", "websocket")}
        self.osc = Osc(server.osc_port)
        self.stream = Stream(server.osc_port, counted)
        self.kept = self.connection()
        self.loop = asyncio.new_event_loop()
        self.listener = self.loop.run_until_complete(self._listen())
        self.value = 0

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=20, source_address=(self.source, 0))

    async def _listen(self):
        sock = socket.create_connection(("127.0.0.1", self.server.http_port), 20, (self.source, 0))
        listener = await websockets.connect(f"ws://127.0.0.1:{self.server.http_port}/", sock=sock)
        await listener.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/station/2/gain/gain"}))
        await listener.recv()
        return listener

    def _time(self, kind, ask):
        waited, began = self.machine.waited(), time.monotonic()
        ask()
        ended = time.monotonic()
        self.took[kind].append(Took(began, ended, self.machine.waited() - waited))

    def _udp(self):
        self.osc.ask("/station/1/mute")

    def _tcp(self):
        self.stream.send("/station/1/mute")
        self.stream.wait("/station/1/mute", 20)

    def _get(self, connection):
        connection.request("GET", "/station/2/gain/gain?VALUE")
        assert connection.getresponse().read().startswith(b'{"VALUE":[')

    def _new(self):
        connection = self.connection()
        self._get(connection)
        connection.close()

    def _hear(self):
        """A change that somebody else makes."""
        self.value += 1
        self.osc.send("/station/2/gain/gain", -float(self.value % 50))
        while True:
            heard = self.loop.run_until_complete(asyncio.wait_for(self.listener.recv(), 20))
            if struct.unpack(">f", heard[-4:])[0] == -float(self.value % 50):
                return

    def ask(self, seconds):
        """All in turn, a new connection every 100 ms."""
        new, end = 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            self._time("udp", self._udp)
            self._time("tcp", self._tcp)
            self._time("http", lambda: self._get(self.kept))
            self._time("websocket", self._hear)
            if time.monotonic() >= new:
                new = time.monotonic() + 0.1
                self._time("new", self._new)
            time.sleep(0.01)
        return self

    def close(self):
        self.kept.close()
        self.stream.close()
        self.loop.run_until_complete(self.listener.close())
        self.loop.close()

    def worst(self, kind):
        """(Seconds that the longest answer took, of it foldback's own)."""
        return max(((took.own(self.machine), took.seconds) for took in self.took[kind]))[::-1]

    def report(self, kind):
        """One line about it."""
        took = sorted(t.seconds for t in self.took[kind])
        own = max(t.own(self.machine) for t in self.took[kind])
        return (f"{kind}: {len(took)} answers, median {took[len(took) // 2] * 1e3:.1f} ms, 99 % "
                f"{took[int(0.99 * (len(took) - 1))] * 1e3:.1f} ms, longest {took[-1] * 1e3:.1f} ms, foldback's own {own * 1e3:.1f} ms")
