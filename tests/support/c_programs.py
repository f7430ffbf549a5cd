# SPDX-License-Identifier: GPL-3.0-or-later
"""C test programs (cmocka) as pytest items. A source test_*.c stands for the program that waf built from it; each
cmocka_unit_test() in it is an item. A program runs once, whole, and side by side with others unless it is marked
`/* pytest: alone */`; it runs before the Python tests, which therefore have the machine to themselves."""
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest

SECONDS = 600
RUNNING = set()


def pytest_addoption(parser):
    parser.addoption("--jobs", type=int, default=os.cpu_count() or 1, help="C test programs run at once")


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".c" and file_path.name.startswith("test_"):
        folder = "nodes" if file_path.parent.parent.name == "nodes" else file_path.parent.name
        return Program.from_parent(parent, path=file_path, program=parent.config.fb_build / "tests" / folder / file_path.stem)
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    def turn(item):
        return (0 if item.side_by_side() else 1) if isinstance(item, CTest) else 2
    items.sort(key=turn)


def pytest_collection_finish(session):
    config = session.config
    wanted = {item.parent: item for item in session.items
              if isinstance(item, CTest) and item.side_by_side() and not item.get_closest_marker("skip")}
    if wanted and not config.option.collectonly:
        config.fb_pool = ThreadPoolExecutor(max(1, config.option.jobs))
        for program in wanted:
            program.future = config.fb_pool.submit(program.run)


def pytest_unconfigure(config):
    pool = getattr(config, "fb_pool", None)
    if pool:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(RUNNING):
            kill(process)
        pool.shutdown()


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@lru_cache(maxsize=None)
def has_threads(folder):
    """Does the folder of the project that the tests in tests/unit/FOLDER try start threads itself?"""
    top = Path(__file__).resolve().parents[2] / folder
    return any("pthread_create" in path.read_text() for path in top.glob("*.c"))


class Program(pytest.File):
    """One C test program, built from the source at `path`."""

    def __init__(self, program, **kw):
        super().__init__(**kw)
        self.program = program
        self.future = None
        self.done = None
        self.told = False

    def collect(self):
        """The tests are named where the source hands them to cmocka; a program without cmocka is one test."""
        text = self.path.read_text()
        self.names = list(dict.fromkeys(re.findall(r"cmocka_unit_test(?:_[a-z_]+)?\(\s*(\w+)", text)))
        marks = set(re.findall(r"/\* pytest: (\w+) \*/", text))
        if "pthread_create" in text or has_threads(self.path.parent.name):
            marks.add("threads")
        for name in self.names or ["main"]:
            item = CTest.from_parent(self, name=name)
            for mark in sorted(marks):
                item.add_marker(mark)
            item.add_marker(pytest.mark.timeout(0))  # run() has its own limit
            yield item

    def run(self):
        """Run the program. Returns (verdict by test, text by test, all it printed, why it ended badly or None)."""
        env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
        try:
            process = subprocess.Popen([str(self.program)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace", env=env,
                                       start_new_session=True)
        except FileNotFoundError:
            return {}, {}, "", f"{self.program} is not built: run ./waf"
        RUNNING.add(process)
        try:
            output, end = process.communicate(timeout=SECONDS)[0], None
            if process.returncode < 0:
                end = f"the program was ended by {signal.Signals(-process.returncode).name}"
            elif process.returncode:
                end = f"the program ended with code {process.returncode}"
        except subprocess.TimeoutExpired:
            kill(process)
            output, end = process.communicate()[0], f"the program was stopped after {SECONDS} s"
        finally:
            RUNNING.discard(process)
        group = re.search(r"^not ok 0 - .* (GROUP \w+)$", output, re.M)  # cmocka 1.1.5 exits 0 then
        if group and not end:
            end = f"{group[1]} failed"
        return (*parse_tap(output), output, end)

    def result(self):
        if not self.done:
            self.done = self.future.result() if self.future else self.run()
        return self.done


def parse_tap(output):
    """Verdict ("ok", "skip", "not ok") and text by test: what stands before its verdict, and cmocka's own lines
    (`# ...`) after it."""
    verdicts, texts, block, name = {}, {}, [], None
    for line in output.splitlines():
        found = re.match(r"(ok|not ok) [1-9]\d* (?:- |# (SKIP) )(\w+)", line)
        if found:
            name = found[3]
            verdict = "skip" if found[2] else found[1]
            if verdicts.get(name, "ok") in ("ok", "skip"):
                verdicts[name] = verdict
            texts[name] = texts.get(name, "") + "\n".join(block + [line]) + "\n"
            block = []
        elif name and line.startswith("# ") and not block:
            texts[name] += line + "\n"
        else:
            block.append(line)
    return verdicts, texts


class CTest(pytest.Item):
    def side_by_side(self):
        return not self.get_closest_marker("alone")

    def runtest(self):
        program = self.parent
        verdicts, texts, output, end = program.result()
        if not program.names:
            if end:
                raise CFailure(f"{end}\n{output}")
            return
        verdict = verdicts.get(self.name)
        if verdict == "skip":
            pytest.skip(texts[self.name].strip())
        if verdict == "not ok":
            raise CFailure(texts[self.name])
        first, program.told = not program.told, program.told or verdict is None
        if verdict is None:
            raise CFailure(f"{end or 'the program ended'} before this test\n{output if first else ''}")
        if first and all(verdicts.get(name) in ("ok", "skip") for name in program.names):
            # What is wrong with the program and with no test that has a name here is told once.
            program.told = True
            unseen = sorted(verdicts.keys() - set(program.names))
            if unseen:
                raise CFailure(f"ran without being named by cmocka_unit_test(...) in the source: {', '.join(unseen)}\n{output}")
            if end:
                raise CFailure(f"all tests passed, but {end}\n{output}")

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(CFailure) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"


class CFailure(Exception):
    pass
