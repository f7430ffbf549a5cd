# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated layouts against a live server: the files are sound, what a control sends sets what its taper says, and the
scripts in them keep the feedback coming. TouchOSC and Open Stage Control are not here: their scripts run in Lua and node
with what the programs' manuals say of their surroundings."""
import json
import math
import re
import subprocess
import xml.etree.ElementTree as ElementTree
import zlib

import pytest
from npm import node
from programs import Foldback
from servers import SLOW, TOP, Foldbackd, wait_for

assert node
SCENES = ["It's the sermon", "Walk-in"]
SPEECH = TOP / "presets/stations/speech_live.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    patches = [word for n in range(1, 17) for word in ("--patch", f"{n}={SPEECH}")]
    with Foldbackd(tmp_path_factory.mktemp("state"), *patches) as running:
        for name in SCENES:
            running.osc.send("/scene/save", name)
        running.osc.sync()
        yield running


@pytest.fixture(scope="module")
def foldback(server):
    return Foldback(*server.clients)


@pytest.fixture(scope="module")
def leaves(server):
    """address -> OSCQuery's node."""
    found = {}

    def walk(place):
        if "TYPE" in place:
            found[place["FULL_PATH"]] = place
        for child in place.get("CONTENTS", {}).values():
            walk(child)
    walk(server.get("/"))
    return found


# --- TouchOSC


class Tosc:
    def __init__(self, path):
        self.root = ElementTree.fromstring(zlib.decompress(path.read_bytes()))
        assert (self.root.tag, self.root.get("version")) == ("lexml", "6")
        self.nodes = self.root.findall(".//node")

    def of(self, kind):
        return [one for one in self.nodes if one.get("type") == kind]


def properties(element):
    return {p.find("key").text: p.find("value") for p in element.find("properties")}


def own_messages(element):
    messages = element.find("messages")
    return [] if messages is None else messages.findall("osc")


def message_of(osc):
    """What an OSC message of a control is about."""
    argument = osc.find("arguments/partial")
    return {"address": osc.find("path/partial/value").text, "send": osc.find("send").text == "1",
            "receive": osc.find("receive").text == "1",
            "condition": osc.findtext("triggers/trigger/condition"),
            **({} if argument is None else {
                "type": argument.find("type").text, "conversion": argument.find("conversion").text,
                "value": argument.find("value").text,
                "min": float(argument.find("scaleMin").text), "max": float(argument.find("scaleMax").text)})}


def sent(message, x):
    """The argument TouchOSC makes of a control at x: scaled, then converted."""
    if message.get("type") == "CONSTANT":
        return [message["value"] if message["conversion"] == "STRING" else int(message["value"])]
    if "type" not in message:
        return []
    value = message["min"] + x * (message["max"] - message["min"])
    return [("f", value)] if message["conversion"] == "FLOAT" else [("i", round(value))]


@pytest.fixture(scope="module")
def whole(foldback, tmp_path_factory):
    path = tmp_path_factory.mktemp("layout") / "all.tosc"
    done = foldback.run("layout", "touchosc", path)
    assert done.returncode == 0 and "controls had no room" in done.stderr
    return Tosc(path)


@pytest.fixture(scope="module")
def single(foldback, tmp_path_factory):
    path = tmp_path_factory.mktemp("layout") / "two.tosc"
    assert foldback("layout", "touchosc", path, "--station", 2) == ""
    return Tosc(path)


def test_the_file_is_sound(whole, single, leaves):
    for tosc in (whole, single):
        assert len({one.get("ID") for one in tosc.nodes}) == len(tosc.nodes) <= 2800
        assert tosc.root.find("node").get("type") == "GROUP" and tosc.root.find("node/includes") is not None
        for element in tosc.nodes:
            keys = [p.find("key").text for p in element.find("properties")]
            assert len(keys) == len(set(keys)) and {"frame", "color", "name"} <= set(keys)
            for osc in own_messages(element):
                address = message_of(osc)["address"]
                assert address in leaves or address == "/station/*/mute", address
    assert [properties(page)["tabLabel"].text for page in whole.of("PAGER")[0].find("children")] == \
        ["master"] + [str(n) for n in range(1, 17)]
    assert [properties(page)["tabLabel"].text for page in single.of("PAGER")[0].find("children")] == \
        ["trim", "gate", "eq", "deess", "comp", "limiter", "metrics"]


