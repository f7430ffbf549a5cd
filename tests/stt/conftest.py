# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback-stt on recorded speech, with noise of a known level."""
import json
import random
import subprocess

import pytest

import sounds
import wavs
from servers import BUILD, SLOW

RATE = 16000  # what the recordings have


def mean_square(samples):
    return sum(x * x for x in samples) / len(samples)


def speech_level(samples):
    """Mean square of the 50 ms frames within 30 dB of the loudest: pauses do not count."""
    frames = [mean_square(samples[i:i + RATE // 20]) for i in range(0, len(samples) - RATE // 20, RATE // 20)]
    active = [power for power in frames if power > max(frames) / 1000]
    return sum(active) / len(active)


@pytest.fixture(scope="session")
def program():
    file = BUILD / "foldback-stt"
    assert file.exists(), "foldback-stt was not built: install libpocketsphinx-dev and configure anew"
    return file


@pytest.fixture(scope="session")
def run(program):
    def run(*arguments):
        return subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, timeout=60 * SLOW)
    return run


@pytest.fixture(scope="session")
def hear(run):
    """The estimates, one a stretch."""
    def hear(*arguments):
        done = run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, ""), done
        return [json.loads(line) for line in done.stdout.splitlines()]
    return hear


@pytest.fixture(scope="session")
def noisy(tmp_path_factory):
    """Writes 6 s of a recording with white noise at an SNR in dB (None: clean), and returns the file."""
    folder, clean = tmp_path_factory.mktemp("noisy"), {}

    def noisy(name, snr_db=None):
        if name not in clean:
            source = sounds.speech(folder / f"{name}.wav", name, RATE, 1, 6)
            clean[name] = wavs.Wav(source).channels[0]
        speech, dice = clean[name], random.Random(name)
        deviation = 0.0 if snr_db is None else (speech_level(speech) / 10 ** (snr_db / 10)) ** 0.5
        return wavs.write(folder / f"{name}@{snr_db}.wav", [[x + dice.gauss(0, deviation) for x in speech]], RATE)
    return noisy
