# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes over OSC and HTTP, on a real server: what is saved, how a recall sounds, what it leaves alone, what undo takes
back, and what survives the server."""
import json
import math
import time
from urllib.parse import quote

import pytest

from servers import SLOW, Foldbackd, Osc, wait_for
from taps import CLICK, Take, bend, playing, whole

PATCH = {"name": "plain", "stages": [
    {"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "trim", "parameters": {"gain": -6}},
    {"type": "t_value", "id": "side"}],
    "connections": [{"from": "tone", "to": "trim"}, {"from": "trim", "to": "out"}, {"from": "in", "to": "side"}]}
OTHER = {"name": "other", "goal": {"target_lufs": -16, "weights": {"snr": 1}}, "stages": [
    {"type": "t_tone", "id": "tone"}, {"type": "t_echo", "id": "echo"},
    {"type": "gain", "id": "trim", "parameters": {"gain": -12}}]}


def start(folder, *options):
    patch = folder / "plain.json"
    patch.write_text(json.dumps(PATCH))
    return playing(folder, "--stations", 3, "--patch", patch, *options)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start(tmp_path_factory.mktemp("scenes")) as foldbackd:
        yield foldbackd


@pytest.fixture
def server(running):
    """All stations as they started, no scenes, nothing safe but what is so at first."""
    for station in (1, 2, 3):
        assert running.http("PUT", f"/api/stations/{station}/patch", PATCH)[0] == 200
        for leaf, value in (("mute", False), ("mono", False), ("mode", "manual"), ("name", f"Station {station}")):
            running.osc.send(f"/station/{station}/{leaf}", value)
    for scene in running.get("/api/scenes")["scenes"]:
        assert running.http("DELETE", "/api/scenes/" + quote(scene["name"]))[0] == 200
    assert running.http("PUT", "/api/scene-safe", {"safe": ["/station/*/proposal"]})[0] == 200
    running.osc.send("/scene/morph", 0.0)
    running.osc.sync()
    running.osc.received.clear()
    return running


def state(server, station):
    """All that a scene holds of a station."""
    assert server.post("/api/scenes/state/save", {"stations": [station]}) == {"stored": True}
    held = server.get("/api/scenes/state")["stations"][str(station)]
    server.http("DELETE", "/api/scenes/state")
    return held


def change(server, *sets):
    for address, value in sets:
        server.osc.send(address, value)
    server.osc.sync()


def test_all_of_a_station_comes_back(server):
    change(server, ("/station/1/trim/gain", -17.5), ("/station/1/trim/bypass", True), ("/station/1/side/steps", 3),
           ("/station/1/name", "Voice"), ("/station/1/mute", True), ("/station/1/mono", True),
           ("/station/1/mode", "auto"), ("/station/1/node/fade", 35.0))
    before = [state(server, n) for n in (1, 2, 3)]
    assert before[0]["leaves"] | {"name": "Voice", "mute": True, "mono": True, "mode": "auto"} == before[0]["leaves"]
    assert server.osc.call("/scene/save", "Verse") is True
    for station in (1, 2, 3):
        server.http("PUT", f"/api/stations/{station}/patch", OTHER)
    change(server, ("/station/1/name", "x"), ("/station/1/mute", False), ("/station/1/mono", False),
           ("/station/1/mode", "bypass"), ("/station/1/node/fade", 20.0), ("/station/2/mute", True))
    assert [state(server, n) for n in (1, 2, 3)] != before
    assert server.osc.call("/scene/load", "Verse") is True
    assert [state(server, n) for n in (1, 2, 3)] == before
    assert server.osc.ask("/station/1/trim/gain") == pytest.approx(-17.5)
    assert server.osc.ask("/station/1/patch") == "plain"
    assert server.osc.ask("/scene/progress") == 100
    change(server, ("/station/1/node/fade", 20.0))


def test_a_scene_of_some_stations_touches_those_alone(server):
    assert server.osc.call("/scene/save", "two", 2) is True
    assert server.osc.call("/scene/save", "all") is True
    change(server, *((f"/station/{n}/trim/gain", -20.0) for n in (1, 2, 3)))
    gains = lambda: [server.get(f"/api/stations/{n}/params")["trim.gain"] for n in (1, 2, 3)]  # noqa: E731
    assert server.osc.call("/scene/load", "two") is True
    assert gains() == [-20, -6, -20]
    assert server.osc.call("/scene/load", "all", 0.0, 3) is True  # and some stations of a scene of all
    assert gains() == [-20, -6, -6]
    assert server.get("/api/scenes/two")["stations"].keys() == {"2"}


def levels_db(samples, step=480):
    """Peak of each 10 ms, in dB below the tone."""
    return [20 * math.log10(max(max(map(abs, samples[i:i + step])), 1e-9) / 0.25)
            for i in range(0, len(samples) - step + 1, step)]


def test_a_morph_glides_through_the_taper_and_does_not_click(server):
    """gain is in dB: the level falls along a line in dB, and ends on the value exactly."""
    change(server, ("/station/1/trim/gain", -30.0))
    server.osc.call("/scene/save", "low", 1)

    def once():
        change(server, ("/station/1/trim/gain", 0.0))
        time.sleep(0.2)
        with Take(server) as take:
            server.osc.call("/scene/load", "low", 0.6)
            take.run(0.9)
        return take
    take = whole(once)
    assert bend(take.left) < 4.3e-5 + CLICK and bend(take.right) < 9.7e-5 + CLICK
    levels = levels_db(take.left)
    begin = next(i for i, level in enumerate(levels) if level < -0.2)
    end = next(i for i, level in enumerate(levels) if level < -29.8)
    assert (end - begin) * 0.01 == pytest.approx(0.6, abs=0.03)
    for part in (0.25, 0.5, 0.75):  # the first block found starts up to 19 ms after the glide, whose ends are rounded: 1.1 dB
        assert levels[begin + round(part * 60)] == pytest.approx(-30 * part, abs=1.2)
    assert max(take.left[-4800:]) == pytest.approx(0.25 * 10 ** (-30 / 20), rel=1e-5)


def test_topology_crossfades_at_the_start_without_a_click(server):
    server.http("PUT", "/api/stations/1/patch", OTHER)
    time.sleep(0.6)
    server.osc.call("/scene/save", "echo", 1)

    def once():
        server.http("PUT", "/api/stations/1/patch", PATCH)
        time.sleep(0.2)
        with Take(server) as take:
            server.osc.call("/scene/load", "echo", 0.3)
            take.run(0.5)
        return take
    take = whole(once)
    assert bend(take.left) < 4.3e-5 + CLICK and bend(take.right) < 9.7e-5 + CLICK
    assert server.osc.ask("/station/1/patch") == "other"
    assert server.osc.ask("/station/1/goal/target_lufs") == pytest.approx(-16)


def test_switches_and_choices_turn_in_the_middle(server):
    change(server, ("/station/1/side/switch", True), ("/station/1/side/steps", 5), ("/station/1/mute", True),
           ("/station/1/trim/bypass", True), ("/station/1/mode", "auto"), ("/station/1/name", "Turned"),
           ("/station/1/side/level", -30.0))
    server.osc.call("/scene/save", "turned", 1)
    change(server, ("/station/1/side/switch", False), ("/station/1/side/steps", 0), ("/station/1/mute", False),
           ("/station/1/trim/bypass", False), ("/station/1/mode", "manual"), ("/station/1/name", "Plain"),
           ("/station/1/side/level", 0.0))
    turning = {"/station/1/side/switch": True, "/station/1/side/steps": 5, "/station/1/mute": True,
               "/station/1/trim/bypass": True, "/station/1/mode": "auto"}
    watcher = Osc(server.osc_port)
    for address in turning:
        watcher.send("/subscribe", address)
        watcher.wait(address)
    began = time.monotonic()
    assert server.osc.call("/scene/load", "turned", 1.0) is True
    assert server.osc.ask("/station/1/name") == "Turned"  # at once, as the aims of what glides
    assert server.osc.ask("/station/1/side/level") == pytest.approx(-30)
    assert not any(path in turning for path, _ in watcher.received)
    assert 0 < wait_for(lambda: server.osc.ask("/scene/progress"), 3, "audio's first period of it") < 50 * SLOW
    for address, value in turning.items():
        assert watcher.wait(address, 3) == [value]
    assert 0.5 <= time.monotonic() - began < 0.95 * SLOW  # never early
    wait_for(lambda: server.osc.ask("/scene/progress") == 100, 3, "the end of the morph")


def test_the_hand_wins_over_a_turn(server):
    turning = [("/station/1/mute", True), ("/station/1/side/steps", 5), ("/station/1/mono", True), ("/station/1/trim/bypass", True),
               ("/station/1/side/switch", True)]
    change(server, *turning)
    server.osc.call("/scene/save", "muted", 1)
    change(server, *((address, 1 if value == 5 else False) for address, value in turning))
    server.osc.call("/scene/load", "muted", 0.6)
    change(server, ("/station/1/side/steps", 7), ("/station/1/mono", True), ("/station/1/mono", False),
           ("/station/1/trim/bypass", False))  # also by what is there already
    wait_for(lambda: server.osc.ask("/scene/progress") == 100, 5, "the end of the morph")
    read = [server.osc.ask(address) for address, _ in turning]
    assert read == [True, 7, False, False, True]


def test_a_recall_during_a_recall_goes_on_from_where_it_is(server):
    change(server, ("/station/1/trim/gain", -40.0), ("/station/1/side/switch", True))
    server.osc.call("/scene/save", "low", 1)
    change(server, ("/station/1/trim/gain", 0.0), ("/station/1/side/switch", False))
    server.osc.call("/scene/save", "high", 1)

    def once():
        server.osc.call("/scene/load", "high", 0.0)
        time.sleep(0.2)
        with Take(server) as take:
            server.osc.call("/scene/load", "low", 2.0)
            take.run(0.4)  # a fifth of the way
            server.osc.call("/scene/load", "high", 0.3)
            take.run(0.6)
        return take
    take = whole(once)
    levels = levels_db(take.left)
    deepest = min(levels)
    assert -16 < deepest < -6  # 0.4 s of 2 s to -40 dB, and what the asking took
    assert bend(take.left) < 4.3e-5 + CLICK
    back = levels.index(deepest)
    assert next(i for i in range(back, len(levels)) if levels[i] > -0.2) - back == pytest.approx(30, abs=4)
    time.sleep(0.8)  # the first one's middle goes by
    assert server.osc.ask("/station/1/side/switch") is False and server.osc.ask("/scene/current") == "high"


def test_a_recall_of_another_station_leaves_this_one_its_turn(server):
    """Station 1 is amid a morph, when station 2 is recalled, at once, or faster: each turns in its own middle."""
    off = [(f"/station/{n}/{leaf}", value) for n in (1, 2) for leaf, value in (("mute", False), ("side/steps", 0))]
    for n in (1, 2):
        change(server, *off, (f"/station/{n}/mute", True), (f"/station/{n}/side/steps", 4))
        server.osc.call("/scene/save", f"on {n}", n)
    change(server, *off)
    server.osc.call("/scene/load", "on 1", 0.6)
    server.osc.call("/scene/load", "on 2", 0.0)
    assert server.osc.ask("/station/2/mute") is True and server.osc.ask("/scene/progress") == 100
    wait_for(lambda: server.osc.ask("/station/1/mute"), 3, "the turn of station 1")
    assert server.osc.ask("/station/1/side/steps") == 4
    change(server, *off)
    server.osc.call("/scene/load", "on 1", 60.0)
    server.osc.call("/scene/load", "on 2", 0.6)
    wait_for(lambda: server.osc.ask("/scene/progress") == 100, 5, "the end of the newest morph")
    assert server.osc.ask("/station/2/mute") is True and server.osc.ask("/station/1/mute") is False
    server.osc.call("/scene/load", "on 1", 0.0)


def test_a_second_recall_sets_the_time_for_all_that_glides(server):
    """The same aim again, sooner: it arrives by the second recall's time."""
    change(server, ("/station/1/trim/gain", -40.0))
    server.osc.call("/scene/save", "low", 1)
    change(server, ("/station/1/trim/gain", 0.0))

    def once():
        change(server, ("/station/1/trim/gain", 0.0))
        time.sleep(0.2)
        with Take(server) as take:
            server.osc.call("/scene/load", "low", 20.0)
            take.run(0.2)
            server.osc.call("/scene/load", "low", 0.1)
            take.run(0.4)
        return take
    assert levels_db(whole(once).left)[-1] == pytest.approx(-40, abs=0.1)


