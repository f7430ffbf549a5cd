# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of change at once, from several clients, for some seconds: under the thread sanitizer this is where a race
would show. Afterwards nothing is lost, the tree and the patches agree, and the sound goes on."""
import asyncio
import json
import random
import threading
import time
import traceback

import websockets

from servers import SLOW, Osc
from taps import Take, bend, playing, whole

SECONDS = 4
STATIONS = 4
PATCH = {"name": "storm", "stages": [{"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "gain"},
                                     {"type": "comp", "id": "comp"}, {"type": "limiter", "id": "limiter"}]}
TYPES = ["gain", "eq", "comp", "gate", "delay", "limiter", "reverb", "chorus", "t_delay", "t_echo", "t_refuse", "t_fail"]


class Client(threading.Thread):
    """One of those who storm: `work(rng)` again and again, until the time is up. What it raises fails the test."""

    def __init__(self, seed, work):
        super().__init__(daemon=True)
        self.rng, self.work, self.done, self.error = random.Random(seed), work, 0, None

    def run(self):
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                self.work(self.rng)
                self.done += 1
        except Exception:
            self.error = traceback.format_exc()


def synced(osc):
    """What was sent before has been dealt with; errors beyond what is answered are counted, and no matter here."""
    osc.send("/sync", ("i", 1))
    osc.wait("/synced", 20)


def nodes(server, station):
    return [stage["id"] for stage in server.get(f"/api/stations/{station}/patch")["stages"]]


def edits(server):
    """Topology by OSC: what is refused is refused."""
    osc, serial = Osc(server.osc_port), iter(range(10 ** 9))

    def work(rng):
        station = rng.randint(1, STATIONS)
        ids = [i for i in nodes(server, station) if i != "tone"] or ["none"]
        base = f"/station/{station}/node/"
        kind = rng.randrange(7)
        if kind < 2 and len(ids) < 12:
            osc.send(base + "add", rng.choice(TYPES), f"n{next(serial)}", rng.choice(ids))
        elif kind == 2:
            osc.send(base + "remove", rng.choice(ids))
        elif kind == 3:
            osc.send(base + "move", rng.choice(ids), rng.choice(ids))
        elif kind == 4:
            osc.send(base + "replace", rng.choice(ids), rng.choice(TYPES))
        elif kind == 5:
            osc.send(base + "connect", rng.choice(ids), rng.choice(ids + ["out"]), rng.uniform(-0.5, 0.5))
        else:
            osc.send(base + "disconnect", rng.choice(ids), rng.choice(ids + ["out"]))
        synced(osc)
    return work


def sets(server):
    """Values, bypasses and switches, in bundles and one by one."""
    osc = Osc(server.osc_port)

    def work(rng):
        station = rng.randint(1, STATIONS)
        params = list(server.get(f"/api/stations/{station}/params").items())
        for _ in range(50):
            key, value = rng.choice(params)
            if key.startswith("t_fail") or key.startswith("tone"):
                continue
            address = f"/station/{station}/" + key.replace(".", "/")
            if isinstance(value, bool):
                osc.send(address, rng.random() < 0.5)
            elif isinstance(value, float):
                osc.send("/norm" + address, rng.random())
            elif isinstance(value, int):
                osc.send(address, rng.randrange(8))
        for leaf in ("mute", "mono"):
            osc.send(f"/station/{station}/{leaf}", rng.random() < 0.5)
        osc.send(f"/station/{station}/mode", rng.choice(["auto", "manual", "bypass"]))
        synced(osc)
    return work


def history(server):
    osc = Osc(server.osc_port)

    def work(rng):
        osc.send(f"/station/{rng.randint(1, STATIONS)}/{rng.choice(['undo', 'undo', 'redo'])}")
        osc.send(f"/station/{rng.randint(1, STATIONS)}/node/fade", rng.choice([0.0, 5.0, 20.0, 200.0]))
        synced(osc)
        time.sleep(0.01)
    return work


def scenes(server):
    osc = Osc(server.osc_port)

    def work(rng):
        name = f"scene {rng.randrange(4)}"
        osc.send("/scene/save" if rng.random() < 0.3 else "/scene/load", name)
        osc.send("/scene/load", name, rng.choice([0.0, 0.02, 0.2]), rng.randint(1, STATIONS))
        if rng.random() < 0.1:
            osc.send("/scene/delete", name)
        synced(osc)
        time.sleep(0.02)
    return work


def loads(server):
    """Whole patches and lists of edits, over HTTP."""
    def work(rng):
        station = rng.randint(1, STATIONS)
        stages = PATCH["stages"] + [{"type": t, "id": f"x_{t}"} for t in rng.sample(TYPES, 3)]
        assert server.http("PUT", f"/api/stations/{station}/patch", {**PATCH, "stages": stages})[0] == 200
        status, _ = server.http("POST", f"/api/stations/{station}/edit", {"edits": [
            {"op": "add", "type": "eq", "id": "list", "parameters": {"b1_on": True}}, {"op": "move", "id": "tone"}]})
        assert status in (200, 400, 404, 409)  # what it edits is edited by others too
    return work


def calibration(server):
    def work(rng):
        status, answer = server.http("POST", "/api/calibration/audition", {
            "station": rng.randint(1, STATIONS), "source": {"live": 0.1}, "candidates": [{}, {}]})
        # a station may just hold a value that its node is about to refuse
        assert status in (200, 429, 503) or status == 400 and "t_refuse cannot work" in answer["error"]["message"], answer
    return work


def taps(server):
    """Comes and goes."""
    async def listen(rng):
        url = f"ws://127.0.0.1:{server.http_port}/api/stations/{rng.randint(1, STATIONS)}/audio-tap"
        async with websockets.connect(url, max_size=None) as tap:
            for _ in range(rng.randint(1, 20)):
                await asyncio.wait_for(tap.recv(), 20)
    return lambda rng: asyncio.run(listen(rng))


def readers(server):
    osc = Osc(server.osc_port)

    def work(rng):
        osc.send("/subscribe", rng.choice(["/station/1", "/station/*/mute", "/scene", "/server", "/station/*/*/meter/*"]), 50)
        osc.send("/station/*/*/bypass")
        synced(osc)
        osc.received.clear()
        for path in ("/api/scenes", "/api/audit?limit=20", "/station/2", "/api/stations/3/metrics"):
            server.get(path)
    return work


def check_agreement(server):
    """The tree has the nodes and values of the patches, and no others."""
    for station in range(1, STATIONS + 1):
        params = server.get(f"/api/stations/{station}/params")
        tree = server.get(f"/station/{station}")["CONTENTS"]
        assert {key.split(".")[0] for key in params} == {
            name for name, place in tree.items() if "bypass" in place.get("CONTENTS", {})}
        for key, value in params.items():
            node, leaf = key.split(".")
            (shown,) = tree[node]["CONTENTS"][leaf]["VALUE"]
            assert shown == value or abs(shown - value) < 1e-5 * max(1, abs(value)), key


def test_every_kind_of_change_at_once(tmp_path):
    (tmp_path / "patch.json").write_text(json.dumps(PATCH))
    with playing(tmp_path, "--stations", STATIONS, "--patch", tmp_path / "patch.json") as server:
        for i in range(4):
            assert server.osc.call("/scene/save", f"scene {i}") is True
        crowd = [Client(i, kind(server)) for i, kind in enumerate(
            [edits, edits, sets, sets, history, scenes, loads, calibration, taps, readers])]
        for client in crowd:
            client.start()
        for client in crowd:
            client.join(SECONDS + 60 * SLOW)
            assert not client.is_alive() and client.error is None, client.error
            assert client.done > 1
        time.sleep(0.5)  # what fades and turns yet
        check_agreement(server)
        for leaf in ("events/lost", "audit/lost"):
            assert server.osc.ask(f"/server/{leaf}") == 0
        # and it plays: from the first patch again, the tone at its level, without a click
        assert server.http("PUT", "/api/stations/1/patch", {"name": "plain", "stages": PATCH["stages"][:2]})[0] == 200
        for leaf, value in (("mute", False), ("mono", False), ("mode", "manual"), ("node/fade", 20.0)):
            server.osc.send(f"/station/1/{leaf}", value)
        assert server.osc.call("/station/1/node/replace", "gain", "gain") is True
        time.sleep(0.5)

        def once():
            with Take(server) as take:
                take.run(0.2)
            return take
        take = whole(once)
        assert abs(max(take.left) - 0.25) < 1e-4 and bend(take.left) < 5e-5
