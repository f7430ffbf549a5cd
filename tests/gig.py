# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole gig on a real JACK server: 16 stations with the full chain at 64 frames, music into all of them, a thousand sets a
second, scenes that change, four listeners, a calibration that auditions. Beside it, in the same minutes, two more JACK servers:
one with an empty client, one with a client that does nothing for as long as foldback computes. What those suffer is the
machine's doing."""
import asyncio
import contextlib
import json
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import websockets

from servers import BUILD, TOP, Foldbackd, Jackd, Osc, wait_for

sys.path.insert(0, str(TOP / "tests" / "bench"))
import osc as packets  # noqa: E402

STATIONS, SETS_PER_S, TAPS = 16, 1000, 4
RECALLS_S, MORPH_S = 2.0, 0.8
HEAP_S = 3.0  # between two looks at it
WARM_RECALLS = 110  # more than undo remembers, so that its memory is all there when the heap is first read


def realtime():
    """May programs of ours run with real-time priority?"""
    return shutil.which("chrt") and subprocess.run(["chrt", "-f", "5", "true"], capture_output=True).returncode == 0


class Work(threading.Thread):
    """One part of the gig, in a thread of its own; what it raises ends the gig."""

    def __init__(self, gig, work):
        super().__init__(daemon=True)
        self.gig, self.work = gig, work

    def run(self):
        try:
            self.work()
        except Exception:
            self.gig.errors.append(f"{self.work.__name__}: {traceback.format_exc()}")
            self.gig.over.set()


