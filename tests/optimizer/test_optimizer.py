# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of foldback-optimizer: what they find, that they repeat, what they promise and keep."""
import json
import signal
import subprocess
import time
from xml.etree import ElementTree

import pytest

from tuning import PATCH, SPOILED, Optimizer, start
from servers import SLOW, wait_for

pytestmark = pytest.mark.slow  # whole searches: a second or two each, and ten times that with sanitizers


def key(address):
    """/station/1/comp/ratio -> comp.ratio"""
    node, name = address.split("/")[3:]
    return f"{node}.{name}"


def audition(server, source, candidates):
    run = server.post("/api/calibration/run", {"station": 1, "source": source, "include_audio": False})
    answer = server.post("/api/calibration/audition", {"station": 1, "source": {"run": run["run_id"]}, "candidates": candidates})
    return run, answer["results"]


@pytest.mark.parametrize("spoiled", SPOILED)
def test_score_rises(server, optimizer, spoiled):
    """Each fault costs far more than 5 points of 100; most of what can be had is found in 60 auditions."""
    result = optimizer.json("--sample", f"{spoiled}.wav", "--auditions", 60)
    assert result["score_after"] >= result["score_before"] + 5
    assert result["auditions"] <= 60
    # what it says is true: the same changes, auditioned by somebody else, score the same to the last bit
    changes = {key(address): new for address, (_, new) in result["changes"].items()}
    before, (after,) = audition(server, {"sample": f"{spoiled}.wav"}, [changes])
    assert (before["score"], after["score"]) == (result["score_before"], result["score_after"])


def test_level_is_made_up(optimizer, server):
    """-18 dB: the loudness that the goal asks for is met within its tolerance of 1 LU, without clipping."""
    result = optimizer.json("--sample", "level.wav", "--auditions", 100)
    after = server.get(f"/api/runs/{result['proposal']}")["metrics"]
    assert abs(after["lufs_integrated"] + 23) < 1
    assert after["clipping"] == 0


def test_same_seed_same_session(optimizer):
    a, b = (optimizer.json("--sample", "all.wav", "--auditions", 70, "--seed", 5) for _ in range(2))
    for result in a, b:
        for name in ("session", "seconds", "proposal"):
            del result[name]
        for one in result["rounds"]:
            del one["seconds"]
    assert a == b


def test_json(optimizer, server):
    """The fields of the contract, each of its type, that agree with each other and with what is stored."""
    result = optimizer.json("--sample", "level.wav", "--reference", "clean.wav", "--auditions", 50)
    types = {"session": str, "station": int, "engine": str, "score_before": float, "score_after": float, "rounds": list,
             "auditions": int, "changes": dict, "stopped": str, "proposal": str}
    assert {name: type(result[name]) for name in types} == types
    assert (result["station"], result["engine"], result["stopped"]) == (1, "local", "auditions")
    rounds = result["rounds"]
    assert 1 + sum(one["auditions"] for one in rounds) == result["auditions"] <= 50
    assert rounds[-1]["score"] == result["score_after"]
    assert abs(result["score_before"] + sum(one["gain"] for one in rounds) - result["score_after"]) < 1e-9
    params = server.get("/api/stations/1/params")
    for address, (old, new) in result["changes"].items():
        assert old == pytest.approx(params[key(address)]) and new != old
    run = server.get(f"/api/runs/{result['proposal']}")
    assert run["score"] == result["score_after"] and run["session"] == result["session"]
    document = server.get(f"/api/sessions/{result['session']}")["document"]
    assert len(document["trials"]) == result["auditions"]
    assert document["options"]["auditions"] == 50 and document["source"] == {"sample": "level.wav", "reference": "clean.wav"}
    assert document["changes"] == result["changes"]


def test_table(optimizer):
    """What a person reads names every change with its unit, and the score before and after."""
    done = optimizer.run("--sample", "level.wav", "--auditions", 50)
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("Station 1, engine local", "3.0 s of level.wav", "as found", "Integrated loudness", "LUFS", "proposal/accept"):
        assert text in done.stdout
    turned = [line for line in done.stdout.splitlines() if " -> " in line and "." in line.split()[0]]
    assert turned and all(len(line) <= 110 for line in turned)
    assert any(" dB -> " in line for line in turned)


# --- what may be turned


def test_only_and_freeze(optimizer):
    result = optimizer.json("--sample", "all.wav", "--auditions", 40, "--only", "eq.b?_gain,trim", "--freeze", "eq.b3_*")
    changed = {key(address) for address in result["changes"]}
    assert changed and all(name.startswith("trim.") or name.startswith("eq.b") and name.endswith("_gain") for name in changed)
    assert "eq.b3_gain" not in changed


def test_bypassed_nodes_are_left_alone(own_server):
    own_server.osc.send("/station/1/eq/bypass", True)
    own_server.osc.sync()
    result = Optimizer(own_server).json("--sample", "all.wav", "--auditions", 40)
    assert result["changes"] and not any("/eq/" in address for address in result["changes"])


