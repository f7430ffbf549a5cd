# SPDX-License-Identifier: GPL-3.0-or-later
"""One runner for all tests: pytest. The C programs in build/tests (cmocka) become items, one per cmocka test
(support/c_programs.py); the Python files under tests/ drive real programs. pytest.ini lists the marks; a C test file
carries one as the comment `/* pytest: slow */`."""
import os
import shutil
import tempfile
from pathlib import Path

import pytest

pytest_plugins = ["support.own_shm", "support.c_programs", "support.progress"]

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FB_BUILD", TOP / "build")).resolve()
PLAIN_FOLDERS = ("ground", "bench")  # they look at the sources and at the plain build


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="leave out tests marked slow")
    parser.addoption("--long", action="store_true", help="add tests marked long (soaks, fuzzing)")
    parser.addoption("--part", choices=["waits", "rest"], help="only the tests marked waits, or all but those")
    parser.addoption("--minutes", type=float, default=10, help="how long a soak takes (10)")


def sanitizers():
    """What the build under test was configured with: "", "address,undefined" or "thread"."""
    config = BUILD / "c4che" / "_cache.py"
    for line in config.read_text().splitlines() if config.exists() else []:
        if line.startswith("SANITIZE = "):
            return line.split(" = ")[1].strip("'\"")
    return ""


def pytest_configure(config):
    config.fb_build = BUILD
    config.fb_sanitize = sanitizers()
    config.fb_state = tempfile.mkdtemp(prefix="foldback-tests-")
    os.environ["XDG_STATE_HOME"] = config.fb_state  # no test touches what the user keeps there


def pytest_unconfigure(config):
    shutil.rmtree(config.fb_state, ignore_errors=True)


def pytest_ignore_collect(collection_path, config):
    """Files without a waiting test are left to the others, with the errors that they may have."""
    if config.getoption("--part") == "waits" and collection_path.is_file():
        return b"mark.waits" not in collection_path.read_bytes() or None
    return None


def pytest_collection_modifyitems(config, items):
    part = config.getoption("--part")
    if part:
        items[:] = [item for item in items if bool(item.get_closest_marker("waits")) == (part == "waits")]
    for item in items:
        folder = item.path.relative_to(TOP / "tests").parts[0]
        if folder in PLAIN_FOLDERS:
            item.add_marker("plain")
        elif folder in ("session", "jack"):  # a whole server: all its threads
            item.add_marker("threads")
        if item.get_closest_marker("plain") and config.fb_sanitize:
            item.add_marker(pytest.mark.skip(reason="of no use with sanitizers"))
        elif item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="only with --long"))
        elif item.get_closest_marker("slow") and config.getoption("--fast"):
            item.add_marker(pytest.mark.skip(reason="left out by --fast"))


@pytest.fixture(scope="session")
def build():
    """The folder of the build under test."""
    return BUILD
