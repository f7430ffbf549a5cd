# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC over TCP, on the port that UDP has: both framings however they are cut, answers in kind, rude clients."""
import json
import socket
import struct
import time

import pytest
from servers import Foldbackd, ServerError, wait_for
from streams import Stream, bare_slip, counted, message, slip

FRAMES = [slip, bare_slip, counted]
LEVEL = "/station/1/gain/gain"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    patch = folder / "gain.json"
    patch.write_text('{"stages": [{"id": "gain", "type": "gain"}]}')
    with Foldbackd(folder, "--patch", f"1={patch}") as running:
        yield running


@pytest.mark.parametrize("frame", FRAMES)
def test_answers_in_kind(server, frame):
    with Stream(server.osc_port, frame) as client:
        client.send("/server/stations", None)  # no type tag string at all
        assert client.wait("/server/stations") == [16]
        client.send(LEVEL, "f", -7.5)
        client.send("/sync", "i", 192)  # 0xC0, which SLIP escapes, goes and comes back
        assert client.wait("/synced") == [192]
        assert server.osc.ask(LEVEL) == -7.5


@pytest.mark.parametrize("frame", FRAMES)
def test_cut_anywhere(server, frame):
    """Every split of two frames into two reads, then byte by byte: nothing is lost, nothing comes twice."""
    data = frame(message("/sync", "i", 1)) + frame(message("/sync", "i", 0xC0DB))
    with Stream(server.osc_port, frame) as client:
        for cut in range(1, len(data)):
            client.write(data[:cut])
            time.sleep(0.002)  # so that the server reads in between
            client.write(data[cut:])
            assert client.wait("/synced") == [1] and client.wait("/synced") == [0xC0DB], cut
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            client.write(bytes([byte]))
        assert client.wait("/synced") == [1] and client.wait("/synced") == [0xC0DB]
        assert client.heard == []


def test_many_frames_at_once(server):
    with Stream(server.osc_port, counted) as client:
        client.write(b"".join(counted(message("/sync", "i", i)) for i in range(5000)))
        assert [client.wait("/synced", 10)[0] for _ in range(5000)] == list(range(5000))


def test_a_bad_packet_spoils_no_other(server):
    with Stream(server.osc_port) as client:
        client.write(b"\xc0/a\xdbx\xc0" + slip(b"no osc") + slip(message("/sync", "i", 3)))
        assert client.wait("/synced") == [3]
        assert client.wait("/error")[1] == 400


def test_what_is_neither(server):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff"):
        with Stream(server.osc_port) as client:
            client.write(garbage)
            assert client.closed(), garbage
    with Stream(server.osc_port, counted) as client:
        client.write(struct.pack(">i", 1 << 20))  # larger than any packet
        assert client.wait("/error")[1] == 413
        assert client.closed()
    with Stream(server.osc_port) as client:
        client.write(b"\xc0" + b"a" * 70000)
        assert client.wait("/error")[1] == 413
        assert client.closed()


def test_feedback_to_all_but_the_sender(server):
    """Two connections and a UDP client of one host are three clients; no lease ends on a connection."""
    with Stream(server.osc_port) as one, Stream(server.osc_port, counted) as two:
        server.osc.received.clear()
        for client in (one, two):
            client.send("/subscribe", "si", LEVEL, 100)
            assert client.wait("/subscribe") == [LEVEL, 100, 0, 0, 1]  # 0: until unsubscribed
        server.osc.send("/subscribe", LEVEL, ("i", 100))
        assert server.osc.wait("/subscribe")[3] == 10
        for client in (one, two, server.osc):
            client.wait(LEVEL)
        one.send(LEVEL, "f", -3.25)
        assert two.wait(LEVEL) == [-3.25] and server.osc.wait(LEVEL) == [-3.25]
        one.send("/sync", "i", 1)
        one.wait("/synced")
        assert one.heard == []
        one.send(LEVEL, "f", 1000.0)  # clipped: whoever sent it must know
        top = one.wait(LEVEL)[0]
        assert top < 1000 and two.wait(LEVEL) == [top]
        two.send("/unsubscribe")
        assert two.wait("/unsubscribe") == ["", 1]
        server.osc.send("/unsubscribe")
        server.osc.wait("/unsubscribe")


