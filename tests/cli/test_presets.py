# SPDX-License-Identifier: GPL-3.0-or-later
"""The station patches we ship: each checks, carries a goal, and takes real audio at -23 LUFS to its own target, within the
tolerance its goal names, with true peaks below its limiter's ceiling."""
import json

import pytest

import sounds
from servers import TOP

FOLDER = TOP / "presets" / "stations"
PRESETS = sorted(FOLDER.glob("*.json"))
LEVEL = -23.0  # LUFS, what the presets say they expect

SPEECH = [(sounds.speech, "demo-congrats"), (sounds.speech, "vm-options")]
MUSIC = [(sounds.music, "loop_garzul"), (sounds.music, "loop_mika")]
DRUMS = [(sounds.music, "loop_amen_full"), (sounds.music, "loop_compus")]
HEARD = {
    "acoustic_guitar": [(sounds.music, "guit_em9"), (sounds.music, "guit_harmonics")],
    "bass": [(sounds.music, "bass_woodsy_c"), (sounds.music, "loop_drone_g_97")],
    "broadcast": [SPEECH[0], *MUSIC],
    "drums": DRUMS,
    "keys": [(sounds.music, "ambi_piano")],
    "music_bus": MUSIC,
    "podcast": SPEECH,
    "safe_default": [SPEECH[0], DRUMS[0], MUSIC[0]],
    "speech_call": SPEECH,
    "speech_live": SPEECH,
    "streaming": [SPEECH[0], DRUMS[0], *MUSIC],
    "vocals": SPEECH,
}
LIVE_MS = 3.0  # what a performer on stage does not notice; masters may take more
MASTERS = ("bass", "broadcast", "streaming", "music_bus", "podcast")


@pytest.fixture(scope="session")
def at_level(foldback, audio):
    """A recording brought to LEVEL; made once."""
    def make(kind, name):
        file = audio / f"{name}_at_level.wav"
        if not file.exists():
            raw = kind(audio / f"{name}_raw.wav", name, seconds=12, channels=2)
            loudness = foldback.json("analyze", raw)["metrics"]["lufs_integrated"]
            sounds.louder(raw, file, LEVEL - loudness)
        return file
    return make


def stage(preset, kind):
    return next(stage for stage in preset["stages"] if stage["type"] == kind)


def test_all_are_there():
    assert {file.stem for file in PRESETS} == HEARD.keys()


def test_all_check(foldback):
    rows = foldback.json("patch", "check", *PRESETS)
    assert all(row["ok"] for row in rows)
    for row, file in zip(rows, PRESETS):
        if file.stem not in MASTERS:
            assert row["latency_frames"] <= LIVE_MS * 48, file.stem


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.stem)
def test_says_what_it_is(file):
    preset = json.loads(file.read_text())
    assert preset["role"] == "station" and preset["name"] and preset["tags"] and preset["version"]
    assert f"{LEVEL:.0f} LUFS" in preset["description"]
    assert preset["goal"]["weights"]["lufs_integrated"]["tolerance"] <= 2.5
    assert preset["stages"][-1]["type"] == "limiter"


@pytest.mark.parametrize("name, kind, source", [(name, kind, source) for name, list_ in HEARD.items() for kind, source in list_],
                         ids=lambda value: value if isinstance(value, str) else "")
def test_real_audio_within_limits(foldback, at_level, tmp_path, name, kind, source):
    file = FOLDER / f"{name}.json"
    preset = json.loads(file.read_text())
    foldback("render", file, at_level(kind, source), tmp_path / "out.wav")
    answer = foldback.json("analyze", tmp_path / "out.wav", "--goal", file)
    metrics, goal = answer["metrics"], preset["goal"]
    assert metrics["lufs_integrated"] == pytest.approx(goal["target_lufs"], abs=goal["weights"]["lufs_integrated"]["tolerance"])
    # the limiter holds its ceiling by a 4 times oversampled meter within 0.1 dB
    assert metrics["true_peak"] <= stage(preset, "limiter")["parameters"]["ceiling"]["value"] + 0.1
    assert metrics["clipping"] == 0 and answer["score"] > 50


def test_a_loud_source_is_held(foldback, at_level, tmp_path):
    """24 dB too much: no preset lets a true peak past its ceiling."""
    source = sounds.louder(at_level(*SPEECH[0]), tmp_path / "loud.wav", 24)
    for file in PRESETS:
        foldback("render", file, source, tmp_path / "out.wav")
        peak = foldback.json("analyze", tmp_path / "out.wav")["metrics"]["true_peak"]
        assert peak <= stage(json.loads(file.read_text()), "limiter")["parameters"]["ceiling"]["value"] + 0.1, file.stem
