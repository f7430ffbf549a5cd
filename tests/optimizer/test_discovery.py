# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback-optimizer --osc: a station learnt by OSC alone is the same station."""
import random
import re
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers import SLOW
from tuning import Optimizer


class Door:
    """Stands before a server's HTTP port: lets through what is asked, but for OSCQuery."""

    def __init__(self, server):
        self.refused = refused = []

        class Handler(BaseHTTPRequestHandler):
            def forward(self):
                if not self.path.startswith("/api/"):
                    refused.append(self.path)
                    return self.answer(404, b'{"error": {"code": 404, "message": "no OSCQuery here", "address": ""}}')
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                headers = {"Content-Type": self.headers["Content-Type"]} if body else {}
                request = urllib.request.Request(server.url(self.path), data=body, method=self.command, headers=headers)
                try:
                    with urllib.request.urlopen(request, timeout=60 * SLOW) as answer:
                        self.answer(answer.status, answer.read())
                except urllib.error.HTTPError as error:
                    self.answer(error.code, error.read())

            def answer(self, code, body):
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

            do_GET = do_POST = do_PUT = forward

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.httpd.server_port
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()


class Lossy:
    """Stands before a server's OSC port and loses a question (with its /sync in a bundle), then an answer, then the /synced
    behind another; or a share of everything."""
    LOSES = {b"#bundle": 20, b"/describe": 40, b"/synced": 60}

    def __init__(self, server, share=0.0):
        self.seen, self.lost = Counter(), 0
        self.share, self.dice = share, random.Random(1)
        self.near, self.far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.near.bind(("127.0.0.1", 0))
        self.far.connect(("127.0.0.1", server.osc_port))
        self.port = self.near.getsockname()[1]
        self.client, self.lock = None, threading.Lock()
        for run in self.to_server, self.to_client:
            threading.Thread(target=run, daemon=True).start()

    def loses(self, data):
        kind = data[:data.index(b"\0")]
        with self.lock:
            self.seen[kind] += 1
            lost = self.dice.random() < self.share if self.share else self.seen[kind] == self.LOSES.get(kind)
            self.lost += lost
            return lost

    def to_server(self):
        while True:
            data, self.client = self.near.recvfrom(65536)
            if not data:
                return
            if not self.loses(data):
                self.far.send(data)

    def to_client(self):
        while True:
            try:
                data = self.far.recv(65536)
            except OSError:
                return
            if not data:
                return
            if not self.loses(data):
                self.near.sendto(data, self.client)

    def close(self):
        self.far.shutdown(socket.SHUT_RDWR)
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", self.port))


@pytest.fixture
def door(server):
    made = Door(server)
    yield made
    made.close()


def without_times(result):
    """What must be the same of two sessions."""
    drop = ("session", "seconds", "proposal")
    return {**{name: value for name, value in result.items() if name not in drop},
            "rounds": [{name: value for name, value in one.items() if name != "seconds"} for one in result["rounds"]]}


def test_same_station_same_session(server, optimizer, door):
    """The same rounds, changes and scores to the last bit; and nothing of the tree came by HTTP."""
    options = ["--sample", "all.wav", "--auditions", 40, "--seed", 3]
    by_http = optimizer.json(*options)
    by_osc = optimizer.json(*options, "--osc", "--http-port", door.port)
    assert without_times(by_osc) == without_times(by_http) and by_osc["changes"]
    assert door.refused == []
    assert "/station/1: the server has no such station" in optimizer.fails(*options, "--http-port", door.port)
    assert door.refused == ["/station/1"]


def test_same_knowledge(optimizer, door):
    """All that a model would be told (ranges, units, choices, documentation, metrics' names) is the same."""
    def told(*options):
        done = optimizer.run("--sample", "level.wav", "--engine", "llm", "--model", "m", "--dry-run", *options)
        assert (done.returncode, done.stderr) == (0, "")
        return re.sub(r"\d{4}(-\d+){7}", "RUN", done.stdout)
    by_http = told()
    assert told("--osc", "--http-port", door.port) == by_http
    assert "threshold" in by_http and "RUN" in by_http and len(by_http) > 10000


def test_lost_datagrams(server, optimizer):
    """One of every kind. Each costs 0.15 s at most, and nothing else."""
    relay = Lossy(server)
    options = ["--sample", "level.wav", "--auditions", 3]
    try:
        lossy = optimizer.json(*options, "--osc", "--osc-port", relay.port)
    finally:
        relay.close()
    assert without_times(lossy) == without_times(optimizer.json(*options))
    assert all(relay.seen[kind] > number for kind, number in relay.LOSES.items())


@pytest.mark.waits
def test_a_bad_line(server, optimizer):
    """A tenth of all datagrams lost, either way: each costs 0.15 s, and nothing else."""
    relay = Lossy(server, share=0.1)
    options = ["--sample", "level.wav", "--auditions", 3]
    try:
        lossy = optimizer.json(*options, "--osc", "--osc-port", relay.port)
    finally:
        relay.close()
    assert relay.lost > 20 and without_times(lossy) == without_times(optimizer.json(*options))


def test_all_stations(server, door):
    """How many there are is learnt by OSC too."""
    results = Optimizer(server, "all").json("--sample", "level.wav", "--auditions", 2, "--osc", "--http-port", door.port)
    assert [one["station"] for one in results] == [1, 2] and door.refused == []


def test_no_answer(optimizer):
    """A port that takes everything and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        said = optimizer.fails("--sample", "level.wav", "--osc", "--osc-port", port)
    assert said == f"foldback-optimizer: 127.0.0.1 port {port}: no answer; is foldbackd running there?\n"


def test_no_station(server):
    assert "/station/9: the server has no such station" in Optimizer(server, 9).fails("--sample", "level.wav", "--osc")
