# SPDX-License-Identifier: GPL-3.0-or-later
"""REST without JACK: samples, refusals, what is stored. A request is done whole or not at all."""
import io
import json
import math
import os
import socket
import struct
import wave

import pytest

from servers import Foldbackd, wait_for

PATCH = {"name": "rest", "stages": [{"id": "gain", "type": "gain"}],
         "goal": {"target_lufs": -20, "weights": {"lufs_integrated": 1, "clipping": 1}}}


def wav(seconds=0.5, rate=48000, channels=1, level=0.1):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        for i in range(int(seconds * rate)):
            value = round(32767 * level * math.sin(2 * math.pi * 440 * i / rate))
            out.writeframesraw(struct.pack("<h", value) * channels)
    return file.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rest")
    patch = folder / "rest.json"
    patch.write_text(json.dumps(PATCH))
    with Foldbackd(folder, "--stations", 2, "--patch", patch) as foldbackd:
        yield foldbackd


def refusal(server, method, path, body, headers=None):
    status, answer = server.http(method, path, body, headers)
    assert set(answer) == {"error"} and answer["error"]["code"] == status
    return status, answer["error"].get("address"), answer["error"]["message"]


def test_params_all_or_nothing(server):
    before = server.get("/api/stations/1/params")
    for body, code, place in [({"gain.gain": -3, "gain.nope": 1}, 404, "gain.nope"),
                              ({"gain.gain": -3, "none.x": 1}, 404, "none.x"),
                              ({"gain.gain": -3, "gain.mono": 1}, 406, "gain.mono"),
                              ({"gain.gain": 999}, 400, "gain.gain"),
                              ({"gain.gain": "loud"}, 406, "gain.gain"),
                              ([1, 2], 406, "parameters")]:
        assert refusal(server, "POST", "/api/stations/1/params", body)[:2] == (code, place)
    assert server.get("/api/stations/1/params") == before
    assert server.post("/api/stations/1/params", {"gain.gain": -3, "gain.mono": True}) == {"stored": True}
    now = server.get("/api/stations/1/params")
    assert now["gain.gain"] == -3 and now["gain.mono"] is True
    server.post("/api/stations/1/params", before)


def test_no_such_station_or_route(server):
    for path in ("/api/stations/0/params", "/api/stations/3/metrics", "/api/stations/x/params", "/api/nothing"):
        assert refusal(server, "GET", path, None)[0] == 404
    assert refusal(server, "POST", "/api/runs", {})[0] == 405
    assert refusal(server, "POST", "/station/1", {})[0] == 405
    for lost in ("/api", "/api/", "/api/stations"):  # who looks around finds the list
        assert refusal(server, "GET", lost, None)[::2] == (404, "there is no such route; /api/openapi.json has them all")
    assert "/api/stations/{station}/params" in server.get("/api/openapi.json")["paths"]


def test_broken_bodies(server):
    headers = {"Content-Type": "application/json"}
    assert refusal(server, "POST", "/api/stations/1/params", b"{", headers)[0] == 400
    assert refusal(server, "POST", "/api/stations/1/params", b'{"a":1,"a":2}', headers)[0] == 400
    assert refusal(server, "POST", "/api/stations/1/params", b"{}", {"Content-Type": "text/plain"})[0] == 415
    status, _, message = refusal(server, "POST", "/api/stations/1/params", b"x" * (2 << 20), headers)
    assert status == 413 and "larger than" in message


@pytest.mark.parametrize("body, place", [
    ({}, "station"),
    ({"station": 9, "source": {"live": 1}}, "station"),
    ({"station": 1}, "source"),
    ({"station": 1, "source": {"live": 1, "sample": "a.wav"}}, "source"),
    ({"station": 1, "source": {"live": 1e9}}, "source.live"),
    ({"station": 1, "source": {"sample": "../../etc/passwd"}}, "source.sample"),
    ({"station": 1, "source": {"sample": "none.wav"}}, None),
    ({"station": 1, "source": {"run": "nothing"}}, "source.run"),
    ({"station": 1, "source": {"live": 1}, "parameters": {"gain.gain": 1e3}}, "parameters"),
    ({"station": 1, "source": {"live": 1}, "colour": "blue"}, "colour"),
    ({"station": 1, "source": {"live": 1}, "subjective": 11}, "subjective"),
    ({"station": "1", "source": {"live": 1}}, "station"),
])
def test_runs_that_cannot_be(server, body, place):
    status, address, message = refusal(server, "POST", "/api/calibration/run", body)
    assert status in (400, 404, 406) and message
    assert place is None or address == place


def test_auditions_that_cannot_be(server):
    base = {"station": 1, "source": {"live": 1}}
    for more, place in [({}, "candidates"), ({"candidates": []}, "candidates"),
                        ({"candidates": [{}, {"gain.gain": "x"}]}, "candidates[1]"),
                        ({"candidates": [{}] * 257}, "candidates"), ({"parameters": {}}, "parameters")]:
        assert refusal(server, "POST", "/api/calibration/audition", {**base, **more})[1] == place


