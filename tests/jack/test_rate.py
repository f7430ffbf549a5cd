# SPDX-License-Identifier: GPL-3.0-or-later
"""The JACK server comes back at another rate: what is measured, delayed and told of time is right there, and nothing of what
was before is in it."""
import json
import math
import threading
import time

import pytest

from servers import SLOW, Foldbackd, wait_for

LEVEL = 0.25  # of the probe's tone
CHAIN = {"name": "late", "stages": [
    {"id": "gain", "type": "gain"},
    {"id": "limiter", "type": "limiter", "parameters": {"lookahead": 3.0}},
    {"id": "delay", "type": "delay", "parameters": {"time": 50.0, "feedback": 0.0, "mix": 100.0}}]}
HEARD = {"name": "plain", "stages": [{"id": "gain", "type": "gain"}]}


def start(folder, jack, patch, *options):
    (folder / "patch.json").write_text(json.dumps(patch))
    return Foldbackd(folder, "--stations", 2, "--patch", folder / "patch.json", *options, jack=jack)


def plug(jack):
    for side in "LR":
        jack.connect("peer:out_1", f"foldback:station_1_in_{side}")


def metrics(server):
    return server.get("/api/stations/1/metrics")


def away_and_back(server, jack, rate, period=64):
    jack.kill()
    wait_for(lambda: server.osc.ask("/server/jack") == "waiting", 10, "that the JACK server is missed")
    jack.start(rate, period)
    wait_for(lambda: server.osc.ask("/server/jack") == "running", 10, "the return")
    assert server.osc.ask("/server/sample_rate") == rate


def settled(server, rms):
    """Metrics of 3 s of this level and nothing else."""
    def right():
        now = metrics(server)
        values = now["metrics"]
        whole = abs(now["frame_end"] - now["frame_start"] - 3 * now["sample_rate"]) <= now["sample_rate"] / 10
        return whole and abs(values["rms"] - rms) < 0.1 and now
    return wait_for(right, 15, f"3 s at {rms:.1f} dB")


@pytest.mark.slow
@pytest.mark.plain
def test_metrics_begin_anew(jack, probe, tmp_path):
    """A tone of 997 Hz, loud at 48 kHz, 20 dB quieter at another rate: there its level, loudness and pitch are what they are,
    integrated loudness is that of the quiet tone alone, and the frames are those of the engine."""
    rate = 96000
    loud = 20 * math.log10(LEVEL) - 3.01  # a sine's RMS on both sides, in dB of full scale
    with start(tmp_path, jack, HEARD) as server:
        with probe("tone", "peer", 997):
            plug(jack)
            before = settled(server, loud)
            # BS.1770: -0.691 + K-weighting at 1 kHz (+0.69) + both channels of that mean square
            assert before["metrics"]["lufs_integrated"] == pytest.approx(loud + 3.01, abs=0.5)
            server.osc.send("/station/1/gain/gain", -20.0)
            server.osc.sync()
            jack.kill()
        wait_for(lambda: server.osc.ask("/server/jack") == "waiting", 10, "that the JACK server is missed")
        told = server.osc.ask("/server/frame")
        jack.start(rate)
        wait_for(lambda: server.osc.ask("/server/jack") == "running", 10, "the return")
        with probe("tone", "peer", 997):
            after = settled(server, loud - 20)
        values = after["metrics"]
        assert after["sample_rate"] == rate
        assert told <= after["frame_start"] < after["frame_end"] <= server.osc.ask("/server/frame")
        assert values["lufs_integrated"] == pytest.approx(loud + 3.01 - 20, abs=0.5)
        assert values["lufs_short_term"] == pytest.approx(loud + 3.01 - 20, abs=0.5)
        assert values["peak"] == pytest.approx(20 * math.log10(LEVEL) - 20, abs=0.1)
        assert values["centroid"] == pytest.approx(997, rel=0.05)
        assert server.osc.ask("/server/taps_lost") == 0


def way(probe):
    """Frames that an impulse takes through station 1, and what JACK's latency says of it."""
    told = probe("delay", "foldback:station_1_in_L", "foldback:station_1_out_L").told()
    assert told["capture"] == told["playback"], told
    return told["delay"][0], told["capture"][0]


@pytest.mark.slow
@pytest.mark.parametrize("rate, period", [(44100, 64), (96000, 100)])
def test_delays_are_as_long_as_they_say(jack, probe, tmp_path, rate, period):
    """An echo of 50 ms behind a look-ahead of 3 ms: as long in ms at any rate, and JACK's latency is the look-ahead's alone."""
    with start(tmp_path, jack, CHAIN) as server:
        delay, latency = way(probe)
        assert delay - latency == 48000 * 50 // 1000 and latency >= 144
        away_and_back(server, jack, rate, period)
        time.sleep(0.3 * SLOW)  # control tells JACK of the latency
        delay, latency = way(probe)
        extra = 32 if period % 32 else 0
        assert delay - latency == rate * 50 // 1000
        assert latency - extra >= 3 * rate // 1000
        assert server.get("/api/stations/1/metrics")["metrics"]["latency"] >= 1000 * latency / rate - 0.01


@pytest.mark.plain
def test_a_source_of_another_rate_is_not_used(jack, probe, tmp_path):
    """A run's source would sound at another pitch."""
    with start(tmp_path, jack, HEARD) as server:
        run = server.post("/api/calibration/run", {"station": 1, "source": {"live": 0.2}, "include_audio": False})
        again = {"station": 1, "source": {"run": run["run_id"]}, "include_audio": False}
        assert server.post("/api/calibration/run", again)["sample_rate"] == 48000
        away_and_back(server, jack, 44100)
        status, answer = server.http("POST", "/api/calibration/run", again)
        assert status == 404 and answer["error"]["address"] == "source.run"


@pytest.mark.plain
def test_a_live_source_needs_a_server(jack, tmp_path):
    """Without a JACK server there is nothing to capture, which is said at once; and so is it when the server goes meanwhile."""
    live = {"station": 1, "source": {"live": 30.0}, "include_audio": False}
    with start(tmp_path, jack, HEARD) as server:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.http("POST", "/api/calibration/run", live)))
        asking.start()
        time.sleep(0.5)
        jack.kill()
        began = time.monotonic()
        asking.join(10 * SLOW)
        assert time.monotonic() - began < 2 * SLOW and len(answers) == 1
        status, answer = answers[0]
        assert status == 503
        assert answer["error"]["message"] == "the JACK server went away while the live input was captured"
        wait_for(lambda: server.osc.ask("/server/jack") == "waiting", 10, "that the JACK server is missed")
        began = time.monotonic()
        for path, more in (("run", {}), ("audition", {"candidates": [{}]})):
            body = {"station": 1, "source": {"live": 5.0}, **more}
            status, answer = server.http("POST", f"/api/calibration/{path}", body)
            assert status == 503 and answer["error"]["address"] == "source.live"
            assert answer["error"]["message"] == "there is no live input: no JACK server is there"
        assert server.osc.call("/station/1/run", 5.0) == "there is no live input: no JACK server is there"
        assert time.monotonic() - began < 2 * SLOW
        jack.start(48000)
        wait_for(lambda: server.osc.ask("/server/jack") == "running", 10, "the return")
        assert server.post("/api/calibration/run", {**live, "source": {"live": 0.2}})["sample_rate"] == 48000