@pytest.mark.parametrize("size", ["1024x768", "360x640", "640x360", "2000x300", "300x300"])
def test_nothing_lies_outside_or_on_top(foldback, tmp_path, size):
    def frame(element):
        return [float(properties(element)["frame"].find(key).text) for key in "xywh"]

    files = {"all": (), "one": ("--station", 2)}
    for name, options in files.items():
        foldback.run("layout", "touchosc", tmp_path / f"{name}.tosc", "--size", size, *options)
    for tosc in (Tosc(tmp_path / f"{name}.tosc") for name in files):
        for parent in tosc.nodes:
            children = parent.find("children")
            if children is None:
                continue
            _, _, width, height = frame(parent)
            taken = []
            for child in children:
                x, y, w, h = frame(child)
                assert -1 <= x and x + w <= width + 1 and -1 <= y and y + h <= height + 1 and w > 0 and h > 0
                if parent.get("type") == "GROUP" and child.get("type") != "LABEL":
                    assert all(x + w <= a + 1 or a + c <= x + 1 or y + h <= b + 1 or b + d <= y + 1 for a, b, c, d in taken)
                    taken.append((x, y, w, h))


def test_every_parameter_of_a_station_is_there(single, leaves):
    """And each as what fits it."""
    kinds = {message_of(osc)["address"].replace("/norm", ""): element.get("type")
             for element in single.nodes if element.get("type") != "LABEL" for osc in own_messages(element)}
    for address, leaf in leaves.items():
        if re.fullmatch(r"/station/2/(trim|gate|eq|deess|comp|limiter)/(meter/)?\w+", address):
            logarithmic_or_time = leaf["TYPE"] == "f" and leaf.get("UNIT", [""])[0] != "gain.db" and leaf["ACCESS"] == 3
            wanted = "RADIAL" if logarithmic_or_time else {"T": "BUTTON", "s": "RADIO", "f": "FADER"}[leaf["TYPE"]]
            assert kinds.get(address) == wanted, address


def native(leaf, x):
    low, high = leaf["RANGE"][0]["MIN"], leaf["RANGE"][0]["MAX"]
    return low * (high / low) ** x if leaf["SCALE"] == ["log"] else low + x * (high - low)


def test_a_fader_at_x_sets_what_its_taper_says(single, server, leaves):
    faders = [message_of(own_messages(e)[0]) for kind in ("FADER", "RADIAL") for e in single.of(kind)]
    moved = [m for m in faders if m["send"]]
    assert len(moved) > 50
    for message in moved:
        address = message["address"].removeprefix("/norm")
        for x in (0.0, 0.31, 1.0):
            server.osc.send(message["address"], *sent(message, x))
            # what the float carries: half of its last digit, and of the way through the taper
            assert server.osc.ask(address) == pytest.approx(native(leaves[address], x), rel=2e-5, abs=1e-5), (address, x)
            back = server.osc.ask(message["address"])  # and the fader's position comes back as it was
            assert back == pytest.approx(x, abs=1e-5)


