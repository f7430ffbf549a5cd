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
SPEECH = TOP / "presets/stations/speech_live.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    patches = [word for n in range(1, 17) for word in ("--patch", f"{n}={SPEECH}")]
    with Foldbackd(tmp_path_factory.mktemp("state"), *patches) as running:
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
        return [int(message["value"])]
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
        assert len({one.get("ID") for one in tosc.nodes}) == len(tosc.nodes) <= 1500
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


def test_nothing_lies_outside_or_on_top(whole, single):
    def frame(element):
        return [float(properties(element)["frame"].find(key).text) for key in "xywh"]

    for tosc in (whole, single):
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
    assert lua(values["/station/2/mode"], "receive", "s", "bypass")[1] == "bypass"
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
            span = leaf["RANGE"][0]
            assert sorted([w["range"]["min"], w["range"]["max"]]) == [span["MIN"], span["MAX"]]
            assert leaf["ACCESS"] == 3 or w["interaction"] is False
        if w["type"] == "switch":
            assert w["values"] == leaf["RANGE"][0]["VALS"]


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
