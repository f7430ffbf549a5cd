# SPDX-License-Identifier: GPL-3.0-or-later
"""A second JACK client beside foldback, of our own making (jack/probe.c)."""
import signal
import subprocess
import threading
import time

from servers import BUILD, SLOW, wait_for

PROBE = BUILD / "tests" / "jack" / "probe"


class Probe:
    """A client of our own making, ready."""

    def __init__(self, jack, *command):
        self.lines = []
        self.process = subprocess.Popen([str(PROBE), *map(str, command)], env=jack.env, text=True, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n", f"probe {command} did not start"
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def levels(self):
        """The peaks that reach its inputs, from here on."""
        count = len(self.lines)
        wait_for(lambda: len(self.lines) >= count + 2, 5, "a level")  # the one being taken, and a whole one
        return [float(word) for word in self.lines[count + 1].split()[1:]]

    def wait_for(self, level, seconds=5.0):
        """Until its first input peaks at this level, to 0.01: a sine is caught between its samples."""
        end, heard = time.monotonic() + seconds * SLOW, None
        while time.monotonic() < end:
            heard = self.levels()[0]
            if abs(heard - level) < 0.01:
                return
        raise AssertionError(f"{heard} is heard, not {level}")

    def told(self):
        """All it had to say, when it is done."""
        code = self.process.wait(30 * SLOW)
        assert code == 0, f"the probe ended with {code}: {self.lines}"
        self.reader.join()
        return {words[0]: [int(word) for word in words[1:]] for words in map(str.split, self.lines)}

    def toggle(self):
        self.process.send_signal(signal.SIGUSR1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
