# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback-optimizer against a real foldbackd, on real speech that was spoiled."""
import json
import signal
import subprocess
import time

import pytest

import sounds
from servers import BUILD, SLOW, Foldbackd

# What the station is: a channel for a voice, as it would be set before anybody listened.
PATCH = {
    "name": "Voice",
    "stages": [{"id": "trim", "type": "gain"}, {"id": "eq", "type": "eq"},
               {"id": "comp", "type": "comp", "parameters": {"threshold": -18, "ratio": 2}},
               {"id": "limiter", "type": "limiter"}],
    "goal": {"target_lufs": -23,
             "weights": {"lufs_integrated": 2, "snr": 0.5, "noise_floor": 0.5, "rms_stability": 0.5, "clipping": 1,
                         "artifacts": 0.5, "balance": 0.5, "band_bass": 0.5, "band_low_mid": 0.7, "band_mid": 0.7,
                         "band_high_mid": 0.7, "band_presence": 0.7},
             "curve": {"50": -3, "1000": 0, "8000": -12}},
}
NOISE = "anoisesrc=r=48000:a=0.004:seed=7:d=3[n];[0][n]amix=inputs=2:normalize=0"
SPOILED = {"level": "volume=-18dB", "mud": "equalizer=f=250:t=q:w=1:g=9", "noise": NOISE,
           "all": f"volume=-18dB,equalizer=f=250:t=q:w=1:g=9[a];anoisesrc=r=48000:a=0.0005:seed=7:d=3[n];"
                  f"[a][n]amix=inputs=2:normalize=0"}


class Optimizer:
    """Runs build/foldback-optimizer on a server's station."""

    def __init__(self, server, station=1):
        self.command = [str(BUILD / "foldback-optimizer"), *server.clients, "--station", str(station)]

    def run(self, *arguments, **kw):
        return subprocess.run([*self.command, *map(str, arguments)], capture_output=True, text=True, timeout=200 * SLOW, **kw)

    def json(self, *arguments):
        """What --json prints; the command must succeed and say nothing on standard error."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, ""), done
        return json.loads(done.stdout)

    def fails(self, *arguments, code=1):
        """Standard error of a command that must fail, with nothing on standard output."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr

    def interrupted(self, *arguments, after):
        """Run, wait until after() is true, press Ctrl-C: (code, standard output, standard error)."""
        process = subprocess.Popen([*self.command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not after() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60 * SLOW)
        return process.returncode, out, err


def make_samples(folder):
    """3 s of speech, and the same spoiled; a second of it."""
    clean = sounds.speech(folder / "clean.wav", "demo-congrats", seconds=3, channels=2)
    for name, graph in SPOILED.items():
        sounds.ffmpeg("-i", clean, "-filter_complex", graph, "-ac", 2, "-t", 3, "-c:a", "pcm_f32le", folder / f"{name}.wav")
    sounds.ffmpeg("-i", folder / "all.wav", "-t", 1, "-c:a", "pcm_f32le", folder / "brief.wav")  # where what is found does not matter


def start(folder, *options, patch=PATCH):
    (folder / "foldback").mkdir()
    samples = folder / "foldback" / "samples"
    samples.mkdir()
    make_samples(samples)
    (folder / "patch.json").write_text(json.dumps(patch))
    return Foldbackd(folder, "--patch", folder / "patch.json", "--node-path", BUILD / "nodes", *options)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with start(tmp_path_factory.mktemp("optimizer"), "--stations", 2) as foldbackd:
        yield foldbackd


@pytest.fixture
def own_server(tmp_path):
    """For tests that change it or end it."""
    with start(tmp_path, "--stations", 1) as foldbackd:
        yield foldbackd


@pytest.fixture
def optimizer(server):
    return Optimizer(server)
