# SPDX-License-Identifier: GPL-3.0-or-later
"""A small project to try the build's machinery on: the real scripts, one node, the ring and its test."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sources import TOP

PARTS = ["waf", "wscript", "check", ".ci", "foldback.pc.in", "graph/wscript", "graph/ring.c", "graph/ring.h", "graph/status.c",
         "graph/status.h", "nodes/exports.map", "graph/node.h", "graph/scale.h", "tests/conftest.py", "tests/pytest.ini",
         "tests/support/c_programs.py", "tests/support/own_shm.py", "tests/support/progress.py", "tests/support/testing.h",
         "tests/support/tsan.supp"]
# The real one follows what the tests of the day need.
TESTS_WSCRIPT = """
def build(bld):
    for source in bld.path.ant_glob("unit/graph/test_*.c"):
        bld.program(target="graph/" + source.name[:-2], source=[source], includes="support", use="graph CMOCKA M",
                    install_path=None)
"""


@pytest.fixture(scope="session")
def waflib():
    """The folder that holds the waflib this build was made with."""
    line = "import sys, runpy; sys.argv = ['waf', '--version']\n" \
           "try: runpy.run_path('waf', run_name='__main__')\nexcept SystemExit: pass\n" \
           "import waflib; print(waflib.__path__[0])"
    found = subprocess.run(["python3", "-c", line], cwd=TOP, capture_output=True, text=True, check=True).stdout
    return Path(found.splitlines()[-1]).parent


@pytest.fixture
def project(tmp_path, waflib):
    """The small project in a folder of its own; run(...) runs a command in it."""
    return Project(tmp_path / "project", waflib)


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory, waflib):
    """One for all tests of a file."""
    return Project(tmp_path_factory.mktemp("shared") / "project", waflib)


class Project:
    def __init__(self, top, waflib):
        self.top = top
        for part in PARTS:
            (top / part).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (TOP / part).is_dir() else shutil.copy
            copy(TOP / part, top / part)
        (top / "tests/wscript").write_text(TESTS_WSCRIPT)
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("FB_", "WAF", "PYTEST"))}
        self.env["WAFDIR"] = str(waflib)

    def write(self, name, text):
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_text(text)

    def run(self, *command, **env):
        """CompletedProcess; standard error is in stdout, nothing comes from standard input."""
        return subprocess.run(command, cwd=self.top, env={**self.env, **env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
