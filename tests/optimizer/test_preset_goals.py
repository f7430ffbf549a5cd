# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of calibrating a real recording with a patch we ship is what an engineer would let pass: better by its goal, as loud as
that says, few knobs turned and none to its end, dynamics and balance those of the recording."""
import json
import math
import subprocess

import pytest

import sounds
from servers import BUILD, SLOW, TOP, Foldbackd

FOLDER = TOP / "presets" / "stations"
LEVEL = -23.0  # LUFS, what the presets say they expect
AUDITIONS = 100  # enough for bad goals to show; a session takes 150
# How much the third octaves of the output may differ from the source's, once they are alike in level: music is to stay as it is, a
# voice on a telephone is cut below 120 Hz and above 7.5 kHz on purpose.
CASES = [("speech_call", sounds.speech, "demo-congrats", 8), ("music_bus", sounds.music, "loop_garzul", 1.5),
         ("keys", sounds.music, "ambi_piano", 2.5)]


def leaves(place):
    for child in place.get("CONTENTS", {}).values():
        yield from leaves(child)
    if "RANGE" in place:
        yield place["FULL_PATH"], place["RANGE"][0]


def at_an_end(server, changes):
    """What was turned as far as it goes."""
    ranges = dict(leaves(server.get("/station/1")))
    return [address for address, (_, value) in changes.items()
            if not isinstance(value, (bool, str)) and value in (ranges[address]["MIN"], ranges[address]["MAX"])]


def apart(report):
    """Root mean square of the differences in third octaves, alike in level, in dB, where the source has anything to hear."""
    pairs = [(out, into) for out, into in zip(report["third_octaves"]["out"], report["third_octaves"]["in"]) if into > -50]
    mean = sum(out - into for out, into in pairs) / len(pairs)
    return math.sqrt(sum((out - into - mean) ** 2 for out, into in pairs) / len(pairs))


@pytest.mark.slow
@pytest.mark.plain  # 100 auditions of 8 s
@pytest.mark.parametrize("name, kind, recording, balance_db", CASES, ids=[case[0] for case in CASES])
def test_calibrated(tmp_path, name, kind, recording, balance_db):
    samples = tmp_path / "foldback" / "samples"
    samples.mkdir(parents=True)
    raw = kind(tmp_path / "raw.wav", recording, seconds=8, channels=2)
    done = subprocess.run([BUILD / "foldback", "analyze", raw, "--json"], capture_output=True, text=True, check=True)
    sounds.louder(raw, samples / "it.wav", LEVEL - json.loads(done.stdout)["metrics"]["lufs_integrated"])
    preset = json.loads((FOLDER / f"{name}.json").read_text())
    with Foldbackd(tmp_path, "--stations", 1, "--patch", FOLDER / f"{name}.json", "--node-path", BUILD / "nodes") as server:
        done = subprocess.run([BUILD / "foldback-optimizer", *server.clients, "--station", "1", "--sample", "it.wav", "--json",
                               "--auditions", str(AUDITIONS)], capture_output=True, text=True, timeout=120 * SLOW)
        assert (done.returncode, done.stderr) == (0, "")
        result = json.loads(done.stdout)
        changes = result["changes"]
        turned = {address.removeprefix("/station/1/").replace("/", "."): value for address, (_, value) in changes.items()}
        report = server.post("/api/calibration/run", {"station": 1, "source": {"sample": "it.wav"}, "parameters": turned,
                                                      "include_audio": False})
        ends = at_an_end(server, changes)
        source = server.post("/api/calibration/run", {"station": 1, "source": {"sample": "it.wav"}, "include_audio": False,
                                                      "parameters": {f"{stage['id']}.bypass": True for stage in preset["stages"]}})
    metrics, was = report["metrics"], source["metrics"]
    assert result["score_after"] > result["score_before"]
    assert len(changes) <= 8 and not ends, changes
    assert metrics["lufs_integrated"] == pytest.approx(preset["goal"]["target_lufs"], abs=0.5)
    assert metrics["true_peak"] <= preset["stages"][-1]["parameters"]["ceiling"]["value"] + 0.1
    assert metrics["dynamic_range"] == pytest.approx(was["dynamic_range"], abs=4)  # half a dB of it is chance; more is heard as pumping
    assert metrics["width"] == pytest.approx(was["width"], abs=0.05)
    assert apart(report) <= balance_db, changes