def test_undo_takes_a_recall_back_in_one_step_a_station(server):
    change(server, ("/station/1/trim/gain", -9.0), ("/station/2/trim/gain", -9.0), ("/station/1/side/steps", 4))
    server.http("PUT", "/api/stations/3/patch", OTHER)
    server.osc.call("/scene/save", "nine")
    recalled = [server.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)]
    change(server, ("/station/1/trim/gain", -1.0), ("/station/2/trim/gain", -2.0), ("/station/1/side/steps", 0))
    server.http("PUT", "/api/stations/3/patch", PATCH)
    before = [server.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)]
    for morph in (0.0, 5.0):  # the second is undone amid its morph, before its turn
        assert server.osc.call("/scene/load", "nine", morph) is True
        for station in (1, 2, 3):
            assert server.osc.call(f"/station/{station}/undo") is True
        assert [server.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)] == before
        for station in (1, 2, 3):
            assert server.osc.call(f"/station/{station}/redo") is True
        assert [server.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)] == recalled
        for station in (1, 2, 3):
            assert server.osc.call(f"/station/{station}/undo") is True


def test_a_scene_saved_amid_a_morph_is_where_it_goes(server):
    change(server, ("/station/1/trim/gain", -9.0), ("/station/1/side/steps", 4), ("/station/1/mute", True))
    target = state(server, 1)
    server.osc.call("/scene/save", "target", 1)
    change(server, ("/station/1/trim/gain", 0.0), ("/station/1/side/steps", 0), ("/station/1/mute", False))
    server.osc.call("/scene/load", "target", 10.0)
    assert state(server, 1) == target
    server.osc.call("/scene/load", "target", 0.0)


