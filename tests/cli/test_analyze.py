# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback analyze: files of all kinds in, the 55 metrics out. That the numbers are right is tested with the analysers."""
import json
import math
import os
import subprocess

import pytest

import sounds
import wavs
from servers import BUILD


def sine(frames, rate=48000, freq=997, peak=0.5):
    return [peak * math.sin(2 * math.pi * freq * i / rate) for i in range(frames)]


def test_speech(foldback, speech):
    answer = foldback.json("analyze", speech)
    assert len(answer["metrics"]) == 55 and all(math.isfinite(value) for value in answer["metrics"].values())
    assert set(answer["invalid"]) < set(answer["metrics"])
    assert answer["frames"] == wavs.Wav(speech).frames and (answer["sample_rate"], answer["channels"]) == (48000, 1)
    assert answer["file"] == str(speech) and answer["bad_samples"] == 0 and "score" not in answer
    assert -30 < answer["metrics"]["lufs_integrated"] < -10 and answer["metrics"]["snr"] > 20
    assert {"si_sdr", "stoi", "stt_confidence", "gain_change"} <= set(answer["invalid"])


def test_again_is_the_same(foldback, speech, music):
    for file in (speech, music):
        assert foldback("analyze", file, "--json") == foldback("analyze", file, "--json")


def test_sine(foldback, tmp_path):
    """-6.02 dBFS of a 997 Hz sine: rms 3.01 dB less; in both channels its loudness is its rms, less 0.691, twice, plus the
    K filter's gain at 997 Hz (0.69): -6.02 LUFS. Tolerances: what the standards ask."""
    answer = foldback.json("analyze", wavs.write(tmp_path / "sine.wav", [sine(5 * 48000)] * 2))
    metrics = answer["metrics"]
    assert metrics["rms"] == pytest.approx(-9.03, abs=0.01) and metrics["peak"] == pytest.approx(-6.02, abs=0.01)
    assert metrics["true_peak"] == pytest.approx(-6.02, abs=0.2) and metrics["lufs_integrated"] == pytest.approx(-6.02, abs=0.1)
    assert metrics["crest"] == pytest.approx(3.01, abs=0.01)


def test_one_channel_counts_as_two_alike(foldback, tmp_path):
    one = foldback.json("analyze", wavs.write(tmp_path / "one.wav", [sine(48000)]))
    two = foldback.json("analyze", wavs.write(tmp_path / "two.wav", [sine(48000)] * 2))
    assert one["metrics"] == two["metrics"] and one["invalid"] == two["invalid"] and one["channels"] == 1


def test_text(foldback, speech):
    """Every metric on a line, by group, with its unit; "-" where there is no answer."""
    text, answer = foldback("analyze", speech), foldback.json("analyze", speech)
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("  ")}
    assert set(lines) == set(answer["metrics"])
    assert lines["rms"] == [f"{answer['metrics']['rms']:.2f}", "dBFS"] and lines["stoi"] == ["-"]
    for name, (value, *_) in lines.items():
        assert (value == "-") == (name in answer["invalid"]), name
        assert value == "-" or float(value) == pytest.approx(answer["metrics"][name], abs=0.5), name
    assert "-0.0" not in [value for value, *_ in lines.values()] and text.startswith(f"{speech}: ")


def test_reference(foldback, tmp_path, speech):
    """Against itself nothing is lost; a shorter reference is padded."""
    answer = foldback.json("analyze", speech, "--ref", speech)
    assert answer["metrics"]["si_sdr"] > 60 and answer["metrics"]["stoi"] > 0.999
    quarter = tmp_path / "quarter.wav"
    sounds.ffmpeg("-i", speech, "-t", 7, quarter)
    assert foldback.json("analyze", speech, "--ref", quarter)["metrics"]["si_sdr"] < answer["metrics"]["si_sdr"] - 20


