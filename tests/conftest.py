# SPDX-License-Identifier: GPL-3.0-or-later
"""One runner for all tests: pytest. The C programs in build/tests (cmocka) become items, one per cmocka test;
the Python files under tests/ drive real servers. `--long` adds what takes long, `--fast` leaves out all marked slow."""
import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FB_BUILD", TOP / "build"))


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="leave out tests marked slow")
    parser.addoption("--long", action="store_true", help="add tests marked long (soaks, fuzzing)")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "long: takes minutes; only with --long")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="only with --long"))
        elif item.get_closest_marker("slow") and config.getoption("--fast"):
            item.add_marker(pytest.mark.skip(reason="left out by --fast"))


def pytest_collect_file(file_path, parent):
    """A C test's source stands for its program."""
    if file_path.suffix == ".c" and file_path.name.startswith("test_"):
        folder = "nodes" if file_path.parent.parent.name == "nodes" else file_path.parent.name
        program = BUILD / "tests" / folder / file_path.stem
        return Program.from_parent(parent, path=file_path, program=program)
    return None


class Program(pytest.File):
    def __init__(self, program, **kw):
        super().__init__(**kw)
        self.program = program

    def collect(self):
        """The tests are named where the source hands them to cmocka."""
        names = re.findall(r"cmocka_unit_test(?:_setup_teardown)?\(\s*(\w+)", self.path.read_text())
        marks = set(re.findall(r"/\* pytest: (\w+) \*/", self.path.read_text()))
        for name in names:
            item = CTest.from_parent(self, name=name)
            for mark in marks:
                item.add_marker(mark)
            yield item

    def results(self):
        """Run the program once; TAP lines by test name, and all it printed."""
        if not hasattr(self, "_results"):
            env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
            done = subprocess.run([str(self.program)], capture_output=True, text=True, env=env, timeout=1200,
                                  errors="replace")
            output = done.stdout + done.stderr
            verdicts = dict((name, ok == "ok") for ok, name in
                            re.findall(r"^(ok|not ok) \d+ - (\w+)", done.stdout, re.M))
            verdicts.update((name, None) for name in re.findall(r"^not ok \d+ # SKIP (\w+)", done.stdout, re.M))
            self._results = verdicts, output, done.returncode
        return self._results


class CTest(pytest.Item):
    def runtest(self):
        verdicts, output, code = self.parent.results()
        if self.name not in verdicts:
            raise CFailure(f"the program ended (code {code}) before this test\n{output}")
        if verdicts[self.name] is None:
            pytest.skip("the program skipped it")
        if not verdicts[self.name]:
            raise CFailure(output)
        if code and False not in verdicts.values():
            raise CFailure(f"all tests passed, but the program ended with code {code}\n{output}")

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(CFailure) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"


class CFailure(Exception):
    pass