def test_what_is_safe_stays(server):
    server.osc.call("/scene/save", "saved")
    sets = [(f"/station/{n}/{leaf}", value) for n in (1, 2, 3)
            for leaf, value in (("trim/gain", -20.0), ("side/level", -10.0), ("mute", True), ("side/steps", 2))]
    for pattern in ("station/*/trim/*", "1/side.level", "mute", "2"):
        assert server.osc.call("/scene/safe/add", pattern) is True
    assert server.osc.ask("/scene/safe").split("\n") == [
        "/station/*/proposal", "/station/*/trim/*", "/station/1/side/level", "/station/*/mute", "/station/2"]
    for morph in (0.0, 0.2):
        change(server, *sets)
        server.osc.call("/scene/load", "saved", morph)
        wait_for(lambda: server.osc.ask("/scene/progress") == 100, 5, "the end of the morph")
        read = [(server.get(f"/api/stations/{n}/params"), server.osc.ask(f"/station/{n}/mute")) for n in (1, 2, 3)]
        assert [(p["trim.gain"], p["side.level"], p["side.steps"], mute) for p, mute in read] == [
            (-20, -10, 0, True), (-20, -10, 2, True), (-20, 0, 0, True)]
    assert server.osc.call("/scene/safe/remove", "mute") is True
    server.osc.call("/scene/load", "saved")
    assert server.osc.ask("/station/1/mute") is False and server.osc.ask("/station/2/mute") is True


