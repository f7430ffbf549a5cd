# SPDX-License-Identifier: GPL-3.0-or-later
"""MIDI control through real JACK ports: learning, every kind of controller, feedback to motor faders, soft takeover, and
the map that outlives the server."""
import json
import queue
import subprocess
import threading
import time

import pytest
from programs import Foldback
from servers import BUILD, SLOW, Foldbackd, Jackd, wait_for

PATCH = json.dumps({"stages": [{"id": "trim", "type": "gain"}, {"id": "comp", "type": "comp"}]})
GAIN, MODE, MUTE = "/station/1/trim/gain", "/station/1/mode", "/station/1/mute"
LOW, HIGH = -60.0, 24.0


class Desk:
    """A surface: what it sends, and what it is told."""

    def __init__(self, jack):
        self.process = subprocess.Popen([str(BUILD / "tests/midi/desk"), "foldback"], env=jack.env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(tuple(int(byte, 16) for byte in line.split()))

    def send(self, *messages):
        for message in messages:
            self.process.stdin.write(" ".join(f"{byte:02x}" for byte in message) + "\n")
        self.process.stdin.flush()

    def hear(self, message, seconds=3):
        """Wait for this very message; all before it are passed over."""
        end = time.monotonic() + seconds * SLOW
        passed = []
        while time.monotonic() < end:
            try:
                passed.append(self.lines.get(timeout=0.05))
            except queue.Empty:
                continue
            if passed[-1] == message:
                return
        raise AssertionError(f"{message} did not come; {passed}")

    def silence(self, seconds):
        """What came in that time."""
        time.sleep(seconds)
        heard = []
        while not self.lines.empty():
            heard.append(self.lines.get())
        return heard

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def jack():
    with Jackd("midi", sync=True) as running:  # a client that misses a period misses its messages
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    (folder / "patch.json").write_text(PATCH)
    return folder


@pytest.fixture(scope="module")
def running(jack, home):
    with Foldbackd(home, "--patch", f"1={home / 'patch.json'}", jack=jack) as server:
        yield server


@pytest.fixture(scope="module")
def desk(running, jack):
    surface = Desk(jack)
    yield surface
    surface.close()


@pytest.fixture
def server(running):
    running.osc.call("/midi/forget_all")
    running.osc.send("/midi/pickup", False)
    running.osc.send(GAIN, 0.0)
    running.osc.sync()
    return running


def learn(server, desk, address, *messages, mode=None):
    assert server.osc.call("/midi/learn", address, *([mode] if mode else [])) is True
    assert server.osc.ask("/midi/learning") == address
    desk.send(*messages)
    wait_for(lambda: server.osc.ask("/midi/learning") == "", what="the end of learning")
    return next(b for b in server.get("/api/midi")["bindings"] if b["address"] == address)


def becomes(server, address, value, tolerance=1e-3):
    def there():
        now = server.osc.ask(address)
        return now == value if isinstance(value, (str, bool)) else abs(now - value) <= tolerance
    wait_for(there, what=f"{address} at {value}, it is at {server.osc.ask(address)}")


def at(x):
    return LOW + x * (HIGH - LOW)


def test_seven_bits(server, desk):
    bound = learn(server, desk, GAIN, (0xB0, 70, 64))
    assert bound == {"address": GAIN, "type": "cc", "channel": 1, "number": 70, "mode": "absolute", "pickup": False,
                     "feedback": True}
    for value in (0, 127, 40):
        desk.send((0xB0, 70, value))
        becomes(server, GAIN, at(value / 127))
    desk.send((0xB1, 70, 100), (0xB0, 71, 100))  # another channel, another controller
    time.sleep(0.05)
    assert abs(server.osc.ask(GAIN) - at(40 / 127)) < 1e-3


def test_fourteen_bits(server, desk):
    """The first controllers come in pairs: both halves at once are learned as one."""
    assert learn(server, desk, GAIN, (0xB2, 7, 64), (0xB2, 39, 1))["type"] == "cc14"
    desk.send((0xB2, 7, 100), (0xB2, 39, 77))
    becomes(server, GAIN, at((100 * 128 + 77) / 16383))
    assert learn(server, desk, MUTE, (0xB2, 8, 64))["type"] == "cc"  # a lone one is not


def test_a_motor_fader(server, desk):
    """Pitch bend in both directions; a fader that is being moved is not pulled, and rests where the value is."""
    assert learn(server, desk, GAIN, (0xE3, 0, 64))["type"] == "bend"
    desk.silence(0.5)
    server.osc.send(GAIN, HIGH)
    desk.hear((0xE3, 0x7F, 0x7F))
    server.osc.send(GAIN, LOW)
    desk.hear((0xE3, 0, 0))
    for value in range(0, 128, 8):
        desk.send((0xE3, 0, value))
    becomes(server, GAIN, at((120 << 7) / 16383))
    assert desk.silence(0.6) == []  # it stands where it was left: nothing to say
    desk.send((0xE3, 0, 32))
    becomes(server, GAIN, at((32 << 7) / 16383))
    server.osc.send(GAIN, HIGH)  # somebody else, while it is held: it hears of that when it rests
    server.osc.sync()
    held = desk.silence(0.1)
    assert held == [] or SLOW > 1
    desk.hear((0xE3, 0x7F, 0x7F))


@pytest.mark.parametrize("mode, up, down", [
    ("relative_twos", 1, 127), ("relative_offset", 65, 63), ("relative_sign", 1, 65)])
def test_wheels(server, desk, mode, up, down):
    learn(server, desk, GAIN, (0xB0, 20, up), mode=mode)
    before = server.osc.ask(GAIN)
    desk.send(*[(0xB0, 20, up)] * 10)
    becomes(server, GAIN, before + 10 * (HIGH - LOW) / 127)
    desk.send(*[(0xB0, 20, down)] * 20)
    becomes(server, GAIN, before - 10 * (HIGH - LOW) / 127)
    learn(server, desk, MODE, (0xB0, 21, up), mode=mode)
    server.osc.send(MODE, "auto")
    server.osc.sync()
    desk.send((0xB0, 21, up))
    becomes(server, MODE, "manual")
    desk.send((0xB0, 21, down), (0xB0, 21, down))
    becomes(server, MODE, "auto")  # and no further


def test_buttons(server, desk):
    server.osc.send(MUTE, False)
    assert learn(server, desk, MUTE, (0x90, 60, 100), (0x80, 60, 0))["mode"] == "toggle"
    desk.send((0x90, 60, 100), (0x80, 60, 0))
    becomes(server, MUTE, True)
    desk.hear((0x90, 60, 127))  # its lamp
    desk.send((0x90, 60, 100), (0x90, 60, 0))
    becomes(server, MUTE, False)
    desk.hear((0x90, 60, 0))
    learn(server, desk, MUTE, (0x90, 61, 100), (0x80, 61, 0), mode="momentary")
    desk.send((0x90, 61, 1))
    becomes(server, MUTE, True)
    desk.send((0x80, 61, 1))
    becomes(server, MUTE, False)
    server.osc.send("/station/1/name", "before")
    server.osc.send(GAIN, -3.0)
    learn(server, desk, "/station/1/undo", (0x90, 62, 100), (0x80, 62, 0))
    desk.send((0x90, 62, 100), (0x80, 62, 0))
    becomes(server, GAIN, 0.0)


def test_soft_takeover(server, desk):
    server.osc.send("/midi/pickup", True)
    assert learn(server, desk, GAIN, (0xB0, 70, 0))["pickup"] is True
    server.osc.send(GAIN, at(0.5))
    server.osc.sync()
    desk.send((0xB0, 70, 10), (0xB0, 70, 40))
    time.sleep(0.1)
    assert abs(server.osc.ask(GAIN) - at(0.5)) < 1e-3  # not met yet
    desk.send((0xB0, 70, 80))
    becomes(server, GAIN, at(80 / 127))
    server.osc.send(GAIN, at(0.1))  # another moved it: to be met anew
    server.osc.sync()
    desk.send((0xB0, 70, 90))
    time.sleep(0.1)
    assert abs(server.osc.ask(GAIN) - at(0.1)) < 1e-3


def test_who_moved_it_stands_in_the_audit(server, desk):
    learn(server, desk, GAIN, (0xB4, 77, 64))
    desk.send((0xB4, 77, 127))
    becomes(server, GAIN, HIGH)
    wait_for(lambda: [r for r in server.get("/api/audit?limit=20") if r["address"] == GAIN and r["origin"] == "midi cc 5/77"],
             what="the row")


def test_osc_hears_of_midi(server, desk):
    learn(server, desk, GAIN, (0xB0, 70, 64))
    server.osc.received.clear()
    server.osc.send("/subscribe", GAIN, ("i", 100))
    server.osc.wait(GAIN)
    desk.send((0xB0, 70, 127))
    wait_for(lambda: server.osc.wait(GAIN) == [HIGH], what="feedback to OSC")
    server.osc.send("/unsubscribe")
    server.osc.wait("/unsubscribe")


def test_a_node_that_goes_and_comes_back(server, desk):
    threshold = "/station/1/extra/threshold"
    assert server.osc.call("/station/1/node/add", "comp", "extra") is True
    learn(server, desk, threshold, (0xB0, 75, 64))
    assert server.osc.call("/station/1/node/remove", "extra") is True
    desk.send((0xB0, 75, 127))
    assert server.osc.call("/station/1/node/add", "comp", "extra") is True
    desk.send((0xB0, 75, 0))
    becomes(server, threshold, -60.0)
    server.osc.call("/station/1/node/remove", "extra")


def test_refusals(server):
    osc = server.osc
    assert osc.call("/midi/learn", "/station/1/nowhere") == "there is no such address to learn"
    assert "cannot be set" in osc.call("/midi/learn", "/station/1/metric/rms")
    assert "has no text" in osc.call("/midi/learn", "/station/1/name")
    assert "relative_twos" in osc.call("/midi/learn", GAIN, "backwards")
    assert osc.call("/midi/learn", GAIN) is True and osc.call("/midi/cancel") is True
    assert osc.ask("/midi/learning") == ""
    before = server.get("/api/midi")
    for body, where in (({"bindings": [{"address": GAIN, "channel": 17}]}, "bindings[0].channel"),
                        ({"bindings": [{"address": GAIN}, {"address": MUTE}]}, "bindings[1]"), ([], "bindings")):
        status, answer = server.http("PUT", "/api/midi", body)
        assert status in (400, 409) and answer["error"]["address"] == where, answer
    assert server.get("/api/midi") == before


def test_the_command(server, desk, tmp_path):
    foldback = Foldback(*server.clients)
    learning = threading.Thread(target=lambda: foldback("midi", "learn", GAIN))
    learning.start()
    wait_for(lambda: server.osc.ask("/midi/learning") == GAIN, what="learning")
    desk.send((0xB0, 90, 5))
    learning.join()
    assert f"cc 1/90  absolute  {GAIN}" in " ".join(foldback("midi", "list").split(" ")).replace("    ", "  ") \
        or GAIN in foldback("midi", "list")
    file = tmp_path / "map.json"
    assert foldback("midi", "export", file) == ""
    assert json.loads(file.read_text()) == server.get("/api/midi")
    assert foldback("midi", "forget", GAIN) == ""
    assert server.get("/api/midi") == {"bindings": []}
    foldback("midi", "import", file)
    assert server.get("/api/midi") == json.loads(file.read_text())
    file.write_text('{"bindings": [{"address": "x"}]}')
    assert "bindings[0].address" in foldback.fails("midi", "import", file)
    assert "nothing was bound" in foldback.fails("midi", "forget", "/station/1/mono")
    assert "0.2 s" in foldback.fails("midi", "learn", MUTE, "--wait", "0.2")
    assert server.osc.ask("/midi/learning") == ""


def test_the_map_outlives_the_server(jack, tmp_path):
    (tmp_path / "patch.json").write_text(PATCH)
    options = ["--patch", f"1={tmp_path / 'patch.json'}", "--name", "second"]
    whole = {"bindings": [{"address": GAIN, "type": "bend", "channel": 9, "number": 0, "mode": "absolute", "pickup": True,
                           "feedback": False}]}
    with Foldbackd(tmp_path, *options, jack=jack) as first:
        assert first.http("PUT", "/api/midi", whole)[0] == 200
    with Foldbackd(tmp_path, *options, jack=jack) as second:
        wait_for(lambda: second.get("/api/midi") == whole, what="the map that was kept")
