# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback-stt --file: what it makes of speech, noise and silence."""
import random

import pytest

import sounds
import wavs

PROMPTS = ["demo-congrats", "vm-intro", "demo-enterkeywords"]
SNRS_DB = [None, 20, 10, 0]


def mean(numbers):
    return sum(numbers) / len(numbers)


@pytest.mark.slow
def test_confidence_falls_as_noise_rises(hear, noisy):
    """On average over the recordings; one of them may rise for once."""
    means = []
    for snr_db in SNRS_DB:
        estimates = hear(*(word for name in PROMPTS for word in ("--file", noisy(name, snr_db))), "--seconds", 6)
        assert len(estimates) == len(PROMPTS) and all(0 <= e["confidence"] <= 1 for e in estimates)
        means.append(mean([estimate["confidence"] for estimate in estimates]))
    # Measured: 0.87, 0.50, 0.19, 0.04. The steps grow smaller; 0.05 is a third of the least.
    assert all(a - b > 0.05 for a, b in zip(means, means[1:])), means
    assert means[0] > 0.7 and means[-1] < 0.15, means


def test_what_was_said(hear, noisy):
    (estimate,) = hear("--file", noisy("vm-intro"), "--seconds", 6)
    assert estimate["heard"] is True and estimate["words"] > 10
    assert "please leave your message" in estimate["text"] and "press the pound key" in estimate["text"]


def test_level_does_not_matter(hear, noisy, tmp_path):
    """30 dB down is the same speech: brought to one level, it differs by rounding alone."""
    loud = noisy("demo-congrats")
    soft = wavs.write(tmp_path / "soft.wav", [[x * 10 ** (-30 / 20) for x in wavs.Wav(loud).channels[0]]], 16000)
    a, b = (hear("--file", file, "--seconds", 6)[0] for file in (loud, soft))
    assert a["text"] == b["text"] and a["confidence"] == pytest.approx(b["confidence"], abs=0.05)


def test_what_came_before_does_not_matter(hear, tmp_path):
    """A stretch of a long file, and the same stretch as a file of its own: every stretch starts afresh. The recogniser
    keeps which of its densities were best in the frame before; that moves an answer by less than 0.001."""
    whole = sounds.speech(tmp_path / "whole.wav", "demo-congrats", 16000, 1, 6)
    part = wavs.write(tmp_path / "part.wav", [wavs.Wav(whole).channels[0][48000:]], 16000)
    first, second = hear("--file", whole, "--seconds", 3)
    assert (first["start"], second["start"]) == (0, 3)
    assert hear("--file", part)[0]["confidence"] == pytest.approx(second["confidence"], abs=1e-3)
    assert hear("--file", whole, "--seconds", 3, "--once") == [first]


def test_48_khz_and_stereo(hear, noisy, tmp_path):
    plain = hear("--file", noisy("vm-intro"), "--seconds", 6)[0]
    stereo = sounds.speech(tmp_path / "stereo.wav", "vm-intro", 48000, 2, 6)
    assert hear("--file", stereo, "--seconds", 6)[0]["confidence"] == pytest.approx(plain["confidence"], abs=0.1)


def test_silence_is_no_answer(hear, run, tmp_path):
    zeros = wavs.write(tmp_path / "zeros.wav", [[0.0] * 48000], 16000)
    (estimate,) = hear("--file", zeros)
    assert (estimate["heard"], estimate["confidence"], estimate["words"]) == (False, None, 0)
    assert run("--file", zeros).stdout == "nothing heard\n"


def test_noise_alone_is_hardly_believed(hear, tmp_path):
    dice = random.Random(1)
    noise = wavs.write(tmp_path / "noise.wav", [[dice.gauss(0, 0.1) for _ in range(64000)]], 16000)
    (estimate,) = hear("--file", noise)
    assert estimate["heard"] is True and estimate["confidence"] < 0.1


@pytest.mark.parametrize("arguments, said", [
    ((), "--station: say which"),
    (("--station", 0), "--station"),
    (("--station", 1, "--point", "middle"), "--point: is in or out"),
    (("--station", 1, "--file", "x"), "--station: say which"),
    (("--station", 1, "more"), "more: is one word too many"),
])
def test_bad_usage(run, arguments, said):
    done = run(*arguments)
    assert done.returncode == 2 and said in done.stderr and not done.stdout


def test_bad_files(run, tmp_path):
    done = run("--file", tmp_path / "none.wav")
    assert done.returncode == 1 and "none.wav" in done.stderr
    (tmp_path / "text.wav").write_text("no sound")
    done = run("--file", tmp_path / "text.wav")
    assert done.returncode == 1 and "text.wav" in done.stderr
    empty = wavs.write(tmp_path / "empty.wav", [[]], 16000)
    done = run("--file", empty)
    assert done.returncode == 1 and "holds no sound" in done.stderr