def test_little_is_turned(server, optimizer):
    """Each change is worth something: without one of them the score falls by a tenth of epsilon. A quarter may be
    worth less: they were, before others were taken back."""
    result = optimizer.json("--sample", "level.wav")
    changes = {key(address): new for address, (_, new) in result["changes"].items()}
    without = [{k: v for k, v in changes.items() if k != name} for name in changes]
    _, results = audition(server, {"sample": "level.wav"}, without)
    idle = [one for one in results if one["score"] > result["score_after"] - 0.0199]
    assert results and len(idle) <= len(results) / 4
    assert result["auditions"] <= 150


# --- when it stops


def test_rounds(optimizer):
    result = optimizer.json("--sample", "all.wav", "--rounds", 1)
    assert [one["kind"] for one in result["rounds"]].count("search") == 1 and result["stopped"] == "rounds"


def test_seconds(optimizer):
    result = optimizer.json("--sample", "all.wav", "--seconds", 0.2)
    assert result["stopped"] == "seconds" and result["auditions"] < 150
    assert result["score_after"] >= result["score_before"]


def test_epsilon_and_patience(optimizer):
    """With an epsilon of everything no round is worth it: it stops after as many rounds as its patience."""
    result = optimizer.json("--sample", "level.wav", "--epsilon", 1, "--patience", 1)
    assert result["stopped"] == "epsilon" and [one["kind"] for one in result["rounds"]].count("search") == 1
    assert result["score_after"] >= result["score_before"]


def test_nothing_better(optimizer):
    """Where the goal asks for what no knob can change, nothing is turned and nothing proposed."""
    result = optimizer.json("--sample", "clean.wav", "--only", "eq.b8_freq", "--auditions", 20)
    assert result["score_after"] == result["score_before"] and result["changes"] == {}
    assert result["proposal"] is None and result["stopped"] == "nothing left to try"


def test_interrupted(own_server):
    """Ctrl-C keeps the best so far and proposes it."""
    stored = lambda: len(own_server.get("/api/runs?limit=1000")) > 60  # noqa: E731
    code, out, err = Optimizer(own_server).interrupted("--sample", "all.wav", "--auditions", 5000, "--epsilon", 0, "--json", after=stored)
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["stopped"] == "interrupted" and 40 < result["auditions"] < 5000
    assert result["score_after"] > result["score_before"] + 5
    assert own_server.osc.ask("/station/1/proposal/state") == "offered"
    assert own_server.osc.ask("/station/1/proposal/id") == result["proposal"]


