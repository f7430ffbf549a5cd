# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: the token beyond loopback, networks for OSC, web pages of elsewhere, limits. The other machine is
this one under another of its addresses."""
import asyncio
import http.client
import json
import socket
import subprocess
import time

import liblo
import pytest
import websockets

from servers import SLOW, Foldbackd, Osc, wait_for
from test_websocket import decode, encode

TOKEN = "correct-horse-battery-staple"
GAIN = "/station/1/gain/gain"
PATCH = {"name": "security", "stages": [{"id": "gain", "type": "gain"}]}


def own_address():
    """An address of this machine that is not loopback; one is made where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            made = subprocess.run(["ip", "addr", "add", "198.51.100.7/32", "dev", "lo"], capture_output=True)
            if made.returncode == 0 or b"exists" in made.stderr:
                return "198.51.100.7"
            pytest.skip("no address but loopback here")


@pytest.fixture(scope="module")
def address():
    return own_address()


def start(folder, *options):
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    patch = folder / "patch.json"
    patch.write_text(json.dumps(PATCH))
    return Foldbackd(folder, "--stations", 1, "--patch", patch, "--token-file", token, *options)


@pytest.fixture(scope="module")
def server(tmp_path_factory, address):
    with start(tmp_path_factory.mktemp("security"), "--listen", "0.0.0.0", "--host-name", "desk.example",
               "--cors-origin", "https://panel.example", "--osc-allow", "203.0.113.0/24") as foldbackd:
        yield foldbackd


def ask(server, method, path, body=None, headers=None, to="127.0.0.1", source=None):
    """(status, headers in small letters, bytes), over a connection of its own."""
    connection = http.client.HTTPConnection(to, server.http_port, timeout=20 * SLOW,
                                            source_address=(source, 0) if source else None)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def params(server, to, gain=-1.0, **headers):
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ask(server, "POST", "/api/stations/1/params", json.dumps({"gain.gain": gain}), headers, to)


def test_no_token_no_listening(tmp_path):
    with pytest.raises(Exception, match="token"):
        Foldbackd(tmp_path, "--listen", "0.0.0.0")


def test_a_token_is_taken_whole(tmp_path):
    """Cut to what there is room for it would be another."""
    (tmp_path / "token").write_text("x" * 300)
    with pytest.raises(Exception, match="16 to 254 characters"):
        Foldbackd(tmp_path, "--listen", "0.0.0.0", "--token-file", tmp_path / "token")


