# SPDX-License-Identifier: GPL-3.0-or-later
"""What one address may take of what all share: subscriptions, and the time for UDP's packets. Greedy clients at 127.0.0.2 and
the like, others at 127.0.0.1."""
import asyncio
import http.client
import json
import os
import socket
import subprocess
import time

import pytest
import websockets

from rude import forked
from servers import BUILD, SLOW, TOP, Foldbackd, Osc, playing_patch, wait_for
from streams import Stream, counted, message, messages

GAIN = "/station/1/gain/gain"
ALL = 64  # clients that may subscribe


@pytest.fixture
def server(tmp_path):
    with playing_patch(tmp_path, {"name": "shares", "stages": [{"id": "gain", "type": "gain"}]}) as foldbackd:
        yield foldbackd


class Greedy:
    """UDP clients of one address that subscribe."""

    def __init__(self, server, n, host="127.0.0.2"):
        self.target = ("127.0.0.1", server.osc_port)
        self.sockets = []
        for _ in range(n):
            self.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self.sockets[-1].bind((host, 0))
            self.sockets[-1].settimeout(5 * SLOW)

    def subscribe(self, i):
        """Its answer: ("/subscribe", [...]) or ("/error", [...])."""
        self.sockets[i].sendto(message("/subscribe", "s", GAIN), self.target)
        return self.answer(i)

    def answer(self, i):
        while True:
            for address, values in messages(self.sockets[i].recv(65536)):
                if address in ("/subscribe", "/error"):
                    return address, values

    def close(self):
        for sock in self.sockets:
            sock.close()


@pytest.fixture
def greedy(server):
    clients = Greedy(server, ALL)
    assert [clients.subscribe(i)[0] for i in range(ALL)] == ["/subscribe"] * ALL  # alone it may have all there are
    yield clients
    clients.close()


def events(server, host):
    """A stream of events, its answer read as far as the head."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=5 * SLOW, source_address=(host, 0))
    connection.request("GET", "/api/events?stations=1")
    return connection, connection.getresponse()


def test_one_address_does_not_take_all_subscriptions(server, greedy):
    more = Greedy(server, 1)
    address, values = more.subscribe(0)
    assert address == "/error" and values[1] == 429 and "64 of them of your address" in values[2], values
    # another address gets what it asks for, of what the greedy one got last
    server.osc.send("/subscribe", GAIN)
    assert server.osc.wait("/subscribe")[0] == GAIN
    server.osc.wait(GAIN)
    address, values = greedy.answer(ALL - 1)
    assert address == "/error" and values[:2] == ["/subscribe", 429] and "64 clients" in values[2], values
    assert greedy.subscribe(ALL - 1)[0] == "/error"  # and it does not come back for it
    assert greedy.subscribe(0)[0] == "/subscribe"  # others of that address may renew
    Osc(server.osc_port).send(GAIN, -12.0)
    assert server.osc.wait(GAIN)[0] == pytest.approx(-12)
    # nor by other transports
    stream = Stream(server.osc_port, counted)
    stream.send("/subscribe", "s", GAIN)
    assert stream.wait("/subscribe")[0] == GAIN
    connection, answer = events(server, "127.0.0.1")
    assert answer.status == 200 and answer.readline().startswith(b"retry")
    connection.close()
    stream.close()
    more.close()


def test_a_program_tells_why_it_hears_no_more(server):
    greedy = Greedy(server, ALL - 1, "127.0.0.1")
    assert [greedy.subscribe(i)[0] for i in range(ALL - 1)] == ["/subscribe"] * (ALL - 1)
    watch = subprocess.Popen([BUILD / "foldback", *server.clients, "watch", GAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    assert GAIN in watch.stdout.readline()
    other = Greedy(server, 1)
    assert other.subscribe(0)[0] == "/subscribe"
    _, said = watch.communicate(timeout=10 * SLOW)
    assert watch.returncode and "others want to subscribe too" in said, said
    greedy.close()
    other.close()


def test_two_addresses_end_with_the_same(server, greedy):
    second = Greedy(server, ALL, "127.0.0.3")
    got = [second.subscribe(i)[0] for i in range(ALL)]
    assert got == ["/subscribe"] * (ALL // 2) + ["/error"] * (ALL // 2)
    assert [greedy.subscribe(i)[0] for i in range(ALL)] == ["/subscribe"] * (ALL // 2) + ["/error"] * (ALL // 2)
    second.close()


def test_event_streams_make_room(server):
    opened = [events(server, "127.0.0.2") for _ in range(ALL)]
    assert all(answer.status == 200 for _, answer in opened)
    refused, answer = events(server, "127.0.0.2")
    assert answer.status == 429 and b"of them of your address" in answer.read()
    connection, answer = events(server, "127.0.0.1")
    assert answer.status == 200 and answer.readline().startswith(b"retry")
    while opened[-1][1].read(4096):  # what was sent before, then the end
        pass
    assert opened[0][1].readline().startswith(b"retry")
    for each, _ in [*opened, (refused, None), (connection, None)]:
        each.close()


def test_taps_make_room(server):
    """As OSCQuery's WebSockets do: the last one of the address that has too many goes."""
    async def listen(host):
        sock = socket.create_connection(("127.0.0.1", server.http_port), 5 * SLOW, (host, 0))
        return await websockets.connect(f"ws://127.0.0.1:{server.http_port}/api/stations/1/audio-tap", sock=sock, max_queue=None)

    async def all_of_them():
        greedy = [await listen("127.0.0.2") for _ in range(ALL)]
        with pytest.raises((websockets.exceptions.InvalidStatusCode, websockets.exceptions.InvalidMessage)):
            await listen("127.0.0.2")
        other = await listen("127.0.0.1")
        header = json.loads(await asyncio.wait_for(other.recv(), 5 * SLOW))
        assert header["station_id"] == 1
        assert len(await asyncio.wait_for(other.recv(), 5 * SLOW)) > 8
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            while True:
                await asyncio.wait_for(greedy[-1].recv(), 5 * SLOW)
        for tap in [other, *greedy]:
            tap.transport.abort()
    asyncio.run(all_of_them())