def test_buttons_and_menus_do_what_they_show(single, server, leaves):
    menus = [(e, message_of(own_messages(e)[0])) for e in single.of("RADIO")]
    menus = [one for one in menus if not one[1]["address"].endswith("/audition")]  # takes a proposal
    assert len(menus) > 10
    for element, message in menus:
        choices = leaves[message["address"]]["RANGE"][0]["VALS"]
        assert int(properties(element)["steps"].text) == len(choices)
        for index, choice in enumerate(choices):
            server.osc.send(message["address"], ("i", index))
            assert server.osc.ask(message["address"]) == choice
            assert lua(properties(element)["script"].text, "receive", "s", choice)[2] == str(index)
    for element in single.of("BUTTON"):
        message = message_of(own_messages(element)[0])
        if leaves[message["address"]]["TYPE"] == "T":
            for x in (1, 0):
                server.osc.send(message["address"], *sent(message, x))
                assert server.osc.ask(message["address"]) is bool(x)
                assert lua(properties(element)["script"].text, "receive", "TF"[1 - x])[2] == str(x)
            break
    undo = next(m for e in single.of("BUTTON") for m in [message_of(own_messages(e)[0])] if m["address"].endswith("/undo"))
    assert undo["condition"] == "RISE" and sent(undo, 1) == []
    server.osc.send("/station/2/name", "before")
    server.osc.send("/station/2/trim/gain", -3.0)
    assert server.osc.call(undo["address"]) is True


def test_the_master_page(whole, server, leaves):
    """What is above all stations, then a column for each: number and name, mute, fader, loudness."""
    master = whole.of("PAGER")[0].find("children")[0]
    buttons = {}
    for element in master.findall("children/node"):
        if element.get("type") == "BUTTON":
            message = message_of(own_messages(element)[0])
            buttons[(message["address"], message.get("value"))] = message
    for name in SCENES:
        press = buttons[("/scene/load", name)]
        assert press["condition"] == "RISE" and press["conversion"] == "STRING"
        assert server.osc.call(press["address"], *sent(press, 1)) is True
        assert server.osc.ask("/scene/current") == name
    panic = buttons[("/server/panic", "x")]
    for x in (1, 0):
        server.osc.send(panic["address"], *sent(panic, x))
        assert server.osc.ask("/server/panic") is bool(x)
    shown = {message_of(osc)["address"] for e in master.findall("children/node") for osc in own_messages(e)}
    assert {"/scene/current", "/scene/progress", "/norm/scene/morph", "/server/xruns", "/server/dsp_load"} <= shown
    columns = [e for e in master.findall("children/node") if e.get("type") == "GROUP"]
    frames = [[float(properties(e)["frame"].find(key).text) for key in "xywh"] for e in columns]
    assert len(columns) == 16 and len({tuple(f[1:]) for f in frames}) == 1 and frames[0][2] > 50  # in a row, alike, and wide
    for number, column in enumerate(columns, 1):
        told = [(e.get("type"), message_of(own_messages(e)[0])["address"]) for e in column.findall("children/node") if own_messages(e)]
        assert told[:3] == [("LABEL", f"/station/{number}/name"), ("BUTTON", f"/station/{number}/mute"),
                            ("FADER", f"/norm/station/{number}/trim/gain")]
        assert ("FADER", f"/station/{number}/metric/lufs_momentary") in told


def test_a_desk_of_stations_has_what_matters(whole, leaves):
    """There is no room for all: meters, bypasses, what the patch uses and what comes first in a node stay."""
    kept = {message_of(osc)["address"].removeprefix("/norm") for e in whole.nodes for osc in own_messages(e)}
    for wanted in ("comp/threshold", "comp/ratio", "comp/attack", "comp/release", "comp/makeup", "comp/bypass", "comp/meter/reduction",
                   "gate/threshold", "eq/b3_gain", "eq/b6_freq", "deess/threshold", "limiter/ceiling", "undo", "redo", "run", "run/state",
                   "proposal/state", "proposal/audition", "proposal/accept", "proposal/reject", "metric/true_peak"):
        assert f"/station/16/{wanted}" in kept, wanted


def test_texts_can_be_read(whole, single):
    """No caption is wider than its place at 0.58 of its height a character, unless it is as small as they get."""
    for tosc in (whole, single):
        for element in tosc.of("LABEL"):
            text, own = element.findtext("values/value/default") or "", properties(element)
            size, width = int(own["textSize"].text), float(own["frame"].find("w").text)
            assert 8 <= size <= 13
            assert len(text.encode()) * 0.58 * size <= width or size == 8, (text, size, width)
    too_wide = [e for e in single.of("LABEL") if len(e.findtext("values/value/default") or "") * 0.58 * 8 >
                float(properties(e)["frame"].find("w").text) + 1]
    assert not too_wide, [e.findtext("values/value/default") for e in too_wide]


