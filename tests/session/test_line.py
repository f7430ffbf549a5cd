# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole line with a real JACK server: set by OSC, hear it in the captured output, find it in the audit."""
import json
import math
import struct
import subprocess
import time
import wave

import pytest

from servers import Foldbackd, Jackd, wait_for

PATCH = {"name": "line", "stages": [{"id": "gain", "type": "gain"}, {"id": "eq", "type": "eq"}]}
RATE = 48000


@pytest.fixture(scope="module")
def jack():
    with Jackd("foldback-test-line") as server:
        yield server


@pytest.fixture(scope="module")
def sine(tmp_path_factory):
    """A second of 997 Hz at -12 dBFS peak in each channel, R in antiphase: it loops without a seam at 1000 Hz."""
    path = tmp_path_factory.mktemp("sound") / "sine.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        amplitude = 32767 * 10 ** (-12 / 20)
        for i in range(RATE):
            value = round(amplitude * math.sin(2 * math.pi * 1000 * i / RATE))
            out.writeframesraw(struct.pack("<hh", value, -value))
    return path


@pytest.fixture(scope="module")
def server(jack, sine, tmp_path_factory):
    """foldbackd whose station 1 hears the sine."""
    folder = tmp_path_factory.mktemp("line")
    patch = folder / "line.json"
    patch.write_text(json.dumps(PATCH))
    with Foldbackd(folder, "--stations", 3, "--patch", patch, jack=jack) as foldbackd:
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(sine)], env=jack.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in jack.ports() if p.startswith("jackplay"))[1:2] and
                            sorted(p for p in jack.ports() if p.startswith("jackplay")), 5, "the player")
            jack.connect(outs[0], "foldback:station_1_in_L")
            jack.connect(outs[1], "foldback:station_1_in_R")
            time.sleep(0.3)
            yield foldbackd
        finally:
            player.kill()
            player.wait()


def record(jack, folder, seconds=1):
    """What station 1 gives out, as (left, right) lists of floats."""
    path = folder / "take.wav"
    done = jack.run("jack_rec", "-f", str(path), "-d", str(seconds), "-b", "16",
                    "foldback:station_1_out_L", "foldback:station_1_out_R")
    assert path.exists(), done.stderr
    with wave.open(str(path), "rb") as take:
        data = take.readframes(take.getnframes())
    samples = struct.unpack(f"<{len(data) // 2}h", data)
    return [s / 32768 for s in samples[0::2]], [s / 32768 for s in samples[1::2]]