def test_ipv4_through_ipv6(tmp_path, address):
    """Listening on ::, whoever comes by IPv4 is who he is: this machine may write, others need the token."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with start(tmp_path, "--listen", "::") as server:
        assert params(server, "127.0.0.1")[0] == params(server, "::1")[0] == 200
        assert params(server, address)[0] == 401
        origins = [row["origin"].rsplit(":", 1)[0] for row in server.get("/api/audit?limit=2")]
        assert origins == ["http ::1", "http 127.0.0.1"]


def test_writes_need_the_token(server, address):
    assert ask(server, "GET", "/api/stations/1/params", to=address)[0] == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer "},
                    {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        status, answered, body = params(server, address, -2.0, **headers)
        assert status == 401 and answered["www-authenticate"] == "Bearer" and json.loads(body)["error"]["code"] == 401
    for method, path in (("PUT", "/api/samples/x.wav"), ("PUT", "/api/sessions/x"), ("POST", "/api/calibration/run"),
                         ("DELETE", "/api/runs/x"), ("POST", "/nowhere")):
        assert ask(server, method, path, b"x" * 1000, to=address)[0] == 401
    assert server.get(GAIN + "?VALUE") == {"VALUE": [0.0]}
    assert params(server, address, -2.0, Authorization=f"Bearer {TOKEN}")[0] == 200
    assert params(server, "127.0.0.1", 0.0)[0] == 200  # at the machine itself it is not needed


def test_websockets_need_it_too(server, address):
    url = f"ws://{address}:{server.http_port}/"

    async def told(ws):
        return decode(await asyncio.wait_for(ws.recv(), 5 * SLOW))

    async def go():
        async with websockets.connect(url) as ws:
            await ws.send(encode(GAIN))
            assert await told(ws) == (GAIN, [0.0])  # asking is free
            await ws.send(encode(GAIN, -3.0))
            where, values = await told(ws)
            assert where == "/error" and values[:2] == [GAIN, 403]
            assert await told(ws) == (GAIN, [0.0])  # the value in force
            await ws.send(encode("/station/1/undo"))
            assert (await told(ws))[1][1] == 403
            await ws.send(json.dumps({"COMMAND": "AUTH", "DATA": TOKEN}))
            await ws.send(encode(GAIN, -3.0))
            await ws.send(encode(GAIN))
            assert await told(ws) == (GAIN, [-3.0])
        async with websockets.connect(url) as ws:
            await ws.send(json.dumps({"COMMAND": "AUTH", "DATA": "wrong"}))
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                await told(ws)
            assert closed.value.rcvd.code == 1008
        async with websockets.connect(url, extra_headers={"Authorization": f"Bearer {TOKEN}"}) as ws:
            await ws.send(encode(GAIN, 0.0))
            await ws.send(encode(GAIN))
            assert await told(ws) == (GAIN, [0.0])
    asyncio.run(go())
    refused = [row for row in server.get("/api/audit?limit=50") if row["outcome"] != "ok" and row["origin"].startswith("websocket")]
    assert any(row["address"] == GAIN and "token" in row["outcome"] for row in refused)


def test_the_token_is_nowhere_to_be_read(server, address):
    params(server, address, -1.0, Authorization=f"Bearer {TOKEN}")
    params(server, "127.0.0.1", 0.0)
    assert TOKEN not in server.said() and TOKEN not in json.dumps(server.get("/api/audit?limit=1000"))
    for path in ("/", "/?HOST_INFO", "/api/openapi.json"):
        assert TOKEN not in json.dumps(server.get(path))
    for file in (server.folder / "foldback").glob("foldback.db*"):
        assert TOKEN.encode() not in file.read_bytes()


def osc_answers(server, address):
    client = Osc(server.osc_port)
    client.target = liblo.Address(address, server.osc_port, liblo.UDP)
    for _ in range(3):  # it is UDP
        client.send("/version")
        for _ in range(25):
            client.server.recv(20)
            if client.received:
                return True
    return False


def tcp_answers(server, address):
    """Does a connection to this address of ours get an answer, or is it closed?"""
    with socket.create_connection((address, server.osc_port), timeout=20 * SLOW) as client:
        try:
            client.sendall(b"\0\0\0\x10/version\0\0\0\0,\0\0\0")
            return bool(client.recv(100))
        except ConnectionError:
            return False


def test_osc_is_taken_from_where_it_may_come(server, address, tmp_path):
    assert server.osc.ask(GAIN) == 0.0
    assert tcp_answers(server, "127.0.0.1")
    assert not osc_answers(server, address) and not tcp_answers(server, address)
    with start(tmp_path, "--listen", "0.0.0.0", "--osc-allow", "203.0.113.0/24", "--osc-allow", f"{address}/30") as open_one:
        assert osc_answers(open_one, address) and tcp_answers(open_one, address)


@pytest.mark.parametrize("option, value", [("--osc-allow", "999.1.1.1"), ("--osc-allow", "10.0.0.0/33"), ("--osc-allow", "10.0.0.0/"),
                                           ("--osc-allow", "host"), ("--cors-origin", "panel.example"),
                                           ("--cors-origin", "http://x/path"), ("--cors-origin", "*")])
def test_options_that_make_no_sense(tmp_path, option, value):
    with pytest.raises(Exception, match=option.strip("-")):
        Foldbackd(tmp_path, option, value)


@pytest.mark.parametrize("host, good", [("localhost", True), ("127.0.0.1:80", True), ("[::1]:7771", True), ("192.168.7.7", True),
                                        ("desk.example:7771", True), (socket.gethostname(), True), ("evil.example", False),
                                        ("127.0.0.1.evil.example", False), ("localhost.evil.example:7771", False), ("[evil", False)])
def test_a_name_that_was_made_to_point_here(server, host, good):
    status, _, body = ask(server, "GET", "/api/stations/1/params", headers={"Host": host})
    assert status == (200 if good else 421), body
    assert params(server, "127.0.0.1", 0.0, Host=host)[0] == (200 if good else 421)

    async def knock():
        async with websockets.connect(f"ws://{host}/", host="127.0.0.1", port=server.http_port):
            return True
    if host.count("[") == host.count("]"):
        try:
            opened = asyncio.run(knock())
        except (websockets.exceptions.InvalidStatusCode, websockets.exceptions.InvalidMessage):
            opened = False
        assert opened == good


@pytest.mark.parametrize("origin, good", [("http://127.0.0.1:{port}", True), ("https://panel.example", True),
                                          ("http://panel.example", False), ("http://127.0.0.1:1", False), ("null", False),
                                          ("https://evil.example", False), ("https://panel.example.evil.example", False)])
def test_a_page_of_elsewhere(server, origin, good):
    origin = origin.format(port=server.http_port)
    host = {"Host": f"127.0.0.1:{server.http_port}"}
    assert params(server, "127.0.0.1", 0.0, Origin=origin, **host)[0] == (200 if good else 403)
    status, headers, _ = ask(server, "GET", GAIN, headers={"Origin": origin, **host})
    invited = origin == "https://panel.example"
    assert status == 200 and headers.get("access-control-allow-origin") == (origin if invited else None)
    status, headers, _ = ask(server, "OPTIONS", "/api/stations/1/params", headers={
        "Origin": origin, "Access-Control-Request-Method": "POST", **host})
    assert status == (204 if good else 403)
    if invited:
        assert "POST" in headers["access-control-allow-methods"] and "content-type" in headers["access-control-allow-headers"]
        assert headers["access-control-allow-origin"] == origin and "*" not in headers.values()

    async def knock():
        async with websockets.connect(f"ws://127.0.0.1:{server.http_port}/", origin=origin):
            return True
    try:
        opened = asyncio.run(knock())
    except (websockets.exceptions.InvalidStatusCode, websockets.exceptions.InvalidMessage):
        opened = False
    assert opened == good


def test_a_form_cannot_write(server):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert ask(server, "POST", "/api/stations/1/params", b'{"gain.gain": -9}', {"Content-Type": kind})[0] == 415
    assert server.get(GAIN + "?VALUE") == {"VALUE": [0.0]}


def test_headers_of_every_answer(server):
    for path in ("/", "/healthz", "/api/nothing", GAIN):
        headers = ask(server, "GET", path)[1]
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] in ("no-store", "no-cache")
        assert "frame-ancestors 'none'" in headers["content-security-policy"] and headers["x-frame-options"].lower() == "deny"


def raw(server, data, source="127.0.0.1"):
    """What comes back for these bytes, until the server says no more."""
    with socket.create_connection(("127.0.0.1", server.http_port), 20 * SLOW, (source, 0)) as s:
        s.settimeout(8 * SLOW)
        s.sendall(data)
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def test_limits_of_size(server):
    close = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert status_of(raw(server, b"GET /" + b"x" * 2000 + close)) == 414
    assert status_of(raw(server, b"GET /?" + b"x" * 2000 + close)) == 414
    assert status_of(raw(server, b"GET /?" + b"x&" * 700 + close)) in (None, 400, 414)
    assert status_of(raw(server, b"GET /" + b"x" * 100_000 + close)) in (None, 400, 414, 431)
    assert status_of(raw(server, b"POST /api/stations/1/params HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                 b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")) == 411
    assert ask(server, "POST", "/api/stations/1/params", b"1" * (2 << 20), {"Content-Type": "application/json"})[0] == 413
    assert server.get("/healthz") == {"status": "ok"}


def test_who_opens_connections_and_says_nothing_keeps_nobody_out(server):
    idle = []
    try:
        for _ in range(300):
            s = socket.create_connection(("127.0.0.1", server.http_port), 5, ("127.0.0.9", 0))
            s.sendall(b"GET / HT")
            idle.append(s)
        assert ask(server, "GET", "/healthz", source="127.0.0.9")[0] == 200
        assert ask(server, "GET", "/healthz")[0] == 200
    finally:
        for s in idle:
            s.close()


@pytest.mark.slow
@pytest.mark.waits
def test_a_head_has_to_come_in_time(server):
    with socket.create_connection(("127.0.0.1", server.http_port)) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        s.settimeout(20 * SLOW)
        assert status_of(s.recv(1000)) == 408 and s.recv(1000) == b""
    with socket.create_connection(("127.0.0.1", server.http_port)) as s:  # as browsers do, to have one at hand
        s.settimeout(20 * SLOW)
        assert s.recv(100) == b""


def test_what_is_no_request_is_turned_away_at_the_door(server):
    """With the reason, as far as that can be told, and counted."""
    refused = server.osc.ask("/server/http/refused")
    for data, code in ((b"\x16\x03\x01\x02\0\r\n\r\n", 400), (b"/version\0\0\0\0,\0\0\0", 400),
                       (b"GET / HTTP/1.1\r\nX: " + b"x" * 8192, 431)):
        answer = raw(server, data)
        assert status_of(answer) == code and json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["code"] == code
    assert server.osc.ask("/server/http/refused") == refused + 3
    # what is cut anywhere is a request all the same
    with socket.create_connection(("127.0.0.1", server.http_port)) as s:
        for piece in (b"\r\nGE", b"T /healthz HTTP/1.1\r\nHost: local", b"host\r\nConnection: close\r\n\r", b"\n"):
            s.sendall(piece)
            time.sleep(0.05)
        s.settimeout(20 * SLOW)
        assert status_of(s.recv(1000)) == 200


def test_who_asks_too_much_is_told_so_and_the_others_are_not(server):
    flood = subprocess.run(["curl", "-s", "-Z", "--parallel-max", "40", "--interface", "127.0.0.8", "-o", "/dev/null", "-w",
                            "%{http_code} %header{retry-after}\\n", server.url("/healthz#[1-20000]")],
                           capture_output=True, text=True, timeout=120 * SLOW)
    codes = set(flood.stdout.split("\n")) - {""}
    assert codes == {"200 ", "429 1"}, codes
    assert ask(server, "GET", "/healthz", source="127.0.0.7")[0] == 200
    wait_for(lambda: ask(server, "GET", "/healthz", source="127.0.0.8")[0] == 200, 10, "being served again")