class Player:
    """Plays a file round and round into these ports, left and right in turn."""

    def __init__(self, jack, sound, ports):
        self.process = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(sound)], env=jack.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        outs = wait_for(lambda: [p for p in sorted(jack.ports()) if p.startswith("jackplay")][1:] and
                        sorted(p for p in jack.ports() if p.startswith("jackplay")), 10, "the player")
        for i, port in enumerate(ports):
            jack.connect(outs[i % 2], port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Idle:
    """A client that does nothing, on a server of its own, in the same line of players and clients; counts from begin() on."""

    def __init__(self, jack, sound):
        self.jack, self.sound, self.process, self.player = jack, sound, None, None

    def begin(self, percent=0):
        """`percent`: how much of each period it takes for that."""
        self.process = subprocess.Popen([str(BUILD / "tests" / "bench" / "idle_jack"), str(percent)], env=self.jack.env,
                                        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == "ready\n"
        self.player = Player(self.jack, self.sound, ["idle:in_L", "idle:in_R"])

    def end(self):
        self.player.__exit__()
        self.process.terminate()
        return int(self.process.communicate(timeout=10)[0])


class Gig:
    """`result` holds what was counted."""

    def __init__(self, folder, seconds, sound, progress=lambda text: None, threads=1):
        self.folder, self.seconds, self.sound, self.progress = Path(folder), seconds, sound, progress
        self.threads = threads
        self.over, self.errors = threading.Event(), []
        self.turnstile, self.auditioning = threading.Lock(), threading.Lock()
        self.result = {"seconds": seconds, "realtime": bool(realtime()), "sets": 0, "recalls": 0, "auditions": 0,
                       "tap_frames": 0, "tap_gaps": 0, "captures_lost": 0}

    def play(self):
        chain = json.loads((TOP / "tests" / "bench" / "chain.json").read_text())
        (self.folder / "chain.json").write_text(json.dumps(chain))
        options = {"realtime": self.result["realtime"]}
        with Jackd("foldback-gig-idle", **options) as quiet, Jackd("foldback-gig-busy", **options) as busy, \
                Jackd("foldback-gig", **options) as jack:
            ports = [f"foldback:station_{n}_in_{side}" for n in range(1, STATIONS + 1) for side in "LR"]
            with Foldbackd(self.folder, "--stations", STATIONS, "--threads", self.threads, "--patch", self.folder / "chain.json",
                           jack=jack) as self.server, Player(jack, self.sound, ports):
                self._prepare(chain)
                self._go_on(Idle(quiet, self.sound), Idle(busy, self.sound))
        return self.result

    def _prepare(self, chain):
        """Three scenes: the chain, other values, and another order with a node more."""
        call = self.server.osc.call
        assert call("/scene/save", "first") is True
        for station in range(1, STATIONS + 1):
            self.server.osc.send(f"/station/{station}/comp/threshold", -35.0)
            self.server.osc.send(f"/station/{station}/chorus/bypass", True)
        assert call("/scene/save", "second") is True
        stages = chain["stages"][:2] + [{"id": "more", "type": "eq"}] + chain["stages"][:1:-1]
        for station in range(1, STATIONS + 1):
            assert self.server.http("PUT", f"/api/stations/{station}/patch", {**chain, "stages": stages})[0] == 200
        assert call("/scene/save", "third") is True
        for i in range(WARM_RECALLS):
            assert call("/scene/load", ("first", "second")[i % 2], 0.0) is True
        time.sleep(2)

    def _sets(self):
        """Addresses that all scenes have, with a packet for each of two values."""
        found = []
        for address, value in self.server.get("/api/stations/1/params").items():
            leaf = self.server.get("/station/1/" + address.replace(".", "/"))
            if leaf["TYPE"] == "f" and address.split(".")[1] != "lookahead":
                low, high = leaf["RANGE"][0]["MIN"], leaf["RANGE"][0]["MAX"]
                found += [(f"/station/{n}/" + address.replace(".", "/"), low + 0.4 * (high - low), low + 0.5 * (high - low))
                          for n in range(1, STATIONS + 1)]
        return found

    def _count(self):
        ask = self.server.osc.ask
        return {leaf: ask(f"/server/{leaf}") for leaf in
                ("xruns", "events/lost", "events/late", "events/orphan", "taps_lost", "audit/lost", "threads/late")}

    def _go_on(self, idle, busy):
        self.leaves = self._sets()
        works = [Work(self, work) for work in [self._set, self._recall, self._audition, self._listen]]
        began = time.monotonic()
        for work in works:
            work.start()
        first = None
        loads, heaps = [], []
        while not self.over.wait(0.5):
            passed = time.monotonic() - began
            self.progress(f"gig: {passed:.0f} of {self.seconds:.0f} s")
            if first is None and passed > min(10.0, self.seconds / 4):  # each kind of work has begun
                idle.begin()
                busy.begin(statistics.median(loads))
                first, first_s, loads = self._count(), passed, []
            loads.append(self.server.osc.ask("/server/dsp_load"))
            if first and passed - first_s > len(heaps) * HEAP_S:
                with self.turnstile, self.auditioning:  # the second of sound that one captures is 0.4 MB
                    heaps.append(self.server.osc.ask("/server/heap") / 1e6)
            if passed > self.seconds:
                self.over.set()
        for work in works:
            work.join(60)
        last, idle_xruns, busy_xruns = self._count(), idle.end(), busy.end()
        assert not self.errors, self.errors[0]
        third = len(heaps) // 3
        self.result |= {key: last[key] - first[key] for key in last} | {
            "idle_xruns": idle_xruns, "busy_xruns": busy_xruns, "heap_mb": min(heaps), "heap_growth_mb": min(heaps[-third:]) - min(heaps[:third]),
            "watched_s": time.monotonic() - began - first_s, "load_mean": sum(loads) / len(loads), "load_worst": max(loads),
            "kernel_lost": self._lost_by_kernel(), "unset": self._last_sets()}

    def _lost_by_kernel(self):
        """Datagrams for which the server's socket had no room."""
        with open("/proc/net/udp", encoding="ascii") as table:
            return sum(int(line.split()[-1]) for line in table if line.split()[1].endswith(f":{self.server.osc_port:04X}"))

    def _last_sets(self):
        """How many leaves do not have what they are set to last."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for i, (address, low, _) in enumerate(self.leaves):
            sock.sendto(packets.message(address, float(low)), ("127.0.0.1", self.server.osc_port))
            if i % 20 == 19:
                time.sleep(0.02)
        self.server.osc.sync()
        params = [self.server.get(f"/api/stations/{n}/params") for n in range(1, STATIONS + 1)]
        wrong = 0
        for address, low, _ in self.leaves:
            _, _, station, node, leaf = address.split("/")
            wrong += abs(params[int(station) - 1][f"{node}.{leaf}"] - low) > 1e-4 * max(abs(low), 1)
        return wrong

    # --- the work

    def _set(self):
        """Ten every 10 ms; what the machine makes late is made up for."""
        target = ("127.0.0.1", self.server.osc_port)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ready = [[packets.message(address, float(value)) for value in values] for address, *values in self.leaves]
        began = time.monotonic()
        while not self.over.is_set():
            due = int((time.monotonic() - began) * SETS_PER_S)
            while self.result["sets"] < due:
                i = self.result["sets"]
                sock.sendto(ready[i % len(ready)][i // len(ready) % 2], target)
                self.result["sets"] += 1
            time.sleep(0.01)

    def _recall(self):
        osc = Osc(self.server.osc_port)
        while not self.over.wait(RECALLS_S):
            name = ("first", "second", "third")[self.result["recalls"] % 3]
            answer = osc.call("/scene/load", name, MORPH_S)
            assert answer is True, answer
            self.result["recalls"] += 1

    def _audition(self):
        while not self.over.is_set():
            with self.turnstile:  # who wants to know the heap comes first
                self.auditioning.acquire()
            with contextlib.ExitStack() as stack:
                stack.callback(self.auditioning.release)
                status, answer = self.server.http("POST", "/api/calibration/audition", {
                    "station": 1 + self.result["auditions"] % STATIONS, "source": {"live": 1.0},
                    "candidates": [{"comp.threshold": -10.0 - i} for i in range(4)]})
            assert status in (200, 503), answer
            self.result["auditions"] += 4
            self.result["captures_lost"] += status == 503  # a live stretch is whole, or it is refused

    def _listen(self):
        asyncio.run(self._listen_to_all())

    async def _listen_to_all(self):
        await asyncio.gather(*(self._listen_to(1 + i, "in" if i % 2 else "out") for i in range(TAPS)))

    async def _listen_to(self, station, point):
        url = f"ws://127.0.0.1:{self.server.http_port}/api/stations/{station}/audio-tap?point={point}"
        async with websockets.connect(url, max_size=None, max_queue=None) as tap:
            await asyncio.wait_for(tap.recv(), 10)
            due = None
            while not self.over.is_set():
                packet = await asyncio.wait_for(tap.recv(), 10)
                (frame,) = struct.unpack_from("<Q", packet)
                frames = (len(packet) - 8) // 8
                self.result["tap_gaps"] += due is not None and frame != due
                self.result["tap_frames"] += frames
                due = frame + frames
