# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a model's server, apart from what it answers: where a key may go and what a file of it may hold, how long a session
waits, what a person sees meanwhile."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import pytest

from servers import SLOW, wait_for
from support.model_double import ModelDouble, advises, engineer, package, refuses
from tuning import Optimizer

SHORT = ["--sample", "brief.wav", "--engine", "llm", "--auditions", 40]
GOOD = advises({"trim.gain": 6})


@pytest.fixture
def plain(tmp_path):
    """A double without TLS, as model servers on the same machine are."""
    with ModelDouble(tmp_path, GOOD, tls=False) as double:
        yield double


# --- addresses and keys


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "127.example.org", "localhost.example.org", "models.example.org", "[::2]"])
def test_only_this_machine_gets_a_key_in_the_clear(server, plain, host):
    """A name that begins like an address of this machine is anybody's."""
    said = Optimizer(server).fails(*SHORT, "--base-url", f"http://{host}:9/v1", "--model", "m", "--key-file", plain.key_file)
    assert said == "foldback-optimizer: --base-url: a key is not sent in the clear: use https, or no key\n"


@pytest.mark.parametrize("base", ["http://127.0.0.1:{}/v1", "http://LOCALHOST:{}/v1/", "http://127.1:{}/v1",
                                  "http://localhost:{}/v1/chat/completions"])
def test_addresses(server, plain, base):
    """This machine under its names; and an address copied with its end."""
    url = base.format(plain.server.server_port)
    Optimizer(server).json(*SHORT, "--base-url", url, "--model", "m", "--key-file", plain.key_file, "--rounds", 1)
    assert plain.headers[0]["Authorization"] == f"Bearer {plain.key}" and plain.headers[0]["User-Agent"].startswith("foldback/")


@pytest.mark.parametrize("url, reason", [
    ("http://localhost:9/v1?key=1", "takes no user name, no query and no fragment"), ("http://u:p@localhost:9/v1", "takes no user name"),
    ("http://localhost:9/v1#x", "no fragment"), ("ftp://localhost/v1", "needs https://HOST"), ("localhost:9/v1", "needs https://HOST")])
def test_bad_addresses(server, url, reason):
    """Told before anything is listened to."""
    assert reason in Optimizer(server).fails("--live", 60, "--engine", "llm", "--base-url", url, "--model", "m")


@pytest.mark.parametrize("text, sent", [(b"sk-1\r\nmore\n", "Bearer sk-1"), (b"  sk-1 \n", "Bearer sk-1"), (b"k" * 2000, "Bearer " + "k" * 2000)])
def test_key_files(server, plain, text, sent):
    plain.key_file.write_bytes(text)
    Optimizer(server).json(*SHORT, *plain.options(), "--rounds", 1)
    assert plain.headers[0]["Authorization"] == sent


@pytest.mark.parametrize("text, reason", [
    (b"", "its first line is empty"), (b"\nsk-1\n", "its first line is empty"), (b"sk\0-1\n", "no text"), (b"k" * 10000, "longer than 8191"),
    (b"two words\n", "holds something that is no key"), (None, "Is a directory")])
def test_bad_key_files(server, plain, tmp_path, text, reason):
    """A key that is not there or not whole is no reason to ask without it."""
    if text is not None:
        plain.key_file.write_bytes(text)
    said = Optimizer(server).fails(*SHORT, "--base-url", plain.url, "--model", "m", "--key-file", tmp_path if text is None else plain.key_file)
    assert reason in said and plain.requests == []


def test_proxies(server, plain):
    """What goes to this machine goes to no proxy."""
    nowhere = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")}
    done = Optimizer(server).run(*SHORT, *plain.options(), "--rounds", 1, env=dict(os.environ, **nowhere))
    assert (done.returncode, done.stderr) == (0, "")


# --- time


def test_seconds_end_a_question(server, tmp_path):
    """A model that thinks on does not keep a session beyond its seconds; the best so far is kept."""
    with ModelDouble(tmp_path, GOOD, "stall") as double:
        result = Optimizer(server).json(*SHORT, *double.options(), "--seconds", 2 * SLOW, "--patience", 9)
    assert result["stopped"] == "seconds" and result["seconds"] < 2 * SLOW + 3 * SLOW and result["gave_up"] is None
    assert result["score_after"] > result["score_before"]


def test_interrupted_while_backing_off(server, tmp_path):
    """Ctrl-C is heard while the server's minute passes."""
    with ModelDouble(tmp_path, GOOD, refuses(429, "busy", Retry_After=60)) as double:
        pressed = []

        def waits():
            if len(double.requests) == 2 and not pressed:
                pressed.append(time.monotonic())
            return pressed

        code, out, err = Optimizer(server).interrupted(*SHORT, *double.options(), "--json", "--patience", 9, after=waits)
        assert time.monotonic() - pressed[0] < 10 * SLOW
    result = json.loads(out)
    assert (code, err, result["stopped"], result["gave_up"]) == (0, "", "interrupted", None)