def lua(script, *arguments, folder=[]):
    """Lines that a control's script prints in Lua 5.4."""
    done = subprocess.run(["lua5.4", str(TOP / "tests/support/touchosc.lua"), "/dev/stdin", *arguments], input=script,
                          capture_output=True, text=True, timeout=10 * SLOW)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_figures_carry_their_unit(single):
    values = {message_of(own_messages(e)[0])["address"]: properties(e)["script"].text
              for e in single.of("LABEL") if own_messages(e)}
    assert lua(values["/station/2/comp/threshold"], "receive", "f", "-24.04") == ["true", "-24.0 dB", "0"]
    assert lua(values["/station/2/eq/b1_freq"], "receive", "f", "1250") == ["true", "1250.0 Hz", "0"]
    assert lua(values["/station/2/name"], "receive", "s", "Lead")[1] == "Lead"
    assert lua(values["/station/2/metric/correlation"], "receive", "f", "0.1234")[1] == "0.123"


def test_the_script_keeps_feedback_alive(whole, server, leaves):
    script = properties(whole.root.find("node"))["script"].text
    frames = [line.split(" ", 2) for line in lua(script, "frames")]
    assert frames[0][1] == "/unsubscribe"
    times = sorted({int(at) for at, address, *_ in frames if address == "/subscribe"})
    assert len(times) == 3 and max(b - a for a, b in zip(times, times[1:])) <= 5000  # of a lease of 10 s
    first = [line[2] for line in frames if line[1] == "/subscribe" and int(line[0]) == times[0]]
    patterns = [re.fullmatch(r"s=(.*) i=(\d+)", line)[1] for line in first]
    assert 1 <= len(patterns) <= 64
    server.osc.received.clear()
    granted = 0
    for pattern in patterns:
        server.osc.send("/subscribe", pattern, ("i", 20))
        granted += server.osc.wait("/subscribe", 5)[4]
    shown = {message_of(osc)["address"] for e in whole.nodes for osc in own_messages(e) if message_of(osc)["receive"]}
    told = set()

    def all_told():
        server.osc.server.recv(20)
        told.update(address for address, _ in server.osc.received)
        server.osc.received.clear()
        return shown <= told
    wait_for(all_told, 10, "a value for every control")
    assert granted <= 1.5 * len(shown)  # what is not shown is not sent
    server.osc.send("/unsubscribe")
    server.osc.wait("/unsubscribe")
    assert leaves


def test_a_small_screen(foldback, tmp_path, leaves):
    path = tmp_path / "small.tosc"
    assert foldback("layout", "touchosc", path, "--station", 1, "--controls", "mute,comp.threshold,gate", "--size", "360x640") == ""
    addresses = {message_of(osc)["address"] for e in Tosc(path).nodes for osc in own_messages(e)}
    assert {"/station/1/mute", "/norm/station/1/comp/threshold", "/station/1/gate/meter/reduction"} <= addresses
    assert all(a.removeprefix("/norm").split("/")[3] in ("mute", "comp", "gate") for a in addresses)
    assert addresses <= set(leaves)


def test_errors(foldback, tmp_path):
    path = tmp_path / "x.tosc"
    assert '"echo" is at no station' in foldback.fails("layout", "touchosc", path, "--controls", "mute,echo")
    assert "there is no station 33" in foldback.fails("layout", "touchosc", path, "--station", 33)
    assert "is no surface" in foldback.fails("layout", "lemur", path, code=2)
    assert "--size" in foldback.fails("layout", "touchosc", path, "--size", "12x12", code=2)
    assert not path.exists()


# --- Open Stage Control


def widgets(place):
    yield place
    for key in ("tabs", "widgets"):
        for child in place.get(key, []):
            yield from widgets(child)


