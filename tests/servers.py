# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers for tests: jackd, foldbackd, and clients that were not written here (liblo, urllib)."""
import itertools
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import liblo

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FB_BUILD", TOP / "build")).resolve()
SLOW = 5 if "asan" in BUILD.name or "tsan" in BUILD.name else 1  # sanitizers take their time


class ServerError(Exception):
    """The server did not start; carries what it said."""


def wait_for(condition, seconds=5.0, what="the condition"):
    """The first true result of condition(); fails loudly when there is none in time."""
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come in {seconds * SLOW} s")


class Jackd:
    """A JACK server of its own name, on the dummy driver. realtime: with real-time priority, 20 or what it says."""

    def __init__(self, name, rate=48000, period=64, realtime=False, sync=False):
        name = f"{name}-{os.getpid()}"  # other runs of these tests may go on beside
        self.name = name
        self.realtime = realtime
        self.options = ["-S"] if sync else []  # a period waits for clients that are late, instead of going on without them
        self.env = dict(os.environ, JACK_DEFAULT_SERVER=name, JACK_NO_AUDIO_RESERVATION="1", JACK_NO_START_SERVER="1")
        self.start(rate, period)

    def start(self, rate=48000, period=64):
        """Again, after close() or kill()."""
        priority = "20" if self.realtime is True else str(self.realtime)
        self.process = subprocess.Popen(
            ["jackd", "-n", self.name, *(["-R", "-P", priority] if self.realtime else ["-r"]), *self.options, "-d", "dummy",
             "-r", str(rate), "-p", str(period)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)
        wait_for(self.answers, 20, "the JACK server")

    def answers(self):
        try:  # a client that comes while the server starts may wait for ever
            return subprocess.run(["jack_lsp"], env=self.env, capture_output=True, timeout=3).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        """As a crash."""
        self.process.kill()
        self.process.wait()

    def run(self, *command, **kw):
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30, **kw)

    def listing(self, *options):
        """What jack_lsp prints. It may wait for ever where another client comes at the same moment (jackd2 1.9.21): then once more."""
        command = ["jack_lsp", *options]
        for _ in range(3):
            try:
                return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=8).stdout
            except subprocess.TimeoutExpired:
                pass
        return self.run(*command).stdout

    def ports(self):
        return self.listing().split()

    def connections(self, port):
        """The ports that a port is connected to."""
        lines = self.listing("-c", port).splitlines()
        at = lines.index(port) + 1 if port in lines else len(lines)
        return [line.strip() for line in itertools.takewhile(lambda line: line.startswith(" "), lines[at:])]

    def connect(self, a, b):
        done = self.run("jack_connect", a, b)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def playing(self, file, stations=(1,)):
        """These stations of foldback hear a file of two channels, round and round."""
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(file)], env=self.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in self.ports() if p.startswith("jackplay"))[:2], 5, "the player")
            for station in stations:
                for out, side in zip(outs, "LR"):
                    self.connect(out, f"foldback:station_{station}_in_{side}")
            yield
        finally:
            player.kill()
            player.wait()

    def close(self):
        if self.process.poll() is not None:
            # JACK has room for 8 servers, and a killed one gives its place back only by coming again
            self.start()
        self.end()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Foldbackd:
    """foldbackd with a state folder of its own, on free ports."""

    def __init__(self, folder, *options, jack=None):
        self.folder = Path(folder)
        env = dict(jack.env if jack else os.environ, XDG_STATE_HOME=str(self.folder))
        command = [str(BUILD / "foldbackd"), "--osc-port", "0", "--http-port", "0"]
        if not jack:
            command += ["--driver", "dummy"]
        self.errors = open(self.folder / "stderr", "w+")
        self.process = subprocess.Popen(command + [str(o) for o in options], env=env, text=True,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        ready, _, _ = select.select([self.process.stdout], [], [], 15 * SLOW)
        self.ready = self.process.stdout.readline() if ready else ""
        if not self.ready.startswith("ready "):
            self.process.kill()
            code = self.process.wait()
            raise ServerError(f"foldbackd did not get ready (code {code}): {self.ready}{self.said()}")
        self.osc_port = int(re.search(r"osc=(\d+)", self.ready)[1])
        self.http_port = int(re.search(r"http=(\d+)", self.ready)[1])
        self.osc = Osc(self.osc_port)

    def said(self):
        return (self.folder / "stderr").read_text()

    def url(self, path):
        return f"http://127.0.0.1:{self.http_port}{path}"

    def http(self, method, path, body=None, headers=None, raw=False):
        """(status, JSON or bytes). A dict or list goes as JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url(path), data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60 * SLOW) as answer:
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, data = refused.code, refused.read()
        return status, data if raw or not data else json.loads(data)

    def get(self, path):
        status, body = self.http("GET", path)
        assert status == 200, (path, status, body)
        return body

    def post(self, path, body):
        status, answer = self.http("POST", path, body)
        assert status == 200, (path, status, answer)
        return answer

    @property
    def clients(self):
        """Options for foldback and foldback-optimizer."""
        return ["--osc-port", str(self.osc_port), "--http-port", str(self.http_port)]

    def stop(self):
        """End it as an init system would: it must end cleanly."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20 * SLOW)
        assert code == 0, f"foldbackd ended with {code}: {self.said()}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            if failed:
                self.kill()
            else:
                self.stop()
        self.errors.close()


def playing_patch(folder, patch, *options, station=None, **kw):
    """foldbackd with a patch, JSON or what becomes it, on all stations or on one."""
    file = Path(folder) / "patch.json"
    file.write_text(patch if isinstance(patch, str) else json.dumps(patch))
    return Foldbackd(folder, "--patch", f"{station}={file}" if station else file, *options, **kw)


class Osc:
    """An OSC client by liblo: what comes back is a list of (address, values)."""

    def __init__(self, port):
        self.target = liblo.Address("127.0.0.1", port, liblo.UDP)
        self.server = liblo.Server()
        self.server.add_method(None, None, lambda path, values: self.received.append((path, values)))
        self.received = []

    def send(self, address, *values):
        self.server.send(self.target, address, *values)

    def wait(self, address, seconds=2.0):
        """The values of the next message at this address."""
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            for i, (path, values) in enumerate(self.received):
                if path == address:
                    del self.received[i]
                    return values
            self.server.recv(20)
        raise AssertionError(f"nothing came at {address}; received: {self.received}")

    def ask(self, address):
        """Query one value."""
        self.received.clear()
        self.send(address)
        return self.wait(address)[0]

    def sync(self, number=1):
        """Everything sent before has been dealt with."""
        self.send("/sync", ("i", number))
        assert self.wait("/synced") == [number]

    def call(self, address, *values):
        """A command: True when done; the error's reason otherwise."""
        self.received.clear()
        self.send(address, *values)
        end = time.monotonic() + 5 * SLOW
        while time.monotonic() < end:
            self.server.recv(20)
            for path, answer in self.received:
                if path == "/done" or path == address:
                    return True
                if path == "/error":
                    return answer[2]
        raise AssertionError(f"no answer to {address}")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
