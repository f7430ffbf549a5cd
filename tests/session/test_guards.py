# SPDX-License-Identifier: GPL-3.0-or-later
"""What protects those who listen and tells on the guilty: panic, mute, the guard, failed nodes, stations that take too long."""
import calendar
import json
import math
import subprocess
import threading
import time

import pytest

from servers import BUILD, Jackd, wait_for
from taps import CLICK, Take, bend, playing, whole

PATCH = {"name": "guarded", "stages": [{"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "trim"},
                                       {"type": "t_fail", "id": "f"}, {"type": "t_echo", "id": "echo"}]}
FADE = 240  # frames of 5 ms


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guards")
    (folder / "patch.json").write_text(json.dumps(PATCH))
    with playing(folder, "--stations", 3, "--threads", 2, "--patch", folder / "patch.json") as foldbackd:
        time.sleep(1)
        yield foldbackd


def peak(samples):
    return max(map(abs, samples), default=0.0)


def rows(server, address):
    """What the engine itself has written into the audit there, newest first."""
    return [r for r in server.get("/api/audit?limit=100") if r["origin"] == "engine" and r["address"] == address]


def silent_from(samples, first):
    """The first frame after `first` from which on all is silence for a tenth of a second."""
    for at in range(first, len(samples) - 4800):
        if samples[at] == 0.0 and not any(samples[at:at + 4800]):
            return at
    raise AssertionError("it never fell silent")


def ending(samples):
    """How many frames it took from the last that was as loud as ever to silence."""
    quiet = silent_from(samples, 0)
    loud = max(abs(x) for x in samples[:480])
    last = max(i for i in range(quiet) if abs(samples[i]) > 0.9 * loud)
    return quiet - last


def test_panic(server):
    """All stations fall silent within 5 ms and a wave of the tone, without a click, and stay so, though a run is under way and
    an edit fades in; the echo is forgotten."""
    osc = server.osc

    def action():
        osc.send("/server/panic", False)
        for n in (1, 2, 3):
            osc.send(f"/station/{n}/tone/bypass", False)
        osc.sync()
        time.sleep(0.7)
        run = threading.Thread(target=lambda: server.http("POST", "/api/calibration/run",
                                                          {"station": 1, "source": {"live": 1}}))
        run.start()
        osc.send("/station/2/node/fade", 1000.0)
        osc.send("/station/2/node/add", "gain", "more")
        osc.sync()
        with Take(server, 1) as one, Take(server, 2) as two:
            osc.send("/server/panic", True)
            osc.sync()
            one.run(0.4)
            for n in (1, 2, 3):  # a tone bypassed is silence
                osc.send(f"/station/{n}/tone/bypass", True)
            osc.sync()
            one.run(0.1)
            osc.send("/server/panic", False)
            osc.sync()
            one.run(0.5)
            two.run(0.1)
        run.join()
        assert osc.call("/station/2/node/remove", "more") is True
        return one, two

    try:
        one, two = whole(action)
        for take in (one, two):
            assert peak(take.left[:480]) > 0.1
            assert ending(take.left) < FADE + 480
            assert not any(take.left[silent_from(take.left, 0):])  # the echo halves every 100 ms: it would be heard
            assert bend(take.left) < 0.05
    finally:
        osc.send("/server/panic", False)
        for n in (1, 2, 3):
            osc.send(f"/station/{n}/tone/bypass", False)
        osc.sync()
    assert osc.ask("/server/panic") is False
    assert [(r["old"], r["new"]) for r in server.get("/api/audit?limit=100") if r["address"] == "/server/panic"]


def test_guard(server):
    """A slipped fader: the output is held at the ceiling, leaves and audit say so, and it is itself again afterwards."""
    osc = server.osc
    assert osc.ask("/station/1/guard/on") is True and osc.ask("/station/1/guard/ceiling") == 6.0
    assert osc.ask("/station/1/guard/active") is False and osc.ask("/station/1/guard/reduction") == 0.0
    osc.send("/station/1/guard/ceiling", -20.0)
    osc.sync()
    ceiling = 10 ** (-20 / 20)
    wait_for(lambda: osc.ask("/station/1/guard/active") is True, 3, "the guard")
    time.sleep(0.2)
    with Take(server) as take:
        osc.send("/station/1/trim/gain", 12.0)
        osc.sync()
        take.run(0.5)
    assert 0.9 * ceiling < peak(take.left) <= ceiling * 1.000001
    assert osc.ask("/station/1/guard/reduction") > 12.0
    row = wait_for(lambda: rows(server, "/station/1/guard/active"), 5, "its row")[0]
    assert "above the ceiling of -20.0 dB" in row["outcome"]
    osc.send("/station/1/trim/gain", 0.0)
    osc.send("/station/1/guard/ceiling", 6.0)
    osc.sync()
    wait_for(lambda: osc.ask("/station/1/guard/reduction") == 0.0, 5, "the end of the reduction")
    osc.send("/station/1/guard/on", False)
    assert osc.ask("/station/1/guard/on") is False
    osc.send("/station/1/guard/on", True)
    assert server.http("POST", "/api/stations/1/params", {"guard.on": 1})[0] == 404  # no node, and no id for one
    assert "foldback's own" in osc.call("/station/1/node/add", "gain", "guard")


@pytest.mark.parametrize("mode", ["nan", "inf"])
def test_failed_node_is_named(server, mode):
    osc = server.osc
    before = osc.ask("/station/2/out/faults")
    osc.send("/station/2/f/mode", mode)
    osc.sync()
    wait_for(lambda: osc.ask("/station/2/out/faults") > before, 5, "a fault")
    wait_for(lambda: osc.ask("/station/2/out/faulty") == "/station/2/f", 5, "the name")
    osc.send("/station/2/f/mode", "pass")
    osc.sync()
    row = wait_for(lambda: rows(server, "/station/2/f"), 5, "its row")[0]
    assert row["outcome"].startswith("NaN or infinity in ") and row["outcome"].endswith("it was reset, the station went dry")
    assert "/station/2/f (Station 2): NaN or infinity" in server.said()
    assert osc.ask("/station/1/out/faulty") == ""


@pytest.mark.plain  # with sanitizers every station is over its budget
def test_over_budget(server):
    """A node that takes a millisecond a tick, which lasts 0.67: the station is told on by name, once, and the node with it."""
    osc = server.osc
    osc.send("/station/3/cpu/budget", 90.0)
    osc.send("/station/3/f/mode", "nap")
    osc.sync()
    wait_for(lambda: osc.ask("/station/3/cpu/alarm") is True, 10, "the alarm")
    assert osc.ask("/station/3/cpu/over") >= 8
    # the processor's clock is measured against the system's, and no better than a busy machine lets it
    assert osc.ask("/station/3/cpu/worst") > 700.0 and osc.ask("/station/3/cpu/worst_share") > 100.0
    assert osc.ask("/station/3/f/cpu/worst") > 700.0
    wait_for(lambda: osc.ask("/station/3/f/cpu/mean") > osc.ask("/station/3/trim/cpu/mean") > 0.0, 10, "the means")
    row = wait_for(lambda: rows(server, "/station/3/cpu/alarm"), 5, "its row")[0]
    assert "over its budget of 90 %" in row["outcome"] and "most of it f with" in row["outcome"]
    osc.send("/station/3/f/mode", "pass")
    osc.sync()
    wait_for(lambda: osc.ask("/station/3/cpu/alarm") is False, 40, "the end of the alarm")
    assert len(rows(server, "/station/3/cpu/alarm")) <= 4  # told when it begins and when it ends, not period by period
    osc.call("/server/cpu/reset")

    def quick():  # on a busy machine any tick may take long
        osc.call("/server/cpu/reset")
        time.sleep(0.1)
        return osc.ask("/station/3/f/cpu/worst") < 700.0

    wait_for(quick, 20, "a worst time that has been forgotten")


def test_numbers(server):
    """Times and counts are leaves like any other, in OSCQuery too."""
    assert server.osc.ask("/server/threads") == 2
    for leaf in ("/station/1/cpu/mean", "/station/1/cpu/share", "/station/1/echo/cpu/mean", "/station/1/echo/cpu/share"):
        assert 0.0 < server.osc.ask(leaf) < 1e6, leaf
        assert server.get(leaf)["DESCRIPTION"]
    for leaf in ("/server/events/late", "/server/events/worst", "/server/events/lost", "/server/events/replies_late",
                 "/server/taps_lost", "/server/threads/late", "/server/xruns"):
        assert server.osc.ask(leaf) >= 0, leaf


def test_xrun_times(tmp_path):
    """The dummy driver counts an xrun when it falls four periods behind; the leaf tells when."""
    with playing(tmp_path, "--stations", 1, "--patch", _patch(tmp_path, {"stages": [{"type": "t_fail", "id": "f"}]})) as server:
        before = time.time()
        server.osc.send("/station/1/f/mode", "sleep")
        server.osc.sync()
        times = wait_for(lambda: server.osc.ask("/server/xrun/last"), 5, "an xrun")
        server.osc.send("/station/1/f/mode", "pass")
        server.osc.sync()
        newest = times.split(", ")[0].split()[0]
        stamp = time.strptime(newest[:19], "%Y-%m-%dT%H:%M:%S")
        assert before - 2 <= calendar.timegm(stamp) <= time.time() + 1
        assert server.osc.ask("/server/xruns") >= 1


def _patch(folder, patch):
    file = folder / "patch.json"
    file.write_text(json.dumps(patch))
    return file


@pytest.mark.plain  # with sanitizers the sound has gaps; test_crew looks for races
def test_threads_under_jack(tmp_path):
    """With workers made by JACK the station sounds as it should, and each worker sleeps when there is nothing to do."""
    with Jackd("foldback-test-threads") as jack:
        with playing(tmp_path, "--stations", 8, "--threads", 3, "--patch", _patch(tmp_path, PATCH), jack=jack) as server:
            def action():
                with Take(server, 8) as take:
                    take.run(0.5)
                return take
            time.sleep(1)
            take = whole(action)
            assert peak(take.left) > 0.1
            assert bend(take.left) < 2 * peak(take.left) * (1 - math.cos(2 * math.pi * 1000 / 48000)) + CLICK


@pytest.mark.parametrize("n", [0, 33, "two"])
def test_bad_threads(n):
    done = subprocess.run([str(BUILD / "foldbackd"), "--threads", str(n)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f'--threads: "{n}" is no number from 1 to 32' in done.stderr
