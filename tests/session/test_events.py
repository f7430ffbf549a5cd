# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events, read as a browser's EventSource reads them."""
import json
import socket
import time
import urllib.request

import pytest

from servers import SLOW, Foldbackd

GAIN = "/station/1/gain/gain"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    patch = folder / "patch.json"
    patch.write_text(json.dumps({"name": "events", "stages": [{"id": "gain", "type": "gain"}, *({"id": f"eq{i}", "type": "eq"} for i in range(3))]}))
    with Foldbackd(folder, "--stations", 2, "--patch", patch) as foldbackd:
        yield foldbackd


class Events:
    """The stream: each event as (kind, data, id)."""

    def __init__(self, server, query=""):
        self.answer = urllib.request.urlopen(server.url("/api/events" + query), timeout=10 * SLOW)
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        assert self.answer.headers["Cache-Control"] == "no-store"
        self.retry = None

    def next(self):
        fields = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            assert line or fields or self.answer.fp, "the stream ended"
            if line.startswith(":"):
                continue
            if line:
                name, value = line.split(": ", 1)
                fields[name] = value
            elif "retry" in fields:
                self.retry = int(fields.pop("retry"))
            elif fields:
                return fields["event"], json.loads(fields["data"]), int(fields["id"])

    def until(self, kind, test=lambda data: True, seconds=5):
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            got, data, _ = self.next()
            if got == kind and test(data):
                return data
        raise AssertionError(f"no {kind}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()


def test_what_comes(server):
    with Events(server, "?rate=20") as events:
        assert events.until("change", lambda d: d["address"] == GAIN)["value"] == 0.0  # at first every value
        assert events.retry == 2000
        metrics = events.until("metrics", lambda d: d["station"] == 2)
        assert len(metrics["metrics"]) == 55 and set(metrics) == set(server.get("/api/stations/2/metrics")) | {"station"}
        assert "/server/uptime" in events.until("meters", lambda d: "/server/uptime" in d)
        server.osc.send(GAIN, -7.0)
        assert events.until("change", lambda d: d["address"] == GAIN)["value"] == -7.0
        later = events.until("metrics", lambda d: d["station"] == 2)
        assert later["frame_end"] > metrics["frame_end"]


def test_only_the_stations_asked_for(server):
    with Events(server, "?stations=2&rate=50") as events:
        seen, last = set(), 0
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            kind, data, number = events.next()
            assert number == last + 1  # ids without a gap
            last = number
            seen |= {data["station"]} if kind == "metrics" else set()
            places = list(data) if kind == "meters" else [data.get("address", "/station/2/")]
            assert all(place.startswith(("/station/2/", "/server/")) for place in places)
        assert seen == {2}


def test_alarms(server):
    with Events(server, "?rate=50") as events:
        events.until("metrics")
        server.http("PUT", "/api/sessions/x", {})
        kinds = set()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            kind, data, _ = events.next()
            kinds.add(kind)
            busy = kind == "alarm" and data["address"].endswith(("/server/xruns", "/cpu/over", "/cpu/alarm", "/tap/lost"))
            assert kind != "alarm" or busy, data  # a busy machine has some
        assert {"metrics", "meters"} <= kinds


def test_a_wrong_question(server):
    for query in ("?stations=3", "?stations=", "?stations=1,", "?stations=x", "?rate=0", "?rate=51", "?rate=x", "?x=1"):
        assert server.http("GET", "/api/events" + query)[0] == 400, query
    status, body = server.http("HEAD", "/api/events", raw=True)
    assert status == 200 and not body


def test_a_client_that_does_not_read(server):
    """It is behind, it holds nobody up, and when it reads again it has the latest value soon."""
    gains = [name for name in server.get("/api/stations/1/params") if name.startswith("eq") and name.endswith("_gain")]
    assert len(gains) >= 15
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.http_port))
        slow.sendall(b"GET /api/events?rate=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with Events(server, "?rate=50") as quick:
            for i in range(1, 120):
                server.post("/api/stations/1/params", {**dict.fromkeys(gains, i / 16), "gain.gain": -i / 16})
                assert quick.until("change", lambda d: d["address"] == GAIN and d["value"] == -i / 16)
        got, wanted = b"", b'"address":"/station/1/gain/gain","value":-7.4375}'
        slow.settimeout(10 * SLOW)
        while wanted not in got:
            piece = slow.recv(65536)
            assert piece, "the stream ended"
            got += piece
        assert got.count(b"/station/1/gain/gain") < 100


def test_those_who_leave_are_forgotten(server):
    for _ in range(100):  # more than may listen at once
        Events(server).answer.close()
        time.sleep(0.01)
    with Events(server) as events:
        events.until("metrics")