def test_a_client_that_leaves_takes_no_time(tmp_path):
    """What two subscriptions cover is not offered, leaf by leaf, to 62 others that are slow to say no, when all of them end."""
    with Foldbackd(tmp_path, "--patch", TOP / "tests/bench/chain.json") as server:
        stream = Stream(server.osc_port, counted)
        slow = ["/station/*/*/" + "*[a-z]" * 24 + f"*{i}" for i in range(62)]
        for pattern, rate in [*((pattern, 200) for pattern in slow), ("/", 1), ("/*", 2)]:
            stream.send("/subscribe", "si", pattern, rate)
        wait_for(lambda: server.osc.ask("/server/osc/subscriptions") == 64, 20, "the subscriptions")
        stream.close()
        began = time.monotonic()
        wait_for(lambda: server.osc.ask("/server/osc/subscriptions") == 0, 20, "their end")
        print(f"{time.monotonic() - began:.3f} s")
        assert time.monotonic() - began < 0.3 * SLOW


def flood(port, seconds):
    """What takes long to answer, from one port after another, as fast as it goes."""
    ask, end = message("/station/*/*/*"), time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.2", 0))
            for _ in range(100):
                sock.sendto(ask, ("127.0.0.1", port))


def test_a_flood_of_packets_keeps_no_other_address_waiting(server):
    """In one queue of the kernel's with some thousand packets that take a millisecond each, an answer would take seconds, if
    it came: here some are lost and the others take tens of milliseconds, on a loaded machine more."""
    pid = forked(lambda: flood(server.osc_port, 4))
    took = []
    try:
        time.sleep(1.5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            for i in range(20):
                began = time.monotonic()
                sock.sendto(message("/station/1/mute"), ("127.0.0.1", server.osc_port))
                try:
                    sock.recv(1000)
                except TimeoutError:  # the kernel may lose it
                    pass
                took.append(time.monotonic() - began)
                time.sleep(0.05)
    finally:
        os.waitpid(pid, 0)
    took.sort()
    print(" ".join(f"{1e3 * t:.1f}" for t in took), "ms")
    assert took[12] < 0.3
    assert server.osc.ask("/server/osc/lost") > 0  # it was a flood