def test_a_safe_patch_keeps_its_nodes(server):
    server.http("PUT", "/api/stations/1/patch", OTHER)
    server.osc.call("/scene/save", "other", 1)
    server.http("PUT", "/api/stations/1/patch", PATCH)
    server.osc.call("/scene/safe/add", "1/patch")
    server.osc.call("/scene/load", "other")
    patch = server.get("/api/stations/1/patch")
    assert patch["name"] == "plain" and [stage["id"] for stage in patch["stages"]] == ["tone", "trim", "side"]
    assert server.get("/api/stations/1/params")["trim.gain"] == -12  # of a node that both have


def test_arming_is_no_part_of_a_scene_at_first(server):
    change(server, ("/station/1/proposal/armed", True))
    server.osc.call("/scene/save", "armed")
    change(server, ("/station/1/proposal/armed", False))
    server.osc.call("/scene/load", "armed")
    assert server.osc.ask("/station/1/proposal/armed") is False


def test_lists_names_and_the_current_one(server):
    watcher = Osc(server.osc_port)
    for leaf in ("list", "current"):
        watcher.send("/subscribe", f"/scene/{leaf}")
        watcher.wait(f"/scene/{leaf}")
    server.osc.call("/scene/save", "Verse")
    assert watcher.wait("/scene/list") == ["Verse"] and watcher.wait("/scene/current") == ["Verse"]
    server.osc.call("/scene/save", "Encore, 2nd")
    assert server.osc.ask("/scene/list") == "Encore, 2nd\nVerse"
    assert server.osc.call("/scene/rename", "Verse", "Chorus") is True
    assert server.osc.ask("/scene/list") == "Chorus\nEncore, 2nd"
    assert server.osc.call("/scene/load", "Chorus") is True and server.osc.ask("/scene/current") == "Chorus"
    assert server.osc.call("/scene/delete", "Chorus") is True
    assert server.osc.ask("/scene/current") == "" and server.osc.ask("/scene/list") == "Encore, 2nd"


