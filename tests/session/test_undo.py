# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo over OSC: parameters and topology in one line of steps, 100 deep, for each station its own."""
import json
import random

import pytest

from servers import Foldbackd

PATCH = {"name": "start", "stages": [{"id": "trim", "type": "gain"}, {"id": "comp", "type": "comp"}]}
DEEP = 100


@pytest.fixture
def server(tmp_path):
    (tmp_path / "start.json").write_text(json.dumps(PATCH))
    with Foldbackd(tmp_path, "--stations", 2, "--patch", tmp_path / "start.json", "--patch-path", tmp_path) as foldbackd:
        yield foldbackd


def patch(server, station=1):
    return server.get(f"/api/stations/{station}/patch")


def change(server, rng, step, ridden):
    """One change of any kind that is a step of its own. What is ridden goes on as one step, until an edit ends that."""
    ids = [stage["id"] for stage in patch(server)["stages"]]
    kind = rng.choice(["set", "set", "bypass", "add", "remove", "move", "replace", "weight", "edit", "patch"])
    node = rng.choice(ids) if ids else None
    if kind not in ("set", "bypass"):
        ridden.clear()
    if kind == "patch":
        return server.http("PUT", "/api/stations/1/patch", {**PATCH, "name": f"step {step}"})[0] == 200
    if kind == "edit":
        edits = [{"op": "add", "type": "eq", "id": f"e{step}"}, {"op": "add", "type": "gain", "id": f"g{step}"}]
        return server.http("POST", "/api/stations/1/edit", {"edits": edits})[0] == 200
    if kind == "add" or not node:
        return server.osc.call("/station/1/node/add", rng.choice(["gain", "eq", "comp"]), f"n{step}")
    if kind == "remove":
        return server.osc.call("/station/1/node/remove", node)
    if kind == "move":
        return server.osc.call("/station/1/node/move", node)
    if kind == "replace":
        return server.osc.call("/station/1/node/replace", node, "gain")
    if kind == "weight":
        link = patch(server)["connections"][0]
        return server.osc.call("/station/1/node/weight", link["from"], link["to"], rng.uniform(0.1, 1))
    params = server.get("/api/stations/1/params")
    key = rng.choice([k for k, v in params.items() if k not in ridden and (
        k.endswith(".bypass") if kind == "bypass" else isinstance(v, float))] or ["none.left"])
    ridden.add(key)
    if kind == "bypass":
        server.osc.send("/station/1/" + key.replace(".", "/"), not params.get(key))
    else:
        server.osc.send("/norm/station/1/" + key.replace(".", "/"), rng.random())
    server.osc.sync()
    return True


def test_a_hundred_steps_of_every_kind(server):
    """Each step back and forth gives the patch that was there: topology, values, names, goal."""
    rng = random.Random(1)
    states, ridden = [patch(server)], set()
    for step in range(4 * DEEP):
        if len(states) == DEEP + 11:
            break
        assert change(server, rng, step, ridden) is True
        now = patch(server)
        if now != states[-1]:
            states.append(now)
        elif not ridden:  # a move to where it is: a step all the same
            assert server.osc.call("/station/1/undo") is True
    other = patch(server, 2)
    for state in reversed(states[-DEEP - 1:-1]):
        assert server.osc.call("/station/1/undo") is True
        assert patch(server) == state
    assert server.osc.call("/station/1/undo") == "there is nothing to undo"  # the first ten steps are forgotten
    for state in states[-DEEP:]:
        assert server.osc.call("/station/1/redo") is True
        assert patch(server) == state
    assert server.osc.call("/station/1/redo") == "there is nothing to redo"
    assert patch(server, 2) == other
    assert server.osc.call("/station/2/undo") == "there is nothing to undo"


def test_a_load_is_one_step_and_ends_what_could_be_redone(server):
    start = patch(server)
    (server.folder / "big.json").write_text(json.dumps({"name": "big", "stages": [
        {"type": t, "parameters": {}} for t in ("gate", "eq", "comp", "delay", "reverb", "limiter")]}))
    server.osc.send("/station/1/patch", "big")
    server.osc.sync()
    assert len(patch(server)["stages"]) == 6
    assert server.osc.call("/station/1/undo") is True and patch(server) == start
    server.osc.send("/station/1/trim/gain", -3.0)
    server.osc.sync()
    assert server.osc.call("/station/1/redo") == "there is nothing to redo"
    assert server.osc.call("/station/1/undo") is True and patch(server) == start
    assert server.osc.call("/station/1/undo") == "there is nothing to undo"


def test_a_ride_is_one_step_and_a_refusal_none(server):
    start = patch(server)
    for i in range(50):
        server.osc.send("/station/1/trim/gain", -0.1 * i)
    server.osc.send("/station/1/trim/gain", "loud")
    server.osc.sync()
    assert server.osc.ask("/station/1/trim/gain") == pytest.approx(-4.9)
    assert server.osc.call("/station/1/undo") is True and patch(server) == start
    assert server.osc.call("/station/1/undo") == "there is nothing to undo"


def test_over_http(server):
    start = patch(server)
    assert server.http("POST", "/api/stations/1/undo") == (409, {"error": {
        "code": 409, "message": "there is nothing to undo", "address": "undo"}})
    server.post("/api/stations/1/params", {"trim.gain": -6})
    changed = patch(server)
    assert server.http("POST", "/api/stations/1/undo") == (200, {"stored": True}) and patch(server) == start
    assert server.http("POST", "/api/stations/1/redo") == (200, {"stored": True}) and patch(server) == changed
    assert server.get("/api/audit?limit=1")[0]["address"] == "/station/1/redo"
    assert server.http("POST", "/api/stations/9/undo")[0] == 404


def test_subscribers_hear_of_undo(server):
    server.osc.send("/station/1/trim/gain", -6.0)
    server.osc.call("/station/1/node/add", "eq", "more")
    server.osc.send("/subscribe", "/station/1/trim/gain")
    assert server.osc.wait("/station/1/trim/gain") == [-6]
    assert server.osc.call("/station/1/undo") is True  # the node
    assert server.osc.call("/station/1/undo") is True
    assert server.osc.wait("/station/1/trim/gain") == [0]
    server.osc.send("/station/1/more/b1_gain")
    assert server.osc.wait("/error")[1] == 404
