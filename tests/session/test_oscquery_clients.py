# SPDX-License-Identifier: GPL-3.0-or-later
"""OSCQuery over HTTP as its clients need it: npm's oscquery and ws, curl, and plain sockets for what the wire looks like."""
import json
import socket
import subprocess

import pytest

from servers import SLOW, Foldbackd

GAIN = "/station/1/gain/gain"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    patch = folder / "patch.json"
    patch.write_text(json.dumps({"name": "clients", "stages": [{"id": "gain", "type": "gain"}, {"id": "comp", "type": "comp"}]}))
    with Foldbackd(folder, "--stations", 1, "--patch", patch) as foldbackd:
        yield foldbackd


def leaves(node):
    if "TYPE" in node:
        yield node
    for child in node.get("CONTENTS", {}).values():
        yield from leaves(child)


def test_npm_oscquery_reads_the_whole_tree(server, node):
    read = node("oscquery_tree.js", str(server.http_port), seconds=60)
    ours = {leaf["FULL_PATH"]: leaf for leaf in leaves(server.get("/"))}
    assert read["host"]["name"] == "foldback" and read["host"]["oscPort"] == server.osc_port
    assert set(read["methods"]) >= set(ours) and len(ours) > 150
    gain = read["methods"][GAIN]
    assert gain["access"] == 3 and gain["type"] == ["f"] and gain["value"] == [0.0]
    assert gain["range"][0] == {"min": ours[GAIN]["RANGE"][0]["MIN"], "max": ours[GAIN]["RANGE"][0]["MAX"]}


def test_npm_ws_and_osc_hear_what_was_applied(server, node):
    heard = node("ws_listen.js", str(server.http_port), GAIN, "999")
    assert heard == [0, server.get(GAIN)["RANGE"][0]["MAX"]]
    server.post("/api/stations/1/params", {"gain.gain": 0.0})


def curl(server, path, *options):
    done = subprocess.run(["curl", "-s", "-i", "--max-time", str(10 * SLOW), *options, server.url(path)], capture_output=True)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


@pytest.mark.parametrize("path, status", [
    ("/", 200), (GAIN, 200), (GAIN + "?VALUE", 200), ("/station/1?TYPE", 200), ("/nowhere?HOST_INFO", 200), ("/station/1/undo", 200),
    ("/station/1/undo?VALUE", 204), ("/station/1?VALUE", 204), (GAIN + "?HTML", 400), ("/?HTML", 400),
    (GAIN + "?NONSENSE", 400), (GAIN + "?value", 400), ("/station/1/nowhere", 404), ("/nowhere?VALUE", 404)])
def test_statuses(server, path, status):
    code, headers, body = curl(server, path)
    assert code == status and "transfer-encoding" not in headers
    if status != 204:
        assert headers["content-type"] == "application/json" and int(headers["content-length"]) == len(body.encode())
        assert ("error" in json.loads(body)) == (status >= 400)


def test_what_is_not_listed_is_an_error_that_names_it(server):
    """The proposal: 400 tells a client that a query is not supported. HTML is one of those that a server may leave out."""
    assert "HTML" not in server.get("/?HOST_INFO")["EXTENSIONS"]
    assert server.http("GET", "/?HTML") == (400, {"error": {"code": 400, "message": "no such attribute: HTML", "address": "/"}})


def test_connection_close_is_honoured(server):
    """As libossia asks: it reads to the end of the stream."""
    with socket.create_connection(("127.0.0.1", server.http_port)) as s:
        s.settimeout(10 * SLOW)
        s.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := s.recv(65536):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"200" in head.split(b"\r\n")[0] and b"chunked" not in head.lower()
    assert json.loads(body)["FULL_PATH"] == "/"


def test_a_connection_serves_many(server):
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{num_connects} "] +
                          [word for _ in range(5) for word in (server.url(GAIN), "-o", "/dev/null")], capture_output=True, text=True)
    assert sum(map(int, done.stdout.split())) == 1, done.stdout


def test_head(server):
    code, headers, body = curl(server, GAIN, "--head")
    assert code == 200 and not body and int(headers["content-length"]) > 100


def test_etag(server):
    code, headers, body = curl(server, GAIN)
    tag = headers["etag"]
    assert code == 200 and curl(server, GAIN)[1]["etag"] == tag
    code, headers, body = curl(server, GAIN, "-H", f"If-None-Match: {tag}")
    assert code == 304 and not body and headers["etag"] == tag
    server.post("/api/stations/1/params", {"gain.gain": -1.5})
    code, headers, body = curl(server, GAIN, "-H", f"If-None-Match: {tag}")
    assert code == 200 and headers["etag"] != tag and json.loads(body)["VALUE"] == [-1.5]
    server.post("/api/stations/1/params", {"gain.gain": 0.0})


def test_a_browser_gets_a_page_and_a_client_the_tree(server):
    code, headers, body = curl(server, "/", "-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
    assert code == 200 and headers["content-type"].startswith("text/html") and "<title>foldback</title>" in body
    for link in ("/api/openapi.json", "/metrics", "/healthz", "/?HOST_INFO"):
        assert f'href="{link}"' in body and server.http("GET", link, raw=True)[0] == 200
    assert json.loads(curl(server, "/", "-H", "Accept: */*")[2])["FULL_PATH"] == "/"


def test_attributes_keep_to_the_rules(server):
    """Those that clients stumble over: empty or short ranges, whole floats, units on whole numbers, doubled names."""
    text = subprocess.run(["curl", "-s", server.url("/")], capture_output=True, text=True).stdout
    count = 0
    for leaf in leaves(json.loads(text)):
        count += 1
        n = len([tag for tag in leaf["TYPE"] if tag not in "[]"])
        for name in ("RANGE", "VALUE", "CLIPMODE", "DEFAULT_VALUE"):
            assert name not in leaf or len(leaf[name]) == n, (leaf["FULL_PATH"], name)
        if leaf["TYPE"] == "f":
            assert all(isinstance(value, float) for value in leaf.get("VALUE", []) + leaf.get("STEP_SIZE", []))
        if leaf["TYPE"] == "i":
            assert not any(unit.startswith(("gain.", "time.")) for unit in leaf.get("UNIT", []))
        for name in ("UNIT", "EXTENDED_TYPE", "TAGS", "OVERLOADS"):
            assert name not in leaf or (isinstance(leaf[name], list) and leaf[name]), (leaf["FULL_PATH"], name)
    assert count > 150


def test_presets(server):
    presets = {preset["id"]: preset for preset in server.get("/api/presets")}
    assert presets["speech_live"]["name"] and presets["speech_live"]["role"] == "station"
    server.osc.send("/station/1/patch", "speech_live")
    server.osc.sync()
    assert server.get("/station/1/patch?VALUE") == {"VALUE": [presets["speech_live"]["name"]]}
    server.osc.call("/station/1/undo")
