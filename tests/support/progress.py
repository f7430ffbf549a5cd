# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress for logs (`--brief`, used by ./check): a line when a test fails and one every few seconds, no dots, no
control characters; and the counts in a file (`--counts FILE`) for whoever adds them up."""
import time
from pathlib import Path

import pytest

EVERY_S = 10.0
SLOWEST = 5


def pytest_addoption(parser):
    parser.addoption("--brief", action="store_true", help="a line now and then instead of a dot a test")
    parser.addoption("--counts", help="write `passed failed skipped` to this file")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.option.brief or config.option.counts:
        config.pluginmanager.register(Progress(config), "foldback-progress")


class Progress:
    def __init__(self, config):
        self.brief = config.option.brief
        self.counts = config.option.counts
        self.terminal = config.pluginmanager.get_plugin("terminalreporter")
        self.start = self.told = time.monotonic()
        self.total = self.passed = self.failed = self.skipped = 0
        self.times, self.names = {}, []

    def say(self, text):
        if self.brief and self.terminal:
            self.terminal.write_line(text)
            self.terminal.flush()

    def pytest_collection_finish(self, session):
        self.total = len(session.items)
        self.say(f"    {self.total} to run")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_report_teststatus(self):
        """No dots."""
        outcome = yield
        if self.brief and outcome.get_result():
            category, _letter, word = outcome.get_result()
            outcome.force_result((category, "", word))

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed += 1
            self.names.append(report.nodeid + ("" if report.when == "call" else f" ({report.when})"))
            self.say(f"    FAILED {self.names[-1]}")
        elif report.skipped:
            self.skipped += 1
        elif report.when == "call":
            self.passed += 1
        self.times[report.nodeid] = self.times.get(report.nodeid, 0) + report.duration

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed += 1
            self.names.append(report.nodeid)

    def state(self):
        done = self.passed + self.failed + self.skipped
        return f"    {time.monotonic() - self.start:4.0f} s  {done} of {self.total}, {self.failed} failed"

    def pytest_runtest_logfinish(self, nodeid):
        if time.monotonic() - self.told >= EVERY_S:
            self.told = time.monotonic()
            self.say(f"{self.state()}; last: {nodeid}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        if self.brief and self.terminal:
            self.terminal.write(self.state())  # pytest ends this line
        if self.counts and not session.config.option.collectonly:
            Path(self.counts).write_text(f"{self.passed} {self.failed} {self.skipped}\n")

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self):
        for name in self.names:  # again, below all the details
            self.say(f"    FAILED {name}")
        slowest = sorted(self.times.items(), key=lambda entry: -entry[1])[:SLOWEST]
        slow = [f"{name} {seconds:.0f} s" for name, seconds in slowest if seconds >= EVERY_S]
        if slow:
            self.say("    slowest: " + ", ".join(slow))