def test_interrupted_too_early(optimizer):
    process = subprocess.Popen([*optimizer.command, "--live", "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5 * SLOW)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10 * SLOW)
    assert (process.returncode, out, err) == (1, "", "foldback-optimizer: interrupted before anything was heard\n")


# --- the proposal


def test_offer_accept_undo(own_server):
    """The audience hears nothing of it until the proposal is accepted; undo brings everything back."""
    osc, optimizer = own_server.osc, Optimizer(own_server)
    before = own_server.get("/api/stations/1/params")
    result = optimizer.json("--sample", "level.wav", "--auditions", 50)
    assert own_server.get("/api/stations/1/params") == before
    assert osc.ask("/station/1/proposal/state") == "offered"
    assert osc.call("/station/1/proposal/accept") is True
    after = own_server.get("/api/stations/1/params")
    assert {k: v for k, v in after.items() if v != before[k]} == pytest.approx(
        {key(address): new for address, (_, new) in result["changes"].items()})
    assert osc.call("/station/1/undo") is True
    assert own_server.get("/api/stations/1/params") == before


def test_accept(own_server):
    result = Optimizer(own_server).json("--sample", "level.wav", "--auditions", 50, "--accept")
    assert result["accepted"] is True
    assert own_server.osc.ask("/station/1/proposal/state") == "accepted"
    (address, (_, new)), *_ = result["changes"].items()
    assert own_server.osc.ask(address) == pytest.approx(new)


def test_turned_meanwhile(own_server):
    """Somebody turns a knob during the session: the session is not disturbed, and says so."""
    first = Optimizer(own_server).json("--sample", "all.wav", "--auditions", 60)
    process = subprocess.Popen([*Optimizer(own_server).command, "--sample", "all.wav", "--auditions", "60", "--json"],
                               stdout=subprocess.PIPE, text=True)
    known = len(own_server.get("/api/runs?limit=1000"))
    wait_for(lambda: len(own_server.get("/api/runs?limit=1000")) > known, what="the baseline")
    own_server.osc.send("/station/1/comp/ratio", 7.0)
    result = json.loads(process.communicate(timeout=100)[0])
    assert result["turned_meanwhile"] == ["comp.ratio"]
    assert (result["score_after"], result["changes"]) == (first["score_after"], first["changes"])


# --- several stations, and what is told of a session


@pytest.mark.parametrize("which", ["1,2", "all"])
def test_several_stations(server, which):
    """In turn, each with a session and a proposal of its own."""
    results = Optimizer(server, which).json("--sample", "level.wav", "--auditions", 30)
    assert [one["station"] for one in results] == [1, 2] and len({one["session"] for one in results}) == 2
    for one in results:
        assert server.osc.ask(f"/station/{one['station']}/proposal/id") == one["proposal"]
    text = Optimizer(server, which).run("--sample", "level.wav", "--auditions", 20).stdout
    assert "Station 1, engine local" in text and "Station 2, engine local" in text


def test_one_of_several_fails(server):
    """The others are tuned all the same, and the exit status tells."""
    done = Optimizer(server, "9,1").run("--sample", "level.wav", "--auditions", 20, "--json")
    assert done.returncode == 1 and "/station/9: the server has no such station" in done.stderr
    assert json.loads(done.stdout)[0]["station"] == 1


def test_stations_with_nothing_to_tune(tmp_path):
    """Of all stations those without a chain are passed over, which is no failure; a station that is named must have one. What
    is frozen has to be there once. Each station has a picture of its own."""
    (tmp_path / "short.json").write_text(json.dumps(dict(PATCH, stages=PATCH["stages"][:1])))
    (tmp_path / "empty.json").write_text(json.dumps(dict(PATCH, stages=[])))
    with start(tmp_path, "--stations", 4, "--patch", f"2={tmp_path / 'short.json'}", "--patch", f"3={tmp_path / 'empty.json'}") as server:
        options = ["--sample", "level.wav", "--auditions", 8, "--freeze", "limiter.ceiling", "--plot", tmp_path / "p.svg"]
        results = Optimizer(server, "all").json(*options)
        assert [one["station"] for one in results] == [1, 2, 3, 4] and [one.get("skipped") for one in results] == [
            None, None, "there are no parameters to turn: its chain is empty", None]
        assert sorted(path.name for path in tmp_path.glob("p*.svg")) == ["p-1.svg", "p-2.svg", "p-4.svg"]
        text = Optimizer(server, "all").run(*options).stdout
        assert "\nStation 3 is passed over: there are no parameters to turn: its chain is empty\n" in text
        named = Optimizer(server, "3,2").run("--sample", "level.wav", "--auditions", 8)
        assert named.returncode == 1 and "/station/3: there are no parameters" in named.stderr and "Station 2, " in named.stdout
        assert "fits no parameter of the stations" in Optimizer(server, "all").fails(*options, "--only", "trim,eqq")
        said = Optimizer(server, "all").run("--live", 0.2, "--json")
        assert said.returncode == 1 and "none of 4 has anything to tune" in said.stderr
        assert "silent" in json.loads(said.stdout)[0]["skipped"]


def test_why(optimizer):
    """Each change has its reason: what is lost without it, and for which metric of the goal."""
    result = optimizer.json("--sample", "level.wav")
    assert result["why"] and set(result["why"]) <= set(result["changes"])
    assert all(one["metric"] in PATCH["goal"]["weights"] for one in result["why"].values())
    gain = max(result["why"].values(), key=lambda one: one["points"])
    assert gain["points"] > 1 and gain["metric"] == "lufs_integrated"  # it was 18 dB too soft
    table = optimizer.run("--sample", "level.wav").stdout
    assert "points lost without it" in table and "Integrated loudness" in table


def test_plot(optimizer, tmp_path):
    """The picture is whole XML, with a dot for every audition, a line for the score and each of some metrics, the targets of
    these, and the rounds by their names, all of it within the picture."""
    result = optimizer.json("--sample", "level.wav", "--auditions", 40, "--plot", tmp_path / "plot.svg")
    picture = ElementTree.parse(tmp_path / "plot.svg").getroot()
    tags = [element.tag.split("}")[1] for element in picture.iter()]
    texts = [element.text or "" for element in picture.iter()]
    assert tags.count("circle") == result["auditions"] and tags.count("polyline") == 6
    assert any("Integrated loudness" in text for text in texts) and "1" in texts and "tidy" in texts
    assert f"Station 1: {result['score_before']:.2f} to {result['score_after']:.2f} of 100" in texts
    assert [element.get("stroke") for element in picture.iter()].count("#4a4") >= 3
    size = {"x": float(picture.get("width")), "y": float(picture.get("height"))}
    for element in picture.iter():
        assert all(0 <= float(value) <= size[name.lstrip("c")[0]] for name, value in element.items() if name in ("x", "y", "x1", "y2", "cx", "cy"))
    assert "cannot be written" in optimizer.run("--sample", "level.wav", "--auditions", 5, "--plot", tmp_path / "no" / "plot.svg").stderr


def test_epsilon_of_the_goal(tmp_path):
    """Unless given, what a gain is stands in the goal: with all of the score nothing is one."""
    with start(tmp_path, "--stations", 1, patch=dict(PATCH, goal=dict(PATCH["goal"], epsilon=1.0))) as server:
        result = Optimizer(server).json("--sample", "level.wav", "--patience", 1)
        assert result["stopped"] == "epsilon" and [one["kind"] for one in result["rounds"]].count("search") == 1
        assert server.get(f"/api/sessions/{result['session']}")["document"]["options"]["epsilon"] == 1