def test_samples(server):
    data = wav()
    assert server.http("PUT", "/api/samples/tone.wav", data)[0] == 201
    assert server.http("GET", "/api/samples/tone.wav", raw=True) == (200, data)
    for name, body in [("tone.mp3", data), (".wav", data), ("x%2Fy.wav", data), ("noise.wav", b"no audio at all")]:
        assert refusal(server, "PUT", f"/api/samples/{name}", body)[0] in (400, 404)
    assert refusal(server, "GET", "/api/samples/none.wav", None)[0] == 404
    kept = next(server.folder.rglob("tone.wav")).with_name("huge.wav")
    kept.touch()
    os.truncate(kept, (128 << 20) + 1)  # put there by hand: not cut, but refused
    assert refusal(server, "GET", "/api/samples/huge.wav", None)[0] == 413
    assert server.http("GET", "/api/samples/tone.wav", raw=True) == (200, data)


def test_a_run_on_a_sample_at_another_rate(server):
    server.http("PUT", "/api/samples/low.wav", wav(1.0, rate=16000, level=0.25))
    report = server.post("/api/calibration/run", {"station": 1, "source": {"sample": "low.wav"},
                                                  "include_audio": False})
    assert report["sample_rate"] == 48000 and abs(report["frame_end"] - 48000) <= 64
    assert report["metrics"]["rms"] == pytest.approx(20 * math.log10(0.25) - 3.01, abs=0.1)
    assert "audio_snapshot_base64" not in report and 0 <= report["score"] <= 100
    louder = server.post("/api/calibration/run", {"station": 1, "source": {"run": report["run_id"]},
                                                  "parameters": {"gain.gain": -6.0}, "include_audio": False})
    assert louder["metrics"]["rms"] - report["metrics"]["rms"] == pytest.approx(-6, abs=0.01)
    assert [r["run_id"] for r in server.get("/api/runs?station=1&limit=2")] == [louder["run_id"], report["run_id"]]


def test_a_run_survives_kill_nine(tmp_path):
    with Foldbackd(tmp_path, "--stations", 1) as first:
        first.http("PUT", "/api/samples/tone.wav", wav())
        run = first.post("/api/calibration/run", {"station": 1, "source": {"sample": "tone.wav"}})
        first.post("/api/stations/1/params", {})
        first.kill()
    with Foldbackd(tmp_path, "--stations", 1) as second:
        assert second.get(f"/api/runs/{run['run_id']}")["metrics"] == run["metrics"]
        status, audio = second.http("GET", f"/api/runs/{run['run_id']}/snapshot.wav", raw=True)
        assert status == 200 and audio[:4] == b"RIFF"


def test_refusals_are_audited(server):
    server.osc.send("/station/1/gain/gain", "loud")
    server.osc.sync()
    rows = wait_for(lambda: [r for r in server.get("/api/audit?limit=20") if r["outcome"] != "ok"], 5, "the row")
    assert rows[0]["address"] == "/station/1/gain/gain" and rows[0]["new"] == "loud"


def test_an_asker_that_leaves_does_no_harm(server):
    body = json.dumps({"station": 1, "source": {"live": 0.3}}).encode()
    with socket.create_connection(("127.0.0.1", server.http_port)) as s:
        s.sendall(b"POST /api/calibration/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    before = len(server.get("/api/runs"))
    wait_for(lambda: len(server.get("/api/runs")) > before, 10, "the run of the asker that left")


def test_edits_while_it_runs(server):
    for step in (("add", "eq", "tone"), ("add", "comp", "squash", "tone"), ("move", "tone", "squash")):
        assert server.osc.call(f"/station/2/node/{step[0]}", *step[1:]) is True
    assert server.osc.ask("/station/2/tone/b3_gain") == 0
    assert server.osc.call("/station/2/node/add", "eq", "tone") == "there is a stage of that id already"
    assert server.osc.call("/station/2/node/add", "fuzz", "x") == "there is no such node type"
    assert server.osc.call("/station/2/node/remove", "tone") is True
    assert "has no such" in server.osc.call("/station/2/node/remove", "tone")
    assert server.http("GET", "/station/2/tone")[0] == 404
    for _ in range(3):
        assert server.osc.call("/station/2/undo") is True
    assert server.http("GET", "/station/2/squash")[0] == 404 and server.http("GET", "/station/2/gain")[0] == 200
    assert server.osc.call("/station/2/redo") is True
    assert server.http("GET", "/station/2/tone/b3_gain?VALUE") == (200, {"VALUE": [0.0]})


def test_oscquery_is_there(server):
    info = server.get("/?HOST_INFO")
    assert info["OSC_PORT"] == server.osc_port and info["EXTENSIONS"]["VALUE"] is True
    leaf = server.get("/station/1/gain/gain")
    assert leaf["FULL_PATH"] == "/station/1/gain/gain" and leaf["TYPE"] == "f" and leaf["UNIT"] == ["gain.db"]
    assert server.http("GET", "/station/1/nothing")[0] == 404