def test_goal(foldback, patch, speech):
    file = patch([{"type": "gain"}], goal={"target_lufs": -20, "weights": {
        "lufs_integrated": {"weight": 2, "tolerance": 1}, "clipping": 1, "stoi": 5}})
    answer = foldback.json("analyze", speech, "--goal", file)
    loudness, parts = answer["metrics"]["lufs_integrated"], answer["score_parts"]
    assert answer["metrics"]["loudness_error"] == pytest.approx(loudness + 20, abs=1e-9)
    wanted = 1 / math.sqrt(1 + (loudness + 20) ** 2)  # fb_aim_part(): tolerance 1
    assert set(parts) == {"lufs_integrated", "clipping"}  # stoi has no answer
    assert parts["lufs_integrated"] == pytest.approx(wanted) and parts["clipping"] == 1
    assert answer["score"] == pytest.approx(100 * (2 * wanted + 1) / 3)
    text = foldback("analyze", speech, "--goal", file)
    assert f"Score {answer['score']:.1f} of 100" in text and "left out: no answer" in text
    assert "has no goal" in foldback.fails("analyze", speech, "--goal", patch([{"type": "gain"}], "none.json"))
    assert "weights/nope" in foldback.fails("analyze", speech, "--goal", patch([], "bad.json", goal={"weights": {"nope": 1}}))


@pytest.mark.parametrize("samples", [[], [0.5], [0.0] * 48000, [1.0] * 48000, [math.nan] * 4800, [math.inf, -math.inf] * 2400,
                                     [1e30, -1e30] * 2400, [0.0, math.nan, 0.5, -0.5] * 12000],
                         ids=["empty", "one", "silence", "dc", "nan", "inf", "huge", "holes"])
def test_odd_files(foldback, tmp_path, samples):
    """55 finite numbers whatever comes, and what was no number is counted."""
    answer = foldback.json("analyze", wavs.write(tmp_path / "odd.wav", [samples, samples]))
    assert len(answer["metrics"]) == 55 and all(map(math.isfinite, answer["metrics"].values()))
    assert answer["frames"] == len(samples)
    bad = sum(2 for x in samples if not abs(x) <= 1e6)
    assert answer["bad_samples"] == bad
    assert ("were no number" in foldback("analyze", tmp_path / "odd.wav")) == (bad > 0)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 88200, 96000, 192000])
def test_rates(foldback, tmp_path, rate):
    answer = foldback.json("analyze", wavs.write(tmp_path / "x.wav", [sine(rate, rate)] * 2, rate))
    assert answer["sample_rate"] == rate and answer["metrics"]["rms"] == pytest.approx(-9.03, abs=0.01)


def test_errors(foldback, tmp_path, speech):
    three = wavs.write(tmp_path / "three.wav", [sine(100)] * 3)
    low = wavs.write(tmp_path / "low.wav", [sine(100)], rate=7999)
    sounds.ffmpeg("-i", speech, "-ar", 44100, tmp_path / "other.wav")
    (tmp_path / "text").write_text("no audio at all")
    for words, said in [([tmp_path / "none.wav"], "none.wav: No such file or directory"), ([tmp_path / "text"], "no audio that can be read"),
                        ([three], "three.wav: has 3 channels; 1 or 2 can be taken"),
                        ([low], "low.wav: has a sample rate of 7999 Hz; 8000 to 192000 can be taken"),
                        ([speech, "--ref", tmp_path / "none.wav"], "none.wav: No such file or directory"),
                        ([speech, "--ref", tmp_path / "other.wav"], "other.wav: has a sample rate of 44100 Hz, and"),
                        ([speech, "--goal", tmp_path / "none.json"], "none.json: No such file or directory")]:
        assert said in foldback.fails("analyze", *words)


@pytest.mark.plain
@pytest.mark.slow
def test_memory_is_bounded(tmp_path):
    """An hour takes no more than ten seconds do, but for the histograms: within 8 MB. (An hour as floats: 1.4 GB.)"""
    wavs.write(tmp_path / "second.wav", [sine(8000, 8000)], 8000)
    peak = {}
    for seconds in (10, 3600):
        file = tmp_path / f"{seconds}.wav"
        sounds.ffmpeg("-stream_loop", seconds - 1, "-i", tmp_path / "second.wav", "-c:a", "pcm_s16le", file)
        process = subprocess.Popen([str(BUILD / "foldback"), "analyze", str(file), "--json"], stdout=subprocess.PIPE)
        answer = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0 and answer["frames"] == seconds * 8000
        peak[seconds] = usage.ru_maxrss
    assert peak[3600] - peak[10] < 8 * 1024