@pytest.mark.parametrize("call, says", [
    (("load", "nobody"), "there is no such scene"),
    (("load", "kept", 0.0, 3), "it does not hold all of these stations"),
    (("load", "kept", 0.0, 0), "a station is a number from 1 to 64"),
    (("load", "kept", "slowly"), "takes a number"),
    (("save", "kept", 9), "there are 3 stations"),
    (("save", ""), "a scene's name is of 1 to 64 bytes"),
    (("save", "a/b"), "without a slash"),
    (("save", "x" * 65), "a scene's name is of 1 to 64 bytes"),
    (("delete", "nobody"), "there is no such scene"),
    (("rename", "kept", "taken"), "there is a scene of that name already"),
    (("rename", "nobody", "somebody"), "there is no such scene"),
    (("safe/add", "a[b"), ""),
    (("safe/add", "/"), "is no pattern"),
    (("safe/remove", "nothing"), "is not in the safe list"),
])
def test_what_cannot_be_is_told_and_audited(server, call, says):
    server.osc.call("/scene/save", "kept", 1, 2)
    server.osc.call("/scene/save", "taken", 1)
    before = [server.get("/api/scenes"), server.get("/api/stations/1/patch")]
    refusal = server.osc.call(f"/scene/{call[0]}", *call[1:])
    assert refusal is not True and says in refusal
    assert [server.get("/api/scenes"), server.get("/api/stations/1/patch")] == before
    row = wait_for(lambda: [r for r in server.get("/api/audit?limit=3") if r["outcome"] != "ok"], 5, "the refusal")[0]
    assert row["address"] == f"/scene/{call[0]}" and says in row["outcome"]
    time.sleep(0.1)  # 10 errors a second are sent to one client


def test_recalls_are_audited(server):
    server.osc.call("/scene/save", "Verse")
    server.osc.call("/scene/load", "Verse", 0.25)
    server.http("POST", "/api/scenes/Verse/load", {"morph_s": 0.5})
    rows = [(r["origin"].split()[0], r["address"], r["new"]) for r in server.get("/api/audit?limit=20")
            if r["address"] in ("/scene/save", "/scene/load")]
    assert rows[:3] == [("http", "/scene/load", "Verse 0.5"), ("osc", "/scene/load", "Verse 0.25"),
                        ("osc", "/scene/save", "Verse")]