def test_the_end_of_a_connection_ends_its_subscriptions(server):
    def subscriptions():
        return server.osc.ask("/server/osc/subscriptions")
    wait_for(lambda: subscriptions() == 0, what="the end of what other tests subscribed to")
    client = Stream(server.osc_port)
    client.send("/subscribe", "s", "/station/1/*")
    client.wait("/subscribe")
    assert subscriptions() == 1
    client.close()
    wait_for(lambda: subscriptions() == 0, what="the end of the subscription")


@pytest.mark.parametrize("frame", FRAMES)
def test_a_place_described(server, frame):
    """As OSCQuery has it, to the byte: the JSON and the names of what is below, however long."""
    with Stream(server.osc_port, frame) as client:
        for path in (LEVEL, "/station/1/undo"):
            client.send("/describe", "s", path)
            assert client.wait("/describe") == [path, server.http("GET", path, raw=True)[1].decode()]
        client.send("/describe", "s", "/station/1")
        path, text, *names = client.wait("/describe")
        place = server.get("/station/1")
        assert path == "/station/1" and json.loads(text) == {name: value for name, value in place.items() if name != "CONTENTS"}
        assert names == [name + "/" * ("CONTENTS" in child) for name, child in place["CONTENTS"].items()]
        client.send("/describe", "s", "/nowhere")
        assert client.wait("/error") == ["/describe", 404, "there is no such address", ",s"]


def test_another_port_is_refused(server):
    with Stream(server.osc_port) as client:
        client.send("/subscribe", "sii", LEVEL, 10, 9999)
        assert client.wait("/error")[2] == "feedback cannot go to another port"


def test_who_reads_nothing_is_dropped(server):
    """Replies to a client that does not read fill its buffers, then it goes; others do not notice."""
    greedy = Stream(server.osc_port, counted)
    greedy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking = counted(message("/station/1/*/*")) * 100
    began = time.monotonic()
    try:
        greedy.socket.settimeout(5)
        while time.monotonic() < began + 30:
            greedy.write(asking)
    except (ConnectionError, socket.timeout):
        pass
    assert server.osc.ask("/server/stations") == 16
    wait_for(lambda: server.osc.ask("/server/osc/dropped") > 0, 10, "the slow client's end")
    greedy.close()


@pytest.mark.slow
@pytest.mark.waits
def test_a_packet_has_to_come_to_its_end(server):
    """Who trickles is let go after ten seconds; who says nothing, or has said all, may stay."""
    data = counted(message("/sync", "i", 1))
    with Stream(server.osc_port, counted) as slow, Stream(server.osc_port) as silent, Stream(server.osc_port, counted) as polite:
        polite.write(data)
        assert polite.wait("/synced") == [1]
        dropped, began = server.osc.ask("/server/osc/dropped"), time.monotonic()
        for byte in data[:10]:
            slow.write(bytes([byte]))
            time.sleep(0.5)
        assert slow.closed(15)
        assert time.monotonic() - began > 9 and server.osc.ask("/server/osc/dropped") == dropped + 1
        for client in (silent, polite):
            client.send("/sync", "i", 2)
            assert client.wait("/synced") == [2]


def test_half_open_connections_keep_nobody_out(server):
    """More silent connections than there is room for: the idlest go, one that subscribed stays."""
    with Stream(server.osc_port) as polite:
        polite.send("/subscribe", "si", LEVEL, 50)
        polite.wait(LEVEL)
        crowd = [socket.create_connection(("127.0.0.1", server.osc_port)) for _ in range(400)]
        with Stream(server.osc_port) as late:
            late.send("/sync", "i", 8)
            assert late.wait("/synced") == [8]
            late.send(LEVEL, "f", -9.5)
            assert polite.wait(LEVEL) == [-9.5]
        assert server.osc.ask("/server/osc/connections") <= 256
        for one in crowd:
            one.close()


def test_the_port_is_taken(tmp_path):
    """A port that UDP could have but TCP cannot is no OSC port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1 TCP port {port}.*another program has this port"):
            Foldbackd(tmp_path, "--osc-port", port)
