# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of foldback as a JACK client share: a second client (probe.c) and a JACK server each."""
import signal
import subprocess
import threading

import pytest

from servers import BUILD, SLOW, Jackd, wait_for

PROBE = BUILD / "tests" / "jack" / "probe"


class Probe:
    """A client of our own making, ready."""

    def __init__(self, jack, *command):
        self.lines = []
        self.process = subprocess.Popen([str(PROBE), *map(str, command)], env=jack.env, text=True, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n", f"probe {command} did not start"
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()

    def levels(self):
        """The peaks that reach its inputs, from here on."""
        count = len(self.lines)
        wait_for(lambda: len(self.lines) >= count + 2, 5, "a level")  # the one being taken, and a whole one
        return [float(word) for word in self.lines[count + 1].split()[1:]]

    def told(self):
        """All it had to say, when it is done."""
        code = self.process.wait(30 * SLOW)
        assert code == 0, f"the probe ended with {code}: {self.lines}"
        wait_for(lambda: len(self.lines) >= 3, 5, "its last words")
        return {words[0]: [int(word) for word in words[1:]] for words in map(str.split, self.lines)}

    def toggle(self):
        self.process.send_signal(signal.SIGUSR1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def jack(request):
    """A JACK server for this test alone, for some of them end it."""
    with Jackd("foldback-" + request.node.name[:40].replace("[", "-").replace("]", "")) as server:
        yield server


@pytest.fixture
def probe(jack):
    return lambda *command: Probe(jack, *command)
