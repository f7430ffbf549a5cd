# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback-stt with a real server: what is said in a station ends up in its leaf."""
import subprocess

import pytest

import sounds
from servers import Foldbackd, Jackd, wait_for


def ports(server):
    return "--osc-port", server.osc_port, "--http-port", server.http_port


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A server whose inputs are silent."""
    with Foldbackd(tmp_path_factory.mktemp("silent"), "--stations", 1) as server:
        yield server


def test_silence_is_not_written(silent, hear):
    for point in ("in", "out"):
        (estimate,) = hear("--station", 1, "--once", "--seconds", 1, "--point", point, *ports(silent))
        assert (estimate["heard"], estimate["confidence"]) == (False, None)
        assert estimate["seconds"] == pytest.approx(1, abs=0.01)
    assert "stt_confidence" in silent.get("/api/stations/1/metrics")["invalid"]


def test_errors(silent, run):
    done = run("--station", 9, "--once", *ports(silent))
    assert done.returncode == 1 and "station 9: there is no audio tap" in done.stderr
    done = run("--station", 1, "--once", "--osc-port", silent.osc_port, "--http-port", 1)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_it_ends_when_asked_to(silent, program):
    process = subprocess.Popen([program, "--station", "1", "--seconds", "1", *map(str, ports(silent))],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "nothing heard\n"
    process.terminate()
    assert process.wait(20) == 0


def test_speech_reaches_the_leaf(hear, tmp_path):
    speech = sounds.speech(tmp_path / "speech.wav", "demo-congrats", 48000, 2, 12)
    # periods of 5 ms: the machine that runs the tests may be busy
    with Jackd("foldback-test-stt", period=256) as jack, Foldbackd(tmp_path, "--stations", 2, jack=jack) as server:
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(speech)], env=jack.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in jack.ports() if p.startswith("jackplay"))[:2], 5, "the player")
            for out, side in zip(outs, "LR"):
                jack.connect(out, f"foldback:station_2_in_{side}")
            (estimate,) = hear("--station", 2, "--once", "--seconds", 5, *ports(server))
        finally:
            player.kill()
            player.wait()
        assert estimate["heard"] is True and estimate["words"] > 3
        assert 0.2 < estimate["confidence"] <= 1  # clean speech, wherever in it the 5 s began
        assert server.osc.ask("/station/2/metric/stt_confidence") == pytest.approx(estimate["confidence"], abs=1e-6)

        def told():
            answer = server.get("/api/stations/2/metrics")
            return answer if "stt_confidence" not in answer["invalid"] else None
        answer = wait_for(told, 5, "the confidence among the metrics")
        assert answer["metrics"]["stt_confidence"] == pytest.approx(estimate["confidence"], abs=1e-6)
        assert "stt_confidence" in server.get("/api/stations/1/metrics")["invalid"]  # the other station heard nothing