def test_over_http(server):
    change(server, ("/station/1/trim/gain", -11.0))
    assert server.post("/api/scenes/A%20b/save", {"stations": [1, 3]}) == {"stored": True}
    assert [(s["name"], s["stations"]) for s in server.get("/api/scenes")["scenes"]] == [("A b", [1, 3])]
    scene = server.get("/api/scenes/A%20b")
    assert scene["stations"]["1"]["patch"]["stages"][1]["parameters"]["gain"] == -11
    scene["stations"]["1"]["patch"]["stages"][1]["parameters"]["gain"] = -13
    assert server.http("PUT", "/api/scenes/copy", scene) == (200, {"stored": True})
    assert server.post("/api/scenes/copy/load", {"stations": [1]}) == {"stored": True}
    assert server.get("/api/stations/1/params")["trim.gain"] == -13
    assert server.post("/api/scenes/copy/rename", {"name": "C"}) == {"stored": True}
    assert server.http("DELETE", "/api/scenes/C") == (200, {"stored": True})
    assert server.http("GET", "/api/scenes/C")[0] == 404
    for method, path, body, code in [
            ("PUT", "/api/scenes/x", {"stations": {}}, 406), ("PUT", "/api/scenes/x", {"stations": {"0": {}}}, 400),
            ("PUT", "/api/scenes/x", {"stations": {"1": {"patch": {"stages": [{"type": "no"}]}, "leaves": {}}}}, 404),
            ("POST", "/api/scenes/x/save", {"station": 1}, 400), ("POST", "/api/scenes/x/save", {"stations": "all"}, 406),
            ("POST", "/api/scenes/A%20b/load", {"morph_s": -1}, 400), ("POST", "/api/scenes/A%20b/rename", {}, 400),
            ("PUT", "/api/scene-safe", {"safe": "all"}, 400), ("PUT", "/api/scene-safe", {"safe": [""]}, 400)]:
        status, answer = server.http(method, path, body)
        assert status == code and answer["error"]["message"], (method, path, body, status, answer)
    assert [s["name"] for s in server.get("/api/scenes")["scenes"]] == ["A b"]


def test_scenes_outlive_the_server_and_name_what_is_missing(tmp_path):
    with start(tmp_path) as first:
        first.http("PUT", "/api/stations/2/patch", {"name": "own", "stages": [{"type": "gain"}]})
        first.http("PUT", "/api/stations/1/patch", {"name": "own", "stages": [{"type": "gain"}]})
        assert first.post("/api/scenes/kept/save", {}) == {"stored": True}
        assert first.post("/api/scenes/whole/save", {"stations": [1, 2]}) == {"stored": True}
        assert first.http("PUT", "/api/scene-safe", {"safe": ["mute"]})[0] == 200
        held = first.get("/api/scenes/kept")
        first.kill()
    with Foldbackd(tmp_path, "--stations", 3) as second:  # without the nodes of the tests
        assert second.get("/api/scenes/kept")["stations"] == held["stations"]
        assert second.get("/api/scenes")["safe"] == ["/station/*/mute"]
        before = [second.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)]
        assert second.osc.call("/scene/load", "kept") == 'there is no node type "t_tone"'
        row = [r for r in second.get("/api/audit?limit=3") if r["outcome"] != "ok"][0]
        assert "kept, station 3: stages[0]" in row["outcome"]
        assert [second.get(f"/api/stations/{n}/patch") for n in (1, 2, 3)] == before  # nothing is half applied
        assert second.osc.call("/scene/load", "whole") is True
        assert second.osc.ask("/station/2/patch") == "own"
    with Foldbackd(tmp_path, "--stations", 1) as third:
        assert third.osc.call("/scene/load", "whole") == "there are 1 stations"
        assert third.osc.call("/scene/load", "whole", 0.0, 1) is True


def test_when_there_are_as_many_as_may_be(tmp_path):
    """One more is refused and not stored either; each that is there may be changed and renamed."""
    with Foldbackd(tmp_path, "--stations", 1) as server:
        other = Osc(server.osc_port)  # whose answers nobody reads
        for n in range(1000):
            other.send("/scene/save", f"s{n:03}", 1)
            if n % 100 == 99:
                wait_for(lambda: len(server.get("/api/scenes")["scenes"]) == n + 1, 20, f"{n + 1} scenes")
        assert "there are 1000 scenes already" in server.osc.call("/scene/save", "a last one", 1)
        assert server.osc.call("/scene/save", "s500", 1) is True
        assert server.osc.call("/scene/rename", "s500", "z500") is True
        names = [scene["name"] for scene in server.get("/api/scenes")["scenes"]]
        assert len(names) == 1000 and "z500" in names and "s500" not in names
    with Foldbackd(tmp_path, "--stations", 1) as server:
        assert [scene["name"] for scene in server.get("/api/scenes")["scenes"]] == names