@pytest.fixture(scope="module")
def stage(foldback, tmp_path_factory):
    path = tmp_path_factory.mktemp("stage") / "desk.json"
    done = foldback.run("layout", "open-stage-control", path)
    assert done.returncode == 0 and f"--custom-module {path.with_suffix('.js')}" in done.stderr
    return path


def test_the_session_is_sound(stage, leaves):
    session = json.loads(stage.read_text())
    assert session["type"] == "session" and session["content"]["type"] == "root"
    found = list(widgets(session["content"]))
    assert len({w["id"] for w in found}) == len(found)
    assert not any("widgets" in w and "tabs" in w for w in found)
    addresses = {w["address"] for w in found if "address" in w}
    assert addresses - set(leaves) <= {"/caption", "/cell", "/page", "/station/*/mute"}
    assert all(w.get("bypass") for w in found if w.get("address") in ("/caption", "/cell", "/page"))
    for w in found:
        leaf = leaves.get(w.get("address"))
        if w["type"] in ("fader", "knob") and leaf:
            span, (low, high) = leaf["RANGE"][0], sorted([w["range"]["min"], w["range"]["max"]])
            assert span["MIN"] <= low < high <= span["MAX"]
            assert (low, high) == (span["MIN"], span["MAX"]) if leaf["ACCESS"] == 3 else w["interaction"] is False
        if w["type"] == "switch":
            assert w["values"] == leaf["RANGE"][0]["VALS"]


def test_what_its_buttons_send(stage):
    """A command its address alone, a scene its name, a switch 1 and 0 (its sources: button.mjs)."""
    buttons = {(w["address"], w["label"]): w for w in widgets(json.loads(stage.read_text())["content"]) if w["type"] == "button"}
    assert buttons[("/station/1/undo", "Undo")]["mode"] == buttons[("/station/1/run", "Run")]["mode"] == "momentary"
    for name in SCENES:
        recall = buttons[("/scene/load", name)]
        assert (recall["mode"], recall["on"], recall["typeTags"]) == ("tap", name, "s")
    mute = buttons[("/station/4/mute", "Mute")]
    assert (mute["mode"], mute["on"], mute["off"], mute["typeTags"]) == ("toggle", 1, 0, "i")


def test_a_whole_number_has_all_its_steps(tmp_path):
    patch = tmp_path / "p.json"
    patch.write_text(json.dumps({"name": "p", "stages": [{"id": "chorus", "type": "chorus"}]}))
    with Foldbackd(tmp_path, "--stations", 1, "--patch", patch) as running:
        Foldback(*running.clients).run("layout", "open-stage-control", tmp_path / "s.json", "--station", 1)
        whole = [leaf for leaf in running.get("/station/1/chorus")["CONTENTS"].values() if leaf.get("TYPE") == "i"]
        faders = {w["address"]: w for w in widgets(json.loads((tmp_path / "s.json").read_text())["content"]) if w["type"] == "fader"}
    assert whole
    for leaf in whole:
        span, fader = leaf["RANGE"][0], faders[leaf["FULL_PATH"]]
        assert fader["steps"] == span["MAX"] - span["MIN"] + 1 and fader["typeTags"] == "i" and fader["decimals"] == 0


@pytest.mark.parametrize("given", [True, False])
def test_the_module_subscribes(stage, server, node, given):  # noqa: F811
    server.osc.send("/station/3/mute", True)
    said = node("stage_module.js", str(stage.with_suffix(".js")), "3", f"127.0.0.1:{server.osc_port}" if given else "-")
    heard = said["heard"]
    assert "/error" not in heard and said["renewals"] > 5
    assert heard["/station/3/mute"] == 1 and heard["/station/4/mute"] == 0  # as its buttons know it
    assert isinstance(heard["/station/5/metric/lufs_momentary"], (int, float))
    session = json.loads(stage.read_text())
    shown = {w["address"] for w in widgets(session["content"]) if "address" in w and w["type"] != "button"}
    assert not {a for a in shown if a.startswith("/")} - set(heard) - {"/caption", "/cell", "/page", "/station/*/mute"}
    assert math.isfinite(heard["/norm/station/1/comp/threshold"])
