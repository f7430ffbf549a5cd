# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `foldback`, run as a person or a script runs it."""
import json

import pytest

import sounds
from programs import Foldback


@pytest.fixture(scope="session")
def foldback():
    return Foldback()


@pytest.fixture(scope="session")
def audio(tmp_path_factory):
    return tmp_path_factory.mktemp("audio")


@pytest.fixture(scope="session")
def speech(audio):
    """30 s of real speech, one channel, 48 kHz."""
    return sounds.speech(audio / "speech.wav")


@pytest.fixture(scope="session")
def music(audio):
    """10 s of drums, two channels, 48 kHz."""
    return sounds.music(audio / "music.wav")


@pytest.fixture
def patch(tmp_path):
    """Writes a patch and returns its file."""
    def write(stages, name="patch.json", **rest):
        file = tmp_path / name
        file.write_text(json.dumps({"name": "test", "stages": stages, **rest}))
        return file
    return write