def level_db(samples):
    """RMS in dBFS over the middle, away from the ends of the take."""
    part = samples[len(samples) // 4:-len(samples) // 4]
    return 10 * math.log10(sum(x * x for x in part) / len(part))


def test_ports_have_their_names(jack, server):
    ports = jack.ports()
    for station in (1, 2, 3):
        for side in ("in_L", "in_R", "out_L", "out_R"):
            assert f"foldback:station_{station}_{side}" in ports
    assert "foldback:station_4_in_L" not in ports


def test_a_set_is_heard_and_audited(jack, server, tmp_path):
    before = record(jack, tmp_path)
    assert level_db(before[0]) == pytest.approx(-15.01, abs=0.05)  # a sine's RMS; 16 bits there and back
    server.osc.send("/station/1/gain/gain", -9.0)
    server.osc.sync()
    time.sleep(0.2)
    after = record(jack, tmp_path)
    assert level_db(after[0]) - level_db(before[0]) == pytest.approx(-9, abs=0.02)
    assert level_db(after[1]) - level_db(before[1]) == pytest.approx(-9, abs=0.02)
    row = [r for r in server.get("/api/audit?limit=50") if r["address"] == "/station/1/gain/gain"][0]
    assert (row["old"], row["new"], row["outcome"]) == ("0.0", "-9.0", "ok")
    assert row["origin"].startswith("osc 127.0.0.1:")
    server.osc.send("/station/1/gain/gain", 0.0)
    server.osc.sync()


def test_an_eq_band_is_heard(jack, server, tmp_path):
    """+6 dB at 1 kHz raises a 1 kHz sine by 6 dB and leaves the refused set unheard."""
    before = level_db(record(jack, tmp_path)[0])
    answer = server.post("/api/stations/1/params",
                         {"eq.b4_type": "bell", "eq.b4_on": True, "eq.b4_freq": 1000.0, "eq.b4_gain": 6.0})
    assert answer == {"stored": True}
    time.sleep(0.3)
    assert level_db(record(jack, tmp_path)[0]) - before == pytest.approx(6, abs=0.05)
    status, refused = server.http("POST", "/api/stations/1/params", {"eq.b4_gain": 0.0, "eq.b4_freq": 1e6})
    assert status == 400 and refused["error"]["address"] == "eq.b4_freq"
    assert server.osc.ask("/station/1/eq/b4_gain") == pytest.approx(6)
    assert server.osc.call("/station/1/undo") is True
    assert server.osc.ask("/station/1/eq/b4_gain") == pytest.approx(0)


def test_mute_is_silence(jack, server, tmp_path):
    server.osc.send("/station/1/mute", True)
    server.osc.sync()
    time.sleep(0.1)
    left, right = record(jack, tmp_path)
    assert max(map(abs, left[RATE // 4:])) == 0 and max(map(abs, right[RATE // 4:])) == 0
    server.osc.send("/station/1/mute", False)
    server.osc.sync()


def test_live_metrics_measure_the_sine(server):
    def settled():
        answer = server.get("/api/stations/1/metrics")
        near = abs(answer["metrics"]["peak"] + 12) < 0.05 and abs(answer["metrics"]["rms"] + 15.01) < 0.1
        return answer if near else None
    metrics = wait_for(settled, 10, "a live reading of the sine")  # once what other tests did has left the 3 s
    assert metrics["frame_end"] - metrics["frame_start"] == pytest.approx(3 * RATE, abs=0.2 * RATE)
    assert "rms" not in metrics["invalid"] and "stt_confidence" in metrics["invalid"]
    assert server.osc.ask("/station/1/metric/rms") == pytest.approx(-15.01, abs=0.1)


def test_a_subscriber_hears_what_another_sets(server):
    from servers import Osc
    other = Osc(server.osc_port)
    server.osc.received.clear()
    server.osc.send("/subscribe", "/station/2/gain/gain")
    assert server.osc.wait("/subscribe")[0] == "/station/2/gain/gain"
    server.osc.wait("/station/2/gain/gain")
    other.send("/station/2/gain/gain", -3.0)
    other.sync()
    assert server.osc.wait("/station/2/gain/gain")[0] == pytest.approx(-3)


def test_a_live_run_is_measured_scored_and_stored(server):
    report = server.post("/api/calibration/run",
                         {"station": 1, "source": {"live": 1.0}, "parameters": {"gain.gain": -6.0}, "notes": "test"})
    assert report["station_id"] == 1 and report["notes"] == "test"
    assert report["parameters"] == {"gain.gain": -6.0}
    assert report["params_before"]["gain.gain"] == 0 and report["params_after"]["gain.gain"] == -6.0
    assert report["metrics"]["rms"] == pytest.approx(-21.01, abs=0.05)
    assert len(report["metrics"]) == 55 and report["frame_end"] - report["frame_start"] == RATE
    assert report["stored"] is True and len(report["audio_snapshot_base64"]) > RATE * 8
    assert server.osc.ask("/station/1/gain/gain") == pytest.approx(0)  # the audience heard nothing of it
    stored = server.get(f"/api/runs/{report['run_id']}")
    assert stored["metrics"] == report["metrics"] and stored["score"] == report["score"]
    status, wav = server.http("GET", f"/api/runs/{report['run_id']}/snapshot.wav", raw=True)
    assert status == 200 and wav[:4] == b"RIFF" and len(wav) > RATE * 8


def test_auditions_of_one_source_repeat_to_the_bit(server):
    first = server.post("/api/calibration/run", {"station": 1, "source": {"live": 0.5}, "include_audio": False})
    body = {"station": 1, "source": {"run": first["run_id"]},
            "candidates": [{}, {"gain.gain": -6.0}, {"eq.b4_on": True, "eq.b4_gain": 9.0}]}
    once, again = (server.post("/api/calibration/audition", body)["results"] for _ in range(2))
    assert once[0]["metrics"] == first["metrics"]
    for a, b in zip(once, again):
        assert a["metrics"] == b["metrics"] and a["score"] == b["score"] and a["run_id"] != b["run_id"]
    assert once[1]["metrics"]["rms"] - once[0]["metrics"]["rms"] == pytest.approx(-6, abs=0.01)


def test_a_proposal_is_heard_once_accepted_and_undone(jack, server, tmp_path):
    before = level_db(record(jack, tmp_path)[0])
    run = server.post("/api/calibration/run", {"station": 1, "source": {"live": 0.3},
                                               "parameters": {"gain.gain": -12.0}, "include_audio": False})
    server.osc.send("/station/1/proposal/morph", 0.1)
    assert server.osc.call("/station/1/proposal/accept") == "no proposal waits to be accepted"
    assert server.osc.call("/station/1/proposal/offer", run["run_id"]) is True
    assert server.osc.ask("/station/1/proposal/state") == "offered"
    assert level_db(record(jack, tmp_path)[0]) == pytest.approx(before, abs=0.02)
    assert server.osc.call("/station/1/proposal/accept") is True
    time.sleep(0.4)
    assert level_db(record(jack, tmp_path)[0]) == pytest.approx(before - 12, abs=0.05)
    assert server.osc.call("/station/1/undo") is True
    time.sleep(0.4)
    assert level_db(record(jack, tmp_path)[0]) == pytest.approx(before, abs=0.02)
    assert server.osc.ask("/station/1/gain/gain") == pytest.approx(0)
