# SPDX-License-Identifier: GPL-3.0-or-later
"""The engineer's mark of a run: by OSC, HTTP and the command line, kept with the run and weighed in its score."""
import json
import subprocess

import pytest

import sounds
from servers import BUILD, SLOW, Foldbackd, wait_for

GOAL = {"target_lufs": -23, "weights": {"lufs_integrated": 3, "subjective": 1}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rating")
    samples = folder / "foldback" / "samples"
    samples.mkdir(parents=True)
    sounds.speech(samples / "talk.wav", "demo-congrats", seconds=3, channels=2)
    (folder / "patch.json").write_text(json.dumps({"name": "V", "stages": [{"type": "gain"}], "goal": GOAL}))
    with Foldbackd(folder, "--stations", 2, "--patch", folder / "patch.json", "--node-path", BUILD / "nodes") as foldbackd:
        yield foldbackd


def run(server, **more):
    return server.post("/api/calibration/run", {"station": 1, "source": {"sample": "talk.wav"}, "include_audio": False, **more})


def weighed(plain, mark):
    """The score of a run without a mark, with one: three parts of loudness, one of the mark."""
    return (3 * plain + 100 * mark / 5) / 4


def test_given_with_the_run(server):
    plain = run(server)
    assert run(server, subjective=5)["score"] == pytest.approx(weighed(plain["score"], 5))
    assert run(server, subjective=0)["score"] == pytest.approx(weighed(plain["score"], 0))


def test_http(server):
    plain = run(server, notes="first")
    answer = server.post(f"/api/runs/{plain['run_id']}/rating", {"subjective": 4, "notes": "warm"})
    assert (answer["subjective"], answer["notes"]) == (4, "warm") and answer["score"] == pytest.approx(weighed(plain["score"], 4))
    kept = server.get(f"/api/runs/{plain['run_id']}")
    assert (kept["subjective"], kept["notes"], kept["score"]) == (4, "warm", answer["score"]) and kept["metrics"] == plain["metrics"]
    assert next(row for row in server.get("/api/runs") if row["run_id"] == plain["run_id"])["score"] == answer["score"]
    again = server.post(f"/api/runs/{plain['run_id']}/rating", {"subjective": 1})
    assert again["notes"] == "warm" and again["score"] == pytest.approx(weighed(plain["score"], 1))


@pytest.mark.parametrize("body", [{}, {"subjective": 6}, {"subjective": -1}, {"subjective": "4"}, {"subjective": 4, "why": 1},
                                  {"subjective": 4, "notes": 5}])
def test_refused(server, body):
    plain = run(server)
    status, answer = server.http("POST", f"/api/runs/{plain['run_id']}/rating", body)
    assert status == 400 and "0 to 5" in answer["error"]["message"]
    assert server.get(f"/api/runs/{plain['run_id']}")["score"] == plain["score"]


def test_no_such_run(server):
    status, answer = server.http("POST", "/api/runs/never/rating", {"subjective": 3})
    assert status == 404 and "no such run" in answer["error"]["message"]


def test_osc(server):
    """The newest run of the station, or one that is named."""
    old, new = run(server), run(server)
    assert server.osc.call("/station/1/run/rate", 3.0, "thin") is True
    assert server.osc.wait("/done") == ["/station/1/run/rate", new["run_id"]]
    wait_for(lambda: server.get(f"/api/runs/{new['run_id']}")["score"] != new["score"], what="the mark")
    kept = server.get(f"/api/runs/{new['run_id']}")
    assert (kept["subjective"], kept["notes"]) == (3, "thin")
    assert server.osc.call("/station/1/run/rate", 2.0, "dull", old["run_id"]) is True
    assert server.osc.wait("/done") == ["/station/1/run/rate", old["run_id"]]
    wait_for(lambda: server.get(f"/api/runs/{old['run_id']}").get("subjective") == 2, what="the mark")
    assert "from 0 to 5" in server.osc.call("/station/1/run/rate", 7.0)
    assert "no run yet" in server.osc.call("/station/2/run/rate", 3.0)


@pytest.mark.parametrize("station, which, why", [(1, "never", "no such run"), (2, None, "is a run of station 1")])
def test_osc_of_a_wrong_run(server, station, which, why):
    """It was taken on, and who asked is told that it failed."""
    plain = run(server)
    server.osc.call(f"/station/{station}/run/rate", 2.0, "x", which or plain["run_id"])
    (address, reason, what) = server.osc.wait("/fail")
    assert address == f"/station/{station}/run/rate" and why in reason and what == (which or plain["run_id"])
    assert server.get(f"/api/runs/{plain['run_id']}").get("subjective") is None


def test_long_notes(server):
    """10 kB of any script are kept as they are; a book is refused, with a run and after it."""
    plain, note = run(server), "žluťoučký kůň 🎤 \"a\"\n" * 350
    assert len(note.encode()) > 10000
    assert server.post(f"/api/runs/{plain['run_id']}/rating", {"subjective": 4, "notes": note})["notes"] == note
    assert server.get(f"/api/runs/{plain['run_id']}")["notes"] == note
    status, answer = server.http("POST", f"/api/runs/{plain['run_id']}/rating", {"subjective": 4, "notes": "x" * 20000})
    assert status == 413 and "at most 16384 bytes" in answer["error"]["message"]
    status, answer = server.http("POST", "/api/calibration/run", {"station": 1, "source": {"sample": "talk.wav"}, "notes": "x" * 20000})
    assert status == 413 and answer["error"]["address"] == "notes"
    assert "at most 4096 bytes" in server.osc.call("/station/1/run/rate", 3.0, "x" * 5000)


def test_command_line(server):
    plain = run(server)
    rate = [str(BUILD / "foldback"), "rate", *server.clients]
    done = subprocess.run([*rate, plain["run_id"], "4.5", "--notes", "good"], capture_output=True, text=True, timeout=30 * SLOW)
    assert (done.returncode, done.stderr) == (0, "") and "4.5 of 5, score" in done.stdout
    assert server.get(f"/api/runs/{plain['run_id']}")["notes"] == "good"
    bad = subprocess.run([*rate, plain["run_id"], "9"], capture_output=True, text=True, timeout=30 * SLOW)
    assert bad.returncode == 2 and "no mark from 0 to 5" in bad.stderr
    bad = subprocess.run([*rate, "never", "4"], capture_output=True, text=True, timeout=30 * SLOW)
    assert bad.returncode == 1 and "no such run" in bad.stderr


def test_table_of_runs(server):
    """A row is a line, with the mark; a long note is cut, and none of it moves the cursor."""
    plain = run(server)
    server.post(f"/api/runs/{plain['run_id']}/rating", {"subjective": 3.5, "notes": "thin\x1b[2J\n" + "é" * 200})
    done = subprocess.run([str(BUILD / "foldback"), "runs", *server.clients], capture_output=True, text=True, timeout=30 * SLOW)
    row = next(line for line in done.stdout.splitlines() if line.startswith(plain["run_id"]))
    assert " 3.5 " in row and row.endswith("thin [2J " + "é" * 51 + "…") and "\x1b" not in row
