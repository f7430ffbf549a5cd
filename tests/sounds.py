# SPDX-License-Identifier: GPL-3.0-or-later
"""Real recordings for tests, out of Debian packages: speech (asterisk-core-sounds-en-g722) and music (sonic-pi-samples)."""
import subprocess
from pathlib import Path

SPEECH = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
MUSIC = Path("/usr/share/sonic-pi/samples")


def ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def speech(to, name="demo-congrats", rate=48000, channels=1, seconds=30):
    """A woman's voice, recorded in a studio for a telephone system: 16 kHz, so nothing above 8 kHz."""
    source = SPEECH / f"{name}.g722"
    assert source.exists(), f"no {source}: install asterisk-core-sounds-en-g722"
    ffmpeg("-i", source, "-t", seconds, "-ar", rate, "-ac", channels, "-c:a", "pcm_f32le", to)
    return to


def music(to, name="loop_amen_full", rate=48000, seconds=10, channels=2):
    """A loop of sonic-pi's, as often as it takes."""
    source = MUSIC / f"{name}.flac"
    assert source.exists(), f"no {source}: install sonic-pi-samples"
    ffmpeg("-stream_loop", -1, "-i", source, "-t", seconds, "-ar", rate, "-ac", channels, "-c:a", "pcm_f32le", to)
    return to


def hiss(to, rate=48000, seconds=10):
    """White noise: no moment of it is silent."""
    ffmpeg("-f", "lavfi", "-i", f"anoisesrc=r={rate}:d={seconds}:a=0.1:seed=1", "-ac", 2, "-c:a", "pcm_f32le", to)
    return to


def louder(source, to, gain_db):
    ffmpeg("-i", source, "-filter:a", f"volume={gain_db}dB:precision=float", "-c:a", "pcm_f32le", to)
    return to
