# SPDX-License-Identifier: GPL-3.0-or-later
"""A station is edited while it plays: by OSC and by HTTP, in one step or many, and nobody hears a click."""
import json
import os
import signal
import time

import pytest

from servers import Jackd, Osc, wait_for
from taps import CLICK, Take, bend, playing, whole

BASE = {"name": "base", "stages": [
    {"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "trim", "parameters": {"gain": -6}},
    {"type": "t_echo", "id": "echo"}]}
OTHER = {"name": "other", "stages": [
    {"type": "t_tone", "id": "tone"}, {"type": "t_delay", "id": "late", "parameters": {"frames": 240}},
    {"type": "gain", "id": "trim", "parameters": {"gain": -12}}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edits")
    (folder / "base.json").write_text(json.dumps(BASE))
    (folder / "other.json").write_text(json.dumps(OTHER))
    (folder / "broken.json").write_text('{"stages": [{"type": "nothing"}]}')
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with playing(folder, "--stations", 2, "--patch", folder / "base.json", "--patch-path", folder) as foldbackd:
        time.sleep(1)  # the tone began with a corner, which the echo halves every 100 ms
        yield foldbackd


@pytest.fixture
def base(server):
    """The station as every test finds it."""
    assert server.http("PUT", "/api/stations/1/patch", BASE)[0] == 200
    server.osc.send("/station/1/node/fade", 20.0)
    server.osc.sync()
    server.osc.received.clear()
    return server


def stages(server, station=1):
    return [stage["id"] for stage in server.get(f"/api/stations/{station}/patch")["stages"]]


def links(server):
    return {(c["from"], c["to"]): c.get("weight", 1.0) for c in server.get("/api/stations/1/patch")["connections"]}


EDITS = {
    "add": [("/station/1/node/add", "t_echo", "more", "trim"), ("/station/1/node/add", "gain", "last")],
    "remove": [("/station/1/node/remove", "trim"), ("/station/1/node/remove", "echo")],
    "move": [("/station/1/node/move", "echo", "trim"), ("/station/1/node/move", "echo")],
    "replace": [("/station/1/node/replace", "trim", "t_echo"), ("/station/1/node/replace", "echo", "gain")],
    "connect": [("/station/1/node/connect", "tone", "out", 0.5), ("/station/1/node/connect", "trim", "out")],
    "weight": [("/station/1/node/weight", "trim", "echo", -0.5), ("/station/1/node/weight", "echo", "out", 0.0)],
    "disconnect": [("/station/1/node/disconnect", "tone", "trim"), ("/station/1/node/disconnect", "echo", "out")],
    "patch": [("/station/1/patch", "other"), ("/station/1/patch", "base")],
    "undo": [("/station/1/node/remove", "trim"), ("/station/1/undo",), ("/station/1/redo",)],
    "bypass": [("/station/1/trim/bypass", True), ("/station/1/trim/bypass", False)],
    "mode": [("/station/1/mode", "bypass"), ("/station/1/mode", "manual")],
    "mute": [("/station/1/mute", True), ("/station/1/mute", False)],
}


def heard_through(server, actions, pause=0.15):
    """(how much the output bends beyond its own curve at most, how much it changed) through these sets and commands."""
    def once():
        time.sleep(0.2)  # what was before has faded
        with Take(server) as take:
            for action in actions:
                server.osc.send(*action)
                server.osc.sync()
                take.run(pause)
        return take
    take = whole(once)
    change = max(abs(x) for x in take.left[-4800:]) - max(abs(x) for x in take.left[:4800])
    loudest = max(max(map(abs, take.left)) / 0.25, 1.0)
    excess = max(bend(x) - loudest * own for x, own in ((take.left, 4.3e-5), (take.right, 9.7e-5)))
    return excess, change


@pytest.mark.parametrize("kind", EDITS)
def test_no_click(base, kind):
    """-80 dBFS beyond the sine's own curve, through every kind of edit; the sines' curves are 4.3e-5 and 9.6e-5 at full
    level, and grow with the level that an echo builds up."""
    excess, _ = heard_through(base, EDITS[kind])
    assert excess < CLICK


@pytest.mark.slow
@pytest.mark.plain  # under sanitizers the one above does
def test_no_click_in_jack(folder, tmp_path):
    """All of them again, one after the other, in a real JACK server's process callback."""
    with Jackd("foldback-test-edits") as jack:
        options = ["--stations", 1, "--patch", folder / "base.json", "--patch-path", folder]
        with playing(tmp_path, *options, jack=jack) as server:
            time.sleep(1)
            for kind in EDITS:
                assert server.http("PUT", "/api/stations/1/patch", BASE)[0] == 200
                excess, _ = heard_through(server, EDITS[kind])
                assert excess < CLICK, kind


def test_the_measure_hears_a_click(base):
    """Without a fade the same edits are no longer clean: what is measured is there to be heard."""
    base.osc.send("/station/1/node/fade", 0.0)
    excess, _ = heard_through(base, [("/station/1/node/weight", "trim", "echo", -0.5)])
    assert excess > CLICK


def test_the_fade_is_as_long_as_asked(base):
    """From full level to silence: half of it is left in the middle of the fade, whatever its length."""
    for fade_ms in (100.0, 400.0):
        base.http("PUT", "/api/stations/1/patch", {"name": "x", "stages": [{"type": "t_tone", "id": "tone"}]})
        base.osc.send("/station/1/node/fade", fade_ms)

        def once():
            time.sleep(0.2)
            with Take(base) as take:
                base.osc.send("/station/1/node/weight", "tone", "out", 0.0)
                take.run(0.1 + fade_ms / 1000)
            base.osc.call("/station/1/undo")
            time.sleep(0.1 + fade_ms / 1000)
            return take
        left = whole(once).left
        peaks = [max(map(abs, left[i:i + 480])) for i in range(0, len(left) - 480, 480)]  # of each 10 ms
        fading = sum(0.005 < peak / 0.25 < 0.99 for peak in peaks)
        # 3p^2 - 2p^3 is between 0.99 and 0.005 for 0.90 of the way; each end counts to within one 10 ms
        assert fading * 10 == pytest.approx(0.90 * fade_ms, abs=20)


def test_a_tail_outlives_edits_around_it(base):
    """What the echo holds goes on by its own law, half of it every 4,800 frames, while nodes come and go around it."""
    def once():
        base.http("PUT", "/api/stations/1/patch", {**BASE, "stages": [BASE["stages"][0], BASE["stages"][2]]})
        base.osc.send("/station/1/tone/on", 1)
        time.sleep(0.5)
        with Take(base) as take:
            base.osc.send("/station/1/tone/on", 0)
            take.run(0.05)
            base.osc.call("/station/1/node/add", "gain", "behind")
            take.run(0.1)
            base.osc.call("/station/1/node/add", "gain", "before", "echo")
            take.run(0.1)
            base.osc.call("/station/1/node/remove", "behind")
            take.run(0.2)
        return take
    left = whole(once).left
    off = max(i for i in range(4800, len(left)) if abs(left[i] - 0.5 * left[i - 4800]) > 0.05)
    tail = range(off + 64, len(left))  # the tone ends, at most 31 frames behind its last sample beyond 0.05
    assert len(tail) > 0.3 * 48000
    assert max(abs(left[i]) for i in tail[:4800]) > 0.1
    # the crossfade of a signal with itself rounds
    assert max(abs(left[i] - 0.5 * left[i - 4800]) for i in tail) < 1e-6


def test_edits_change_the_patch_and_the_tree(base):
    osc = base.osc
    assert osc.call("/station/1/node/add", "comp", "c", "echo") is True
    assert osc.ask("/station/1/c/threshold") == pytest.approx(base.get("/api/stations/1/params")["c.threshold"])
    assert osc.call("/station/1/node/connect", "tone", "c:sidechain") is True
    assert links(base)[("tone", "c:sidechain")] == 1.0
    assert osc.call("/station/1/node/weight", "tone", "c:sidechain", 0.25) is True
    assert links(base)[("tone", "c:sidechain")] == 0.25
    assert osc.call("/station/1/node/move", "c") is True
    assert ("c", "out") in links(base) and ("tone", "c:sidechain") in links(base)
    assert osc.call("/station/1/node/replace", "echo", "gain") is True
    assert osc.ask("/station/1/echo/gain") == 0
    assert osc.call("/station/1/node/disconnect", "tone", "c:sidechain") is True
    assert osc.call("/station/1/node/remove", "c") is True
    osc.send("/station/1/c/threshold")
    assert osc.wait("/error")[1] == 404
    assert links(base) == {("in", "trim"): 1, ("tone", "trim"): 1, ("trim", "echo"): 1, ("echo", "out"): 1}


@pytest.mark.parametrize("call, says", [
    (("add", "nothing", "x"), "there is no such node type"),
    (("add", "gain", "trim"), "there is a stage of that id already"),
    (("add", "gain", "mute"), "that id is foldback's own"),
    (("add", "gain", "x", "nobody"), "the patch has no such stage"),
    (("add", "gain", "x", "tone"), "t_tone has no input"),
    (("remove", "nobody"), "the patch has no such stage"),
    (("replace", "trim", "t_tone"), 'it has no input for what is connected to "in"'),
    (("connect", "echo", "trim"), "they form a loop: trim > echo > trim"),
    (("connect", "tone", "trim"), "it is connected to trim already"),
    (("connect", "tone", "trim:nothing"), 'gain has no input "nothing"'),
    (("connect", "out", "trim"), 'there is no stage "out"'),
    (("connect", "tone", "out", 5.0), "must be a number from -4 to 4"),
    (("weight", "tone", "out", 0.5), "it is not connected to out"),
    (("disconnect", "tone", "out"), "it is not connected to out"),
])
def test_what_cannot_be_changes_nothing(base, call, says):
    before, undone = base.get("/api/stations/1/patch"), base.osc.call("/station/1/undo")
    assert undone is True and base.osc.call("/station/1/redo") is True
    assert base.osc.call(f"/station/1/node/{call[0]}", *call[1:]) == says
    assert base.get("/api/stations/1/patch") == before
    row = wait_for(lambda: [r for r in base.get("/api/audit?limit=5") if r["outcome"] != "ok"], 5, "the refusal")[0]
    assert row["address"] == f"/station/1/node/{call[0]}" and says in row["outcome"]
    time.sleep(0.1)  # 10 errors a second are sent to one client


def test_a_list_of_edits_is_one_step(base):
    before = base.get("/api/stations/1/patch")
    assert base.post("/api/stations/1/edit", {"edits": [
        {"op": "add", "type": "comp", "id": "c", "before": "echo", "parameters": {"threshold": -30, "ratio": 2}},
        {"op": "connect", "from": "tone", "to": "c:sidechain", "weight": 0.5},
        {"op": "replace", "id": "echo", "type": "gain", "parameters": {"gain": -3}},
        {"op": "move", "id": "trim"},
        {"op": "weight", "from": "tone", "to": "c", "weight": -1},
        {"op": "set", "parameters": {"trim.gain": -9, "trim.bypass": True}}]}) == {"stored": True}
    after, params = base.get("/api/stations/1/patch"), base.get("/api/stations/1/params")
    assert (params["c.threshold"], params["c.ratio"], params["echo.gain"]) == (-30, 2, -3)
    assert (params["trim.gain"], params["trim.bypass"]) == (-9, True)
    assert links(base) == {("in", "c"): 1, ("tone", "c"): -1, ("tone", "c:sidechain"): 0.5, ("c", "echo"): 1,
                           ("echo", "trim"): 1, ("trim", "out"): 1}
    rows = {(r["address"], r["new"]) for r in base.get("/api/audit?limit=10")}
    assert {("/station/1/node/add", "comp c echo"), ("/station/1/node/move", "trim"),
            ("/station/1/trim/gain", "-9")} <= rows
    assert base.osc.call("/station/1/undo") is True
    assert base.get("/api/stations/1/patch") == before
    assert base.osc.call("/station/1/redo") is True
    assert base.get("/api/stations/1/patch") == after


@pytest.mark.parametrize("edits, place", [
    ([], "edits"), ([{"op": "dance"}], "edits[0]"), ("add", "edits"),
    ([{"op": "remove", "id": "trim"}, {"op": "remove", "id": "trim"}], "edits[1]"),
    ([{"op": "remove", "id": "trim"}, {"op": "add", "type": "gain"}], "edits[1]"),
    ([{"op": "remove", "id": "trim", "color": 1}], "edits[0]"),
    ([{"op": "add", "type": "gain", "id": "x", "parameters": {"gain": 1e9}}], "edits[0]"),
    ([{"op": "move", "id": "trim", "parameters": {}}], "edits[0]"),
    ([{"op": "set", "parameters": {"trim.nothing": 1}}], "edits[0]"),
    ([{"op": "connect", "from": "tone", "to": "out"}, {"op": "connect", "from": "echo", "to": "trim"}], "edits[1]"),
])
def test_a_list_is_done_whole_or_not_at_all(base, edits, place):
    before = base.get("/api/stations/1/patch")
    status, answer = base.http("POST", "/api/stations/1/edit", {"edits": edits})
    assert status in (400, 404, 406) and answer["error"]["address"] == place
    assert base.get("/api/stations/1/patch") == before


def test_patches_by_http(base):
    other = base.get("/api/stations/2/patch")
    assert base.http("PUT", "/api/stations/1/patch", OTHER) == (200, {"stored": True})
    assert base.osc.ask("/station/1/patch") == "other" and stages(base) == ["tone", "late", "trim"]
    whole_patch = base.get("/api/stations/1/patch")
    assert base.http("PUT", "/api/stations/2/patch", whole_patch)[0] == 200
    assert base.get("/api/stations/2/patch") == whole_patch
    loud = {"stages": [{"type": "gain", "parameters": {"gain": 99}}]}
    status, answer = base.http("PUT", "/api/stations/1/patch", loud)
    assert status == 400 and answer["error"]["address"] == "patch: stages[0].parameters.gain"
    assert base.get("/api/stations/1/patch") == whole_patch
    assert base.osc.call("/station/1/undo") is True  # the load was one step
    assert base.osc.ask("/station/1/patch") == "base" and stages(base) == ["tone", "trim", "echo"]
    base.http("PUT", "/api/stations/2/patch", other)


def test_patches_by_name(base):
    base.osc.received.clear()
    base.osc.send("/station/1/patch", "other")
    base.osc.sync()
    assert stages(base) == ["tone", "late", "trim"]
    for name, says in [("nobody", "there is no such patch"), ("../base", "that is no name of a patch"),
                       ("broken", 'there is no node type "nothing"')]:
        base.osc.send("/station/1/patch", name)
        assert says in base.osc.wait("/error")[2]
    assert base.osc.ask("/station/1/patch") == "other"


def test_patches_are_read_again(base):
    file = base.folder / "base.json"
    changed = json.loads(file.read_text())
    changed["stages"][1]["parameters"]["gain"] = -1.5
    file.write_text(json.dumps(changed))
    os.kill(base.process.pid, signal.SIGHUP)
    wait_for(lambda: base.get("/api/stations/1/params")["trim.gain"] == -1.5, 5, "the patch read again")
    row = wait_for(lambda: [r for r in base.get("/api/audit?limit=5") if r["origin"] == "SIGHUP"], 5, "its row")[0]
    assert row["address"].endswith("/patch") and row["outcome"] == "ok"
    file.write_text("{")
    os.kill(base.process.pid, signal.SIGHUP)
    wait_for(lambda: [r for r in base.get("/api/audit?limit=5") if r["outcome"] != "ok"], 5, "the refusal")
    assert base.get("/api/stations/1/params")["trim.gain"] == -1.5
    file.write_text(json.dumps(BASE))


def test_a_value_refused_later_is_told(base):
    """While an edit fades in, a value that needs a new instance waits. When the node then refuses it, everybody learns
    that the old one is in force."""
    base.http("PUT", "/api/stations/1/patch", {"name": "r", "stages": [{"type": "t_tone"}, {"type": "t_refuse"}]})
    time.sleep(0.2)
    address = "/station/1/t_refuse/limit"
    watcher = Osc(base.osc_port)
    watcher.send("/subscribe", address)
    watcher.wait(address)
    base.osc.send("/station/1/node/fade", 300.0)
    base.osc.call("/station/1/node/add", "gain", "busy")
    base.osc.received.clear()
    base.osc.send(address, 9)
    assert watcher.wait(address) == [9]
    assert watcher.wait(address, 5) == [0]
    assert base.osc.ask(address) == 0
    row = wait_for(lambda: [r for r in base.get("/api/audit?limit=10") if r["outcome"] != "ok"], 5, "the refusal")[0]
    assert row["address"] == address and row["origin"] == "engine"
    assert base.osc.call("/station/1/undo") is True  # the edit: the refused value has left no step
    assert stages(base) == ["t_tone", "t_refuse"] and base.osc.ask(address) == 0
