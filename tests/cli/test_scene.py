# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback scene, against a real server."""
import json

import pytest

from programs import Foldback
from servers import Foldbackd

PATCH = {"name": "plain", "stages": [{"type": "gain", "id": "trim"}, {"type": "comp", "id": "comp"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    (folder / "patch.json").write_text(json.dumps(PATCH))
    with Foldbackd(folder, "--stations", 5, "--patch", folder / "patch.json") as foldbackd:
        yield foldbackd


@pytest.fixture(scope="module")
def online(server):
    return Foldback(*server.clients)


def gains(server):
    return [server.get(f"/api/stations/{n}/params")["trim.gain"] for n in range(1, 6)]


def test_a_show(server, online, tmp_path):
    online("set", "/station/*/trim/gain", -3)
    assert online("scene", "save", "Verse") == ""
    assert online.json("scene", "save", "Solo, loud", 1, 3, 4) == {"saved": "Solo, loud"}
    online("set", "/station/*/trim/gain", -9)
    online("scene", "load", "Solo, loud")
    assert gains(server) == [-3, -9, -3, -3, -9]
    online("scene", "load", "Verse", 2, "--morph", 0.05)
    assert gains(server) == [-3, -3, -3, -3, -9]
    listed = online("scene", "list").splitlines()
    assert [line[:2] for line in listed] == ["  ", "* "]
    assert "Solo, loud" in listed[0] and listed[0].endswith("stations 1 3-4") and listed[1].endswith("stations 1-5")
    shown = online("scene", "show", "Solo, loud").splitlines()
    assert len(shown) == 3 and "Station 3" in shown[1] and shown[1].endswith("plain: trim comp")
    file = tmp_path / "scene.json"
    file.write_text(online("scene", "show", "Solo, loud", "--json"))
    online("scene", "put", "Solo again", file)
    online("scene", "rename", "Solo again", "Third")
    assert [s["name"] for s in online.json("scene", "list")["scenes"]] == ["Solo, loud", "Third", "Verse"]
    assert server.get("/api/scenes/Third")["stations"].keys() == {"1", "3", "4"}
    online("scene", "delete", "Third", "Solo, loud")
    assert [s["name"] for s in online.json("scene", "list")["scenes"]] == ["Verse"]


def test_safe(server, online):
    assert online("scene", "safe") == "/station/*/proposal\n"
    assert online("scene", "safe", "3/trim.gain", "mute").splitlines()[1:] == ["/station/3/trim/gain", "/station/*/mute"]
    online("scene", "save", "before")
    online("set", "/station/*/trim/gain", -7)
    online("scene", "load", "before")
    assert gains(server)[2] == -7 and -7 not in gains(server)[:2]
    assert online.json("scene", "safe", "--remove", "mute", "3/trim.gain") == ["/station/*/proposal"]


@pytest.mark.parametrize("words, says", [
    (["load", "nobody"], "nobody: there is no such scene"), (["delete", "nobody"], "nobody: there is no such scene"),
    (["show", "nobody"], "nobody: there is no such scene"), (["save", "x", 9], "there are 5 stations"),
    (["put", "x", "/nowhere"], "/nowhere"), (["safe", "/"], "is no pattern")])
def test_refusals(online, words, says):
    assert says in online.fails("scene", *words)


def test_usage(online):
    for words in (["load"], ["save", "x", "one"], ["load", "x", "--morph", -1], ["rename", "x"]):
        online.fails("scene", *words, code=2)
