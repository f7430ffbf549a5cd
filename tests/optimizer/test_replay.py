# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished session is done again from its record: the same runs, bit for bit, without a model; or it is said what is another."""
import json

import pytest

from servers import SLOW
from support.model_double import ModelDouble, advises, completion, engineer, refuses, says
from tuning import Optimizer, start

BRIEF = ["--sample", "brief.wav"]
LLM = [*BRIEF, "--engine", "llm", "--auditions", 40]


def test_replay(tmp_path):
    """A finished session is done again from its record, without the model: the same runs, bit for bit; and where the chain
    is another, it says from which run on."""
    with start(tmp_path, "--stations", 1) as server:
        with ModelDouble(tmp_path, engineer) as double:
            first = Optimizer(server).json(*BRIEF, *double.options(), "--engine", "hybrid", "--auditions", 30)
        stored = server.get(f"/api/sessions/{first['session']}")["document"]
        assert len(stored["exchanges"]) == first["spend"]["requests"] and "messages" in stored["exchanges"][0]["request"]
        server.osc.send("/station/1/comp/ratio", 7.0)  # as the station is now matters not
        server.osc.sync()
        again = Optimizer(server).run("--replay", first["session"], "--engine", "replay")
        assert again.returncode == 0 and f"all {first['auditions']} runs are the same, bit for bit" in again.stdout
        assert double.server.fileno() == -1  # the double was gone by then
        local = Optimizer(server).json(*BRIEF, "--seconds", 0.3)
        again = Optimizer(server).json("--replay", local["session"])
        assert again["replay"]["same"] and again["replay"]["runs"] == local["auditions"]
        assert server.osc.call("/station/1/node/move", "limiter", "eq") is True
        other = Optimizer(server).run("--replay", first["session"])
        assert other.returncode == 1 and "they differ from run 1 on" in other.stdout
        assert "What is another than then: the station's chain." in other.stdout
        assert server.osc.call("/station/1/node/remove", "comp") is True
        assert "--replay: cannot be done again here: comp." in Optimizer(server).fails("--replay", first["session"])
        assert "there is no such session" in Optimizer(server).fails("--replay", "never")


def frugal(request):
    """A server that knows no JSON schema and counts no tokens."""
    if request.get("response_format", {}).get("type") == "json_schema":
        return refuses(400, "response_format is not supported")(request)
    _, _, body = engineer(request)
    return completion(json.loads(body)["choices"][0]["message"]["content"], usage=None)


@pytest.mark.parametrize("acts, options, stopped", [
    ([frugal], ["--auditions", 200, "--patience", 9, "--tokens", 26000], "tokens"),
    (["stall"], ["--seconds", 1.5 * SLOW], "seconds"),
    ([says("no"), advises({"trim.gain": 6}), "stall"], ["--seconds", 1.5 * SLOW, "--patience", 9], "seconds"),
    ([advises({"trim.gain": 6}), refuses(500, "broken")], ["--retries", 0], "model")])
def test_ends_where_it_ended(server, tmp_path, acts, options, stopped):
    """By a budget that had to be estimated, by the clock in the middle of a question, by a model that failed."""
    with ModelDouble(tmp_path, *acts) as double:
        first = Optimizer(server).json(*LLM, *double.options(), *options)
    again = Optimizer(server).json("--replay", first["session"])
    assert (first["stopped"], again["stopped"]) == (stopped, stopped) and again["spend"] == first["spend"]
    assert again["replay"]["same"] and again["replay"]["runs"] == first["auditions"] > 1


def test_says_what_is_another(server):
    """The version that recorded it, where runs differ; audio that is no longer kept; a record that is none."""
    first = Optimizer(server).json(*BRIEF, "--auditions", 12)
    document = server.get(f"/api/sessions/{first['session']}")["document"]
    last = dict(document["trials"][-1], score=1.0)

    def stored(**changes):
        assert server.http("PUT", "/api/sessions/mended", dict(document, **changes))[0] == 200
        return Optimizer(server).run("--replay", "mended")

    done = stored(version="0.0.1")
    assert done.returncode == 0 and "bit for bit" in done.stdout
    done = stored(trials=[*document["trials"][:-1], last])
    assert done.returncode == 1 and "nothing that the record tells" in done.stdout
    done = stored(trials=[*document["trials"][:-1], last], version="0.0.1")
    assert done.returncode == 1 and "they differ from run 12 on.\nWhat is another than then: the program's version." in done.stdout
    assert "cannot be done again here: no audio is kept" in stored(source_hash="f" * 64).stderr
    assert "is not enough to do it again" in stored(engine="magic").stderr


def test_draws(server, tmp_path):
    """A session of long ago can be drawn; what would propose or send something does not go with it."""
    first = Optimizer(server).json(*BRIEF, "--auditions", 12)
    Optimizer(server).json("--replay", first["session"], "--plot", tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text().count("<circle") == first["auditions"]
    assert "--dry-run: does not go with --replay" in Optimizer(server).fails("--replay", first["session"], "--dry-run", code=2)