# --- what a person sees


class Terminal:
    """A run on a terminal of 80 columns: what it writes, as it comes."""

    def __init__(self, command):
        self.own, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(list(map(str, command)), stdout=other, stderr=other)
        os.close(other)
        os.set_blocking(self.own, False)
        self.text = ""

    def read(self):
        try:
            self.text += os.read(self.own, 1 << 16).decode(errors="replace")
        except (BlockingIOError, OSError):
            pass  # nothing now, or it has ended
        return self.text

    def close(self):
        wait_for(lambda: self.read() and self.process.poll() is not None, 30, "its end")
        self.read()
        os.close(self.own)


@pytest.mark.waits
def test_eighty_columns(server, tmp_path):
    """No line is wider than the terminal, so the line of progress can be drawn over; it says why it waits."""
    long = "The server is busy with many other things at the moment, please be patient and come back soon"
    with ModelDouble(tmp_path, refuses(429, long, Retry_After=2), engineer) as double:
        seen = Terminal([*Optimizer(server).command, *SHORT, "--auditions", 120, "--engine", "hybrid", *double.options(),
                         "--price-in", 10, "--price-out", 30])
        seen.close()
    assert seen.process.returncode == 0
    drawn = [part for line in seen.text.split("\n") for part in re.split(r"\r|\x1b\[K", line)]
    assert max(map(len, drawn)) < 80, [line for line in drawn if len(line) >= 80]
    assert any(line.startswith("asking again in 2 s (localhost: answers with HTTP status 429: The server is") for line in drawn)
    assert any(re.match(r"asking the model: \d+ of 120 auditions", line) for line in drawn)


def test_reasons_are_shown(server, plain):
    """What the model says of its proposal stands below its round, and is told to it again."""
    plain.acts[:] = [advises({"trim.gain": 6}, reasoning="Too soft by 6 dB.\x1b[31m \u202eRaise it. " + "And so on. " * 20)] * 2 + [GOOD]
    text = Optimizer(server).run(*SHORT, *plain.options(), "--rounds", 2, "--patience", 9).stdout
    lines = text.splitlines()
    (at,) = [i for i, line in enumerate(lines) if "model: Too soft by 6 dB.?[31m ?Raise it. And so" in line]
    assert lines[at - 1].startswith("1 ") and lines[at + 1].startswith("         ") and max(map(len, lines)) <= 80
    (mine,) = [one for entry in package(plain.requests[1])["history"] for one in entry["trials"] if "why" in one]
    assert mine["why"].startswith("Too soft by 6 dB.?[31m")


def test_balance_of_the_best(server, plain):
    """The balance that a model is told is that of the best setting so far, not of the station as found."""
    plain.acts[:] = [advises({"eq.b5_gain": -12}), GOOD]
    Optimizer(server).json(*SHORT, *plain.options(), "--only", "eq.b5_gain,trim.gain", "--rounds", 2, "--patience", 9, "--max-step", 1)
    first, second = (package(request) for request in plain.requests[:2])
    told = lambda p: (p["parameters"]["eq.b5_gain"]["now"], p["third_octaves"]["out"])  # noqa: E731
    assert first["third_octaves"]["in"] == second["third_octaves"]["in"]
    assert (told(first)[0] == told(second)[0]) == (told(first)[1] == told(second)[1])
    changed = {one["eq.b5_gain"] for p in (first, second) for one in [p["report"]["parameters"]] if "eq.b5_gain" in one}
    assert changed and second["third_octaves"]["out"] != second["third_octaves"]["in"]


def test_what_slept_may_have_woken(server, plain):
    """A band's frequency does nothing while its gain is 0; once the gain is turned it is not called silent any more."""
    plain.acts[:] = [advises({"trim.gain": 6, "eq.b5_gain": 3}), GOOD]
    Optimizer(server).json(*SHORT, *plain.options(), "--freeze", "eq.b1_*,eq.b2_*,eq.b3_*,eq.b4_*,eq.b6_*,eq.b7_*,eq.b8_*", "--rounds", 2,
                           "--patience", 9)
    first, second = (package(request)["parameters"] for request in plain.requests[:2])
    assert first["eq.b5_freq"].get("silent") or first["eq.b5_gain"]["now"] != 0
    assert second["eq.b5_gain"]["now"] != 0 and "silent" not in second["eq.b5_freq"] and second["limiter.ceiling"].get("silent")


def test_nothing_is_told_twice(server, plain):
    """Of eight bands the first is described; the others are like it."""
    Optimizer(server).json(*SHORT, *plain.options(), "--rounds", 1)
    told = package(plain.requests[0])["parameters"]
    like = {name: value for name, value in told["eq.b7_freq"].items() if name != "silent"}
    assert told["eq.b1_freq"]["range"] == [20, 20000] and like == {"now": 8000, "like": "eq.b1_freq"}
    docs = [row["does"] for row in told.values() if "does" in row]
    assert len(docs) <= len(told) - 7 * 6
