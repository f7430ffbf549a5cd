# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients in JavaScript that were not written here: the packages of tests/package.json, installed when they are missing.
A script under tests/ finds them by itself, since node looks for node_modules in the folders above it."""
import json
import subprocess
from pathlib import Path

import pytest

from servers import SLOW

TOP = Path(__file__).resolve().parents[1]


class Node:
    """Runs scripts of tests/support/js. An argument that is no text goes as JSON."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, script, *arguments, **kw):
        words = [word if isinstance(word, str) else json.dumps(word) for word in arguments]
        return subprocess.Popen(["node", str(self.folder / script), *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def __call__(self, script, *arguments, seconds=20):
        """What the script printed, as JSON; it must end well."""
        process = self.start(script, *arguments)
        try:
            out, err = process.communicate(timeout=seconds * SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{script} did not end in {seconds * SLOW} s: {out}{err}") from None
        assert process.returncode == 0, f"{script} ended with {process.returncode}: {out}{err}"
        return json.loads(out)


@pytest.fixture(scope="session")
def node():
    """node with the packages of tests/package.json."""
    done = subprocess.run([str(TOP / ".ci" / "install-npm")], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr.strip())
    return Node(TOP / "tests" / "support" / "js")
