# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong at a station is counted at that station: samples that are none, ticks that nobody measured."""
import ctypes
import math
import os
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import wavs
from servers import SLOW, Foldbackd, Jackd, wait_for

COUNTS = ["in/bad_samples", "out/bad_samples", "out/faults", "tap/lost"]


@pytest.fixture(scope="module")
def jack():
    with Jackd("foldback-test-counts") as server:
        yield server


@pytest.fixture(scope="module")
def server(jack, tmp_path_factory):
    with Foldbackd(tmp_path_factory.mktemp("counts"), "--stations", 2, jack=jack) as foldbackd:
        yield foldbackd


def counts(server, station):
    return [server.osc.ask(f"/station/{station}/{leaf}") for leaf in COUNTS]


def wrong(server, station):
    """All of them but, with sanitizers, what was lost: the meters may then be too slow for a busy machine."""
    told = counts(server, station)
    return told if SLOW == 1 else [*told[:3], 0]


def test_nothing_is_wrong_at_first(server):
    assert wrong(server, 1) == wrong(server, 2) == [0, 0, 0, 0]
    leaf = server.get("/station/1/in/bad_samples")
    assert leaf["ACCESS"] == 1 and leaf["TYPE"] == "i" and leaf["DESCRIPTION"] == "Bad input samples"


def test_bad_samples_in(server, jack, tmp_path):
    """NaN on the left, infinity on the right, 300 of them in a second of sine: they are counted where they came in, told
    to whoever subscribed, and the metrics are of a sine with holes: finite, and valid."""
    sine = [0.25 * math.sin(2 * math.pi * 1000 * i / 48000) for i in range(48000)]
    left, right = list(sine), list(sine)
    left[::480] = [math.nan] * 100
    right[7::480] = [math.inf] * 100
    right[9::480] = [-math.inf] * 100
    server.osc.send("/subscribe", "/station/1/in/bad_samples")
    server.osc.wait("/station/1/in/bad_samples")
    with jack.playing(wavs.write(tmp_path / "bad.wav", [left, right])):
        told = server.osc.wait("/station/1/in/bad_samples", 5)[0]
        wait_for(lambda: server.osc.ask("/station/1/in/bad_samples") > max(told, 900), 10, "four seconds of bad samples")
        metrics = server.get("/api/stations/1/metrics")
        assert all(math.isfinite(value) for value in metrics["metrics"].values()) and "rms" not in metrics["invalid"]
        assert metrics["metrics"]["rms"] == pytest.approx(-15.05, abs=0.3)
    server.osc.send("/unsubscribe")
    after = wrong(server, 1)
    # whatever stretch was heard: 3 in every 480 frames, at most 3 at each end of it, and a tick holds at most 3 of them
    ticks = server.osc.ask("/server/bad_input")
    assert told <= after[0] and after[0] / 3 - 2 <= ticks <= after[0]
    assert after[1:] == [0, 0, 0] and wrong(server, 2) == [0, 0, 0, 0]


def test_huge_samples(server, jack, tmp_path):
    """1e30 is a number and no bad sample; the station's guard holds it, so the meters see none beyond what they know."""
    before = wrong(server, 1)
    with jack.playing(wavs.write(tmp_path / "huge.wav", [[0.1, 1e30] * 2400, [0.1] * 4800])):
        wait_for(lambda: server.osc.ask("/station/1/metric/peak") > -0.5, 10, "a sound held at the ceiling")
        time.sleep(0.5)
        metrics = server.get("/api/stations/1/metrics")
        assert all(math.isfinite(value) for value in metrics["metrics"].values())
        assert metrics["metrics"]["peak"] < 10  # the ceiling is at 6 dBFS
    assert wrong(server, 1) == before and wrong(server, 2) == [0, 0, 0, 0]


@contextmanager
def halted(process, name):
    """One thread of a child of ours stands still, and the others run."""
    tasks = Path(f"/proc/{process.pid}/task")
    (tid,) = [int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().strip() == name]
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach, every_thread = 0x4206, 0x4207, 17, 0x40000000
    if ptrace(seize, tid, None, None):
        pytest.skip(f"threads cannot be halted here: {os.strerror(ctypes.get_errno())}")
    assert ptrace(interrupt, tid, None, None) == 0
    os.waitpid(tid, every_thread)
    try:
        yield
    finally:
        ptrace(detach, tid, None, None)


def test_a_full_tap_is_counted_and_its_window_invalid(tmp_path):
    """The meters stand still for longer than a tap holds (a sixth of a second): audio goes on, every station counts its
    lost ticks, and until the 3 s after them have been heard nothing that slides over them has an answer."""
    with Foldbackd(tmp_path, "--stations", 2) as server:
        wait_for(lambda: "rms" not in server.get("/api/stations/2/metrics")["invalid"], 5, "a first reading")
        before = server.osc.ask("/server/frame")
        with halted(server.process, "fb-meters"):
            wait_for(lambda: server.osc.ask("/server/frame") - before > 40000, 10, "audio while the meters stand still")
            lost = counts(server, 2)[3]
            assert lost > 500  # more than 16000 frames of 40000
        reading = wait_for(lambda: (r := server.get("/api/stations/2/metrics"))["invalid"].count("rms") and r, 2, "invalid metrics")
        assert {"rms", "peak", "clipping", "noise_floor", "silence_ratio", "artifacts"} <= set(reading["invalid"])
        assert "latency" not in reading["invalid"]
        assert all(math.isfinite(value) for value in reading["metrics"].values())
        assert server.osc.ask("/server/taps_lost") == counts(server, 1)[3] + counts(server, 2)[3]
        begin = time.monotonic()
        wait_for(lambda: "rms" not in server.get("/api/stations/2/metrics")["invalid"], 10, "a valid reading again")
        assert time.monotonic() - begin > 1.5  # 3 s of audio, less what had passed before we looked
        assert server.get("/station/2/metric/rms").get("VALID", True)
