# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `foldback`, run as a person or a script runs it."""
import json
import subprocess

import pytest

import sounds
from servers import BUILD, SLOW


class Foldback:
    """Runs build/foldback; what it says goes to out and err."""

    def __init__(self, *options):
        self.options = options

    def run(self, *arguments, cwd=None, **kw):
        return subprocess.run([str(BUILD / "foldback"), *self.options, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120 * SLOW, cwd=cwd, **kw)

    def __call__(self, *arguments, **kw):
        """Standard output; the command must succeed and say nothing on standard error."""
        done = self.run(*arguments, **kw)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))

    def fails(self, *arguments, code=1, **kw):
        """Standard error of a command that must fail, with nothing on standard output."""
        done = self.run(*arguments, **kw)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr


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
