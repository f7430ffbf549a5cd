# SPDX-License-Identifier: GPL-3.0-or-later
"""OSCQuery over WebSocket, with python3-websockets: LISTEN, edits, OSC in binary frames, clients that misbehave."""
import asyncio
import json
import struct

import pytest
import websockets

from servers import SLOW, Foldbackd

PATCH = {"name": "ws", "stages": [{"id": "gain", "type": "gain"}, {"id": "comp", "type": "comp"}]}
GAIN = "/station/1/gain/gain"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("websocket")
    patch = folder / "patch.json"
    patch.write_text(json.dumps(PATCH))
    with Foldbackd(folder, "--stations", 2, "--patch", patch) as foldbackd:
        yield foldbackd


def text(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode(), (end // 4 + 1) * 4


def decode(packet):
    """One OSC message: (address, values). A bundle is an error here, as it is to some clients."""
    assert packet[:1] == b"/", packet[:20]
    address, at = text(packet, 0)
    tags, at = text(packet, at)
    values = []
    for tag in tags[1:]:
        if tag in "if":
            values.append(struct.unpack_from(">" + tag, packet, at)[0])
            at += 4
        elif tag == "s":
            value, at = text(packet, at)
            values.append(value)
        else:
            values.append({"T": True, "F": False, "N": None}[tag])
    assert at == len(packet)
    return address, values


def padded(string):
    data = string.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)


def encode(address, *values):
    tags = "".join("s" if isinstance(v, str) else "T" if v is True else "F" if v is False else "f" if isinstance(v, float)
                   else "i" for v in values)
    data = b"".join(padded(v) if isinstance(v, str) else struct.pack(">f" if isinstance(v, float) else ">i", v)
                    for v in values if not isinstance(v, bool))
    return padded(address) + padded("," + tags) + data


class Client:
    """A connection that notes what comes: texts as JSON, messages as (address, values)."""

    def __init__(self, server):
        self.url = f"ws://127.0.0.1:{server.http_port}/"

    async def __aenter__(self):
        self.ws = await websockets.connect(self.url, max_size=None)
        return self

    async def __aexit__(self, *_):
        await self.ws.close()

    async def command(self, command, data):
        await self.ws.send(json.dumps({"COMMAND": command, "DATA": data}))

    async def osc(self, address, *values):
        await self.ws.send(encode(address, *values))

    async def next(self, seconds=3.0):
        got = await asyncio.wait_for(self.ws.recv(), seconds * SLOW)
        return json.loads(got) if isinstance(got, str) else decode(got)

    async def until(self, address):
        """The values of the next message there."""
        while True:
            got = await self.next()
            if not isinstance(got, dict) and got[0] == address:
                return got[1]

    async def sync(self):
        """All that came until everything sent before was dealt with, and a little longer."""
        await asyncio.sleep(0.05)
        await self.osc("/sync", 7)
        got = []
        while True:
            one = await self.next()
            if one == ("/synced", [7]):
                return got
            got.append(one)


def run(server, test, clients=1):
    async def go():
        opened = [Client(server) for _ in range(clients)]
        for client in opened:
            await client.__aenter__()
        try:
            await test(*opened)
        finally:
            for client in opened:
                await client.__aexit__()
    server.post("/api/stations/1/params", {"gain.gain": 0.0})
    asyncio.run(go())


def test_host_info_promises_what_is_there(server):
    extensions = server.get("/?HOST_INFO")["EXTENSIONS"]
    assert all(extensions[name] is True for name in ("LISTEN", "PATH_ADDED", "PATH_REMOVED", "PATH_CHANGED", "CRITICAL",
                                                     "EXTENDED_TYPE", "STEP_SIZE", "DEFAULT_VALUE", "OVERLOADS"))
    assert "PATH_RENAMED" not in extensions and "OSC_STREAMING" not in extensions

    def words(node):
        yield from (key for key in node if key not in ("CONTENTS", "FULL_PATH", "TYPE"))
        for child in node.get("CONTENTS", {}).values():
            yield from words(child)
    assert set(words(server.get("/"))) <= set(extensions)


def test_a_place_described(server):
    """As OSCQuery has it, to the byte, in one binary frame."""
    async def test(a):
        for path in (GAIN, "/station/2/comp/threshold"):
            await a.osc("/describe", path)
            assert await a.until("/describe") == [path, server.http("GET", path, raw=True)[1].decode()]
        await a.osc("/describe", "/station/1")
        path, told, *names = await a.until("/describe")
        place = server.get("/station/1")
        assert path == "/station/1" and json.loads(told) == {name: value for name, value in place.items() if name != "CONTENTS"}
        assert names == [name + "/" * ("CONTENTS" in child) for name, child in place["CONTENTS"].items()]
        await a.osc("/describe", "/nowhere")
        assert await a.until("/error") == ["/describe", 404, "there is no such address", ",s"]
    run(server, test)


def test_listen(server):
    async def test(a, b):
        await a.command("LISTEN", GAIN)
        assert await a.next() == (GAIN, [0.0])  # the value at once
        await b.osc(GAIN, -3.0)
        assert await a.until(GAIN) == [-3.0]
        server.osc.send(GAIN, -4.0)
        assert await a.until(GAIN) == [-4.0]
        server.post("/api/stations/1/params", {"gain.gain": -5.0})
        assert await a.until(GAIN) == [-5.0]
        await a.osc(GAIN, -6.0)  # its own change it does not hear
        assert await a.sync() == [] and await b.sync() == []
        await a.osc(GAIN, 999.0)  # unless another value was applied
        most = server.get(GAIN)["RANGE"][0]["MAX"]
        assert await a.until(GAIN) == [most]
        await a.command("LISTEN", "/station/1/comp")  # exactly that address, not what is below
        await b.osc("/station/1/comp/threshold", -30.0)
        errors = await a.sync()
        assert [address for address, _ in errors] == ["/error"] and errors[0][1][:2] == ["/station/1/comp", 403]
        await a.command("IGNORE", GAIN)
        await b.osc(GAIN, -7.0)
        assert await a.sync() == []
    run(server, test, 2)


def test_all_parameters_listened_to_at_once(server):
    """As clients do that have a button for it: one LISTEN for each, in one burst."""
    def leaves(node):
        if node.get("ACCESS", 0) & 1:
            yield node["FULL_PATH"]
        for child in node.get("CONTENTS", {}).values():
            yield from leaves(child)
    every = list(leaves(server.get("/")))

    async def test(a):
        for address in every:
            await a.command("LISTEN", address)
        missing = set(every)
        while missing:
            address, values = await a.next(10)
            assert values and address != "/error", (address, values)
            missing.discard(address)
    assert len(every) > 200
    run(server, test)


def test_edits_are_told(server):
    async def test(a):
        assert server.osc.call("/station/2/node/add", "eq", "tone") is True
        told = [await a.next() for _ in range(4)]
        assert {"COMMAND": "PATH_ADDED", "DATA": "/station/2/tone"} in told[:2]
        assert {"COMMAND": "PATH_ADDED", "DATA": "/norm/station/2/tone"} in told[:2]
        assert {"COMMAND": "PATH_CHANGED", "DATA": "/station/2"} in told[2:]
        await a.command("LISTEN", "/station/2/tone/b3_gain")
        assert await a.next() == ("/station/2/tone/b3_gain", [0.0])
        assert server.osc.call("/station/2/node/remove", "tone") is True
        told = [await a.next() for _ in range(4)]
        assert {"COMMAND": "PATH_REMOVED", "DATA": "/station/2/tone"} in told[:2]
        assert {"COMMAND": "PATH_CHANGED", "DATA": "/station/2"} in told[2:]
        assert await a.sync() == []
    run(server, test)


def test_osc_both_ways(server):
    async def test(a):
        await a.osc(GAIN)
        assert await a.next() == (GAIN, [0.0])
        await a.osc("/station/1/undo")
        assert (await a.next())[0] in ("/done", "/station/1/undo", "/error")
        await a.osc("/subscribe", "/station/1/mute", 10)
        got = await a.sync()
        assert ("/subscribe", ["/station/1/mute", 10, 0, 0, 1]) in got and ("/station/1/mute", [False]) in got
        await a.ws.send(b"#bundle\0" + struct.pack(">Q", 1) + b"".join(
            struct.pack(">I", len(one)) + one for one in (encode(GAIN, -9.0), encode("/station/2/mute", True))))
        await a.sync()
        assert server.get(GAIN + "?VALUE") == {"VALUE": [-9.0]} and server.get("/station/2/mute?VALUE") == {"VALUE": [True]}
        rows = server.get("/api/audit?limit=5")
        assert rows[0]["origin"].startswith("websocket 127.0.0.1:")
    run(server, test)


def test_nonsense_is_answered_and_does_no_harm(server):
    async def test(a):
        for bad in ("", "{", "[]", "1", '{"COMMAND": "LISTEN"}', '{"COMMAND": 1, "DATA": "/"}',
                    '{"COMMAND": "DANCE", "DATA": "/"}', '{"COMMAND": "LISTEN", "DATA": "/nowhere"}', b"", b"rubbish", b"/a\0\0"):
            await a.ws.send(bad)
            assert (await a.next())[0] == "/error", bad
        await a.ws.send([b"/station/1/", b"gain/gain\0\0\0\0", b",\0\0\0"])  # in pieces
        assert await a.next() == (GAIN, [0.0])
    run(server, test)


def test_a_message_too_large_ends_the_connection(server):
    async def test(a):
        await a.ws.send(b"x" * 100_000)
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            await a.next()
        assert closed.value.rcvd.code == 1009
    run(server, test)


def test_a_client_that_does_not_read_holds_nobody_up(server):
    async def test(slow, quick):
        await slow.command("LISTEN", GAIN)
        await slow.next()
        slow.ws.transport.pause_reading()
        await quick.command("LISTEN", GAIN)
        await quick.next()
        for i in range(3000):
            server.osc.send(GAIN, -(i % 60) - 0.5)
            if i % 100 == 0:
                await quick.until(GAIN)
        server.osc.send(GAIN, -33.0)
        server.osc.sync()
        while await quick.until(GAIN) != [-33.0]:
            pass
        slow.ws.transport.resume_reading()  # and then it has the latest soon, not three thousand old ones
        count = 0
        while await slow.until(GAIN) != [-33.0]:
            count += 1
        assert count < 1500
    run(server, test, 2)


def test_so_many_clients_and_no_more(server):
    async def crowd():
        url = f"ws://127.0.0.1:{server.http_port}/"
        opened = [await websockets.connect(url) for _ in range(64)]
        with pytest.raises((websockets.exceptions.InvalidStatusCode, websockets.exceptions.InvalidMessage)):
            await websockets.connect(url)
        for ws in opened:
            await ws.close()
        await (await websockets.connect(url)).close()
    asyncio.run(crowd())
