# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that talk to a server, against a real one."""
import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import sounds
import wavs
from programs import Foldback
from servers import BUILD, SLOW, Foldbackd, free_port, wait_for

PATCH = {"name": "online", "stages": [{"id": "gain", "type": "gain"}, {"id": "comp", "type": "comp"}],
         "goal": {"target_lufs": -20, "weights": {"lufs_integrated": 1, "clipping": 1}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory, speech):
    folder = tmp_path_factory.mktemp("online")
    (folder / "patch.json").write_text(json.dumps(PATCH))
    samples = folder / "samples"
    samples.mkdir()
    sounds.ffmpeg("-i", speech, "-t", 5, samples / "speech.wav")
    with Foldbackd(folder, "--stations", 3, "--patch", folder / "patch.json", "--sample-dir", samples) as foldbackd:
        yield foldbackd


@pytest.fixture(scope="module")
def online(server):
    return Foldback(*server.clients)


# --- nobody there


@pytest.mark.parametrize("words", [["ls"], ["get", "/server/version"], ["set", "/station/1/mute", "true"], ["watch", "/server"],
                                   ["run", "1"], ["runs"], ["run", "show", "x"], ["snapshot", "1", "x.wav"], ["audit"]], ids=" ".join)
def test_no_server(foldback, tmp_path, words):
    """Told at once, with the place that was tried."""
    ports = free_port(), free_port()
    began = time.monotonic()
    said = foldback.fails(*words, "--osc-port", ports[0], "--http-port", ports[1], cwd=tmp_path)
    assert re.fullmatch(r"foldback: no foldback server answers at 127\.0\.0\.1:(\d+) \(is foldbackd running\?\)\n", said)
    assert int(re.search(r":(\d+) ", said)[1]) in ports and time.monotonic() - began < 5 * SLOW
    assert not list(tmp_path.iterdir())


def test_no_such_host(foldback):
    for words in (["ls"], ["get", "/a"]):
        assert "no.such.host.invalid" in foldback.fails(*words, "--host", "no.such.host.invalid")


def test_something_else_answers(foldback):
    """Another program's port, one that says nothing of HTTP: an error and no hang."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        def answer():
            peer, _ = other.accept()
            peer.recv(1000)
            peer.sendall(b"220 mail.example ESMTP\r\n")
            peer.close()
        thread = threading.Thread(target=answer)
        thread.start()
        said = foldback.fails("ls", "--http-port", other.getsockname()[1])
        thread.join()
    assert "no foldback server" in said


# --- ls


def test_ls(online):
    top = online("ls").split()
    assert "station/" in top and "server/" in top
    assert online("ls", "/").split() == top and online("ls", "/station").split() == ["1/", "2/", "3/"]
    lines = online("ls", "/station/1/comp").splitlines()
    assert re.search(r"^threshold +-20 dB +-60 to 0$", "\n".join(lines), re.M)
    assert re.search(r"^detector +peak +peak, rms$", "\n".join(lines), re.M) and any(line.startswith("meter/") for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_ls_one_leaf(online):
    text = online("ls", "/station/1/comp/ratio")
    assert "/station/1/comp/ratio  3:1" in text and "default 3" in text and "fader log" in text
    assert "dB in for each dB out" in text  # the node's own words


def test_ls_recursive(online):
    lines = online("ls", "-r", "/station/2").splitlines()
    assert all(line.startswith("/station/2/") for line in lines)
    assert sum("/metric/" in line for line in lines) == 55
    rows = online.json("ls", "-r", "/station/2")
    leaves = [row["address"] for row in rows if "type" in row]
    assert leaves == [line.split()[0] for line in lines]


def test_ls_json(online):
    rows = {row["name"]: row for row in online.json("ls", "/station/1/comp")}
    threshold = rows["threshold"]
    assert (threshold["address"], threshold["value"], threshold["unit"]) == ("/station/1/comp/threshold", -20.0, "dB")
    assert (threshold["min"], threshold["max"], threshold["access"], threshold["scale"]) == (-60, 0, "both", "linear")
    assert rows["detector"]["choices"] == ["peak", "rms"] and rows["meter"]["children"] is True
    stt = online.json("ls", "/station/1/metric/stt_confidence")[0]
    assert stt["valid"] is False and stt["access"] == "both"
    undo = online.json("ls", "/station/1/undo")[0]
    assert undo["command"] is True


def test_ls_nothing_there(online):
    assert "/station/9" in online.fails("ls", "/station/9")
    assert "/a b%/ü" in online.fails("ls", "/a b%/ü")


# --- get and set


def test_get(online):
    assert online("get", "/station/1/comp/threshold") == "-20\n"
    assert online("get", "/station/1/comp/detector", "/station/1/comp/auto_makeup", "/station/1/name").splitlines() == [
        "/station/1/comp/detector peak", "/station/1/comp/auto_makeup false", "/station/1/name Station 1"]
    assert online.json("get", "/station/1/comp/threshold", "/station/1/mute") == {"/station/1/comp/threshold": -20.0,
                                                                                  "/station/1/mute": False}
    assert online.fails("get", "/nope") == "foldback: /nope: there is no such address\n"
    assert "/station" in online.fails("get", "/station")  # holds others
    done = online.run("get", "/nope", "/station/1/comp/knee")  # the rest is still answered
    assert done.returncode == 1 and done.stdout == "/station/1/comp/knee 6\n" and "/nope" in done.stderr


@pytest.mark.parametrize("address, value, applied", [
    ("comp/threshold", "-33.3", "-33.3"), ("comp/threshold", "-30", "-30"), ("comp/threshold", "-100", "-60"),
    ("comp/threshold", "1e1", "0"), ("comp/detector", "rms", "rms"), ("comp/detector", "0", "peak"), ("mute", "true", "true"),
    ("mute", "0", "false"), ("name", "5", "5"), ("name", "true", "true"), ("name", "Vox, lead", "Vox, lead"), ("mode", "auto", "auto"),
])
def test_set(online, address, value, applied):
    address = f"/station/3/{address}"
    assert online("set", address, value) == f"{applied}\n"
    assert online("get", address) == f"{applied}\n"


def test_set_json(online):
    assert online.json("set", "/station/3/comp/ratio", "4.5") == {"address": "/station/3/comp/ratio", "values": [4.5]}


def test_set_twin_and_pattern(online):
    assert online("set", "/norm/station/3/comp/threshold", "0.5") == "0.5\n"
    assert online("get", "/station/3/comp/threshold") == "-30\n"
    online("set", "/station/*/comp/knee", "9")
    assert [online("get", f"/station/{n}/comp/knee") for n in (1, 2, 3)] == ["9\n"] * 3
    online("set", "/station/*/comp/knee", "6")


@pytest.mark.parametrize("words, said", [
    (["/station/3/comp/detector", "fast"], '/station/3/comp/detector: "fast" is none of: peak rms'),
    (["/station/3/comp/threshold", "loud"], "/station/3/comp/threshold: takes a number"),
    (["/station/3/metric/rms", "0"], "/station/3/metric/rms: is read-only"),
    (["/nope", "0"], "/nope: there is no such address"),
    (["/station/*/nope", "0"], "/station/*/nope"),
    (["/station/3/comp/threshold", "1", "2"], "/station/3/comp/threshold"),
    (["/station/3", "1"], "/station/3"),
    (["/station/3/node/add", "eq"], "/station/3/node/add: takes the arguments"),
    (["/station/3/node/add", "nope", "x"], "there is no such node type"),
])
def test_set_refused(online, words, said):
    assert said in online.fails("set", *words)


def test_set_needs_a_value(online):
    assert "/station/3/comp/threshold needs a value" in online.fails("set", "/station/3/comp/threshold", code=2)


def test_commands(online):
    """Arguments are what the command takes, whatever they look like; a command without arguments runs."""
    assert online("set", "/station/3/node/add", "eq", "tone", "comp") == ""
    assert "tone/" in online("ls", "/station/3")
    assert online("set", "/station/3/tone/b3_gain", "-4") == "-4\n"
    online("set", "/station/3/node/remove", "tone")
    assert "tone/" not in online("ls", "/station/3")
    online("set", "/station/3/undo")
    assert online("get", "/station/3/tone/b3_gain") == "-4\n"
    online("set", "/station/3/redo")


# --- watch


class Watcher:
    def __init__(self, online, *words):
        self.process = subprocess.Popen([str(BUILD / "foldback"), *online.options, "watch", *words], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def until(self, pattern):
        """Lines up to the first that matches."""
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if re.fullmatch(pattern, lines[-1]):
                return lines
        raise AssertionError(f"no {pattern} in {lines}; {self.process.stderr.read()}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10 * SLOW)
        return self.process.returncode, out, err


def test_watch(online):
    """First what is there, then what changes; Ctrl-C is its good end."""
    watcher = Watcher(online, "/station/2/comp/threshold", "/station/2/mute")
    watcher.until("/station/2/mute false")
    online("set", "/station/2/comp/threshold", "-41")
    assert watcher.until("/station/2/comp/threshold -41") == ["/station/2/comp/threshold -41"]
    online("set", "/station/2/mute", "true")
    watcher.until("/station/2/mute true")
    code, out, err = watcher.interrupt()
    assert (code, err) == (0, "")
    online("set", "/station/2/mute", "false")


def test_watch_patterns_and_json(online):
    watcher = Watcher(online, "/station/*/gain/gain", "--json")
    first = [json.loads(watcher.process.stdout.readline()) for _ in range(3)]
    assert sorted(row["address"] for row in first) == [f"/station/{n}/gain/gain" for n in (1, 2, 3)]
    assert all(row["value"] == 0.0 for row in first)
    assert watcher.interrupt()[0] == 0


@pytest.mark.slow
@pytest.mark.waits
def test_watch_for_some_seconds(online):
    """A lease lasts 10 s: a change after 12 shows that it was renewed."""
    watcher = Watcher(online, "/station/2/comp/ratio", "--seconds", "14")
    watcher.until("/station/2/comp/ratio 3")
    time.sleep(12)
    online("set", "/station/2/comp/ratio", "7")
    watcher.until("/station/2/comp/ratio 7")
    assert watcher.process.wait(10) == 0
    online("set", "/station/2/comp/ratio", "3")


def test_watch_rate(online, server):
    """A fader that moves 50 times a second for 2 s: at one a second the first value, at most 3 more and the last."""
    slow, quick = (Watcher(online, "/station/2/gain/gain", "--rate", rate, "--seconds", "4") for rate in ("1", "50"))
    for watcher in (slow, quick):
        watcher.until("/station/2/gain/gain 0")
    for i in range(100):
        server.osc.send("/station/2/gain/gain", ("f", -20 + i / 10))
        time.sleep(0.02)
    heard = [watcher.process.communicate(timeout=10 * SLOW)[0].splitlines() for watcher in (slow, quick)]
    assert 1 <= len(heard[0]) <= 5 and len(heard[1]) > 3 * len(heard[0])
    assert heard[0][-1] == heard[1][-1] == "/station/2/gain/gain -10.1"
    online("set", "/station/2/gain/gain", "0")


def test_watch_outlives_a_server(foldback, tmp_path):
    ports = ["--osc-port", str(free_port()), "--http-port", str(free_port())]
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    one = Foldbackd(first, "--stations", 1, *ports)
    watcher = Watcher(Foldback(*ports), "/station/1/name")
    watcher.until("/station/1/name Station 1")
    one.stop()
    assert "no foldback server answers" in watcher.process.stderr.readline()
    with Foldbackd(second, "--stations", 1, *ports):
        watcher.until("/station/1/name Station 1")
        code, _, err = watcher.interrupt()
    assert code == 0 and "it is back" in err


# --- runs


def test_run_a_sample(online, server, tmp_path):
    out = tmp_path / "heard.wav"
    before = server.get("/api/stations/1/params")
    report = online.json("run", "1", "--sample", "speech.wav", "--set", "comp.threshold=-40", "--set", "comp.detector=rms", "--set",
                         "gain.gain=3dB", "--notes", "a try", "--out", out)
    assert report["station_id"] == 1 and report["notes"] == "a try" and len(report["metrics"]) == 55 and 0 <= report["score"] <= 100
    assert report["params_after"]["comp.threshold"] == -40 and report["params_after"]["comp.detector"] == "rms"
    assert report["params_after"]["gain.gain"] == 3 and "audio_snapshot_base64" not in report
    assert server.get("/api/stations/1/params") == before  # the audience heard nothing
    heard = wavs.Wav(out)
    assert heard.frames == report["frame_end"] - report["frame_start"] == 5 * 48000 and heard.rate == 48000
    # what was heard measures as the run did; the input, its reduction and latency are not in the file
    measured = online.json("analyze", out)
    own = {"gain_change", "gain_reduction", "latency", "loudness_error", "stt_confidence"}
    assert {name: value for name, value in measured["metrics"].items() if name not in own} == {
        name: value for name, value in report["metrics"].items() if name not in own}
    text = online("run", "show", report["run_id"])
    assert f"score {report['score']:.1f} of 100" in text and "comp.threshold               -20 -> -40\n" in text
    assert "comp.detector                peak -> rms\n" in text and "notes: a try" in text
    for name in ("lufs_integrated", "true_peak"):
        assert re.search(rf"^  {name} +{report['metrics'][name]:.2f} ", text, re.M)
    assert online.json("run", "show", report["run_id"])["metrics"] == report["metrics"]


def test_runs_and_snapshot(online, tmp_path):
    assert "station 2 has no run yet" in online.fails("snapshot", "2", tmp_path / "x.wav")
    ids = [online.json("run", "3", "--sample", "speech.wav")["run_id"] for _ in range(2)]
    rows = online.json("runs", "--station", "3")
    assert [row["run_id"] for row in rows] == ids[::-1]
    table = online("runs", "--station", "3").splitlines()
    assert [line.split()[0] for line in table] == ["run", *ids[::-1]]
    assert online("snapshot", "3", tmp_path / "x.wav") == f"{tmp_path}/x.wav: run {ids[1]}\n"
    assert wavs.Wav(tmp_path / "x.wav").frames == 5 * 48000
    assert online("runs", "--station", "2") == "" and online.json("runs", "--station", "2") == []


def test_runs_limit(online):
    for _ in range(2):
        newest = online.json("run", "3", "--sample", "speech.wav")["run_id"]
    assert [row["run_id"] for row in online.json("runs", "--station", "3", "--limit", "1")] == [newest]
    assert online.json("runs", "--limit", "1")[0]["run_id"] == newest  # of any station


def test_run_live(online):
    """The dummy driver hears silence: most metrics have no answer, and the frames are as many as asked for."""
    report = json.loads(wait_for(lambda: online.run("run", "2", "--live", "0.5", "--json").stdout, 30))  # a busy machine loses some
    assert report["frame_end"] - report["frame_start"] == 24000 and report["metrics"]["lufs_integrated"] == -120
    assert "lufs_integrated" in report["invalid"]
    assert re.search(r"^  lufs_integrated +-  LUFS$", online("run", "show", report["run_id"]), re.M)


def test_run_with_reference(online):
    report = online.json("run", "1", "--sample", "speech.wav", "--reference", "speech.wav", "--set", "comp.bypass=true")
    assert "si_sdr" in report["metrics"]


@pytest.mark.parametrize("words, said", [
    (["run", "4"], "station"), (["run", "1", "--sample", "none.wav"], "none.wav"), (["run", "1", "--sample", "../x"], "source.sample"),
    (["run", "1", "--sample", "speech.wav", "--set", "comp.nope=1"], "comp.nope: comp has no such parameter"),
    (["run", "1", "--sample", "speech.wav", "--set", "comp.ratio"], "needs the form NODE.PARAM=VALUE"),
    (["run", "1", "--sample", "speech.wav", "--set", "comp.ratio=999"], "comp.ratio: 999 is out of range"),
    (["run", "1", "--sample", "speech.wav", "--set", "comp.detector=1"], 'has no choice "1"'),
    (["run", "show", "no/such run"], "no/such run"), (["snapshot", "3", "/nope/x.wav"], "/nope/x.wav"),
])
def test_run_errors(online, words, said):
    online.json("run", "3", "--sample", "speech.wav")
    assert said in online.fails(*words)


def test_a_snapshot_that_is_gone_leaves_no_file(online, tmp_path, server):
    assert server.http("GET", "/api/runs/nope/snapshot.wav")[0] == 404
    (tmp_path / "old.wav").write_text("old")
    done = online.run("run", "2", "--sample", "speech.wav", "--out", tmp_path / "none" / "x.wav")
    assert done.returncode == 1 and "none/x.wav" in done.stderr and "score" in done.stdout  # the run itself is not lost
    assert [file.name for file in tmp_path.iterdir()] == ["old.wav"]


# --- askers that have gone


def test_the_server_still_hears(online, server):
    """An answer that finds nobody comes back as an error of the server's socket: it must not deafen it."""
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.sendto(b"/server/version\0,\0\0\0", ("127.0.0.1", server.osc_port))
        assert online("get", "/server/version")


# --- audit


def test_audit(online):
    online("set", "/station/1/comp/knee", "11")
    online.fails("set", "/station/1/comp/detector", "fast")
    rows = wait_for(lambda: [row for row in online.json("audit", "--limit", "50") if row["address"] == "/station/1/comp/knee"])
    assert rows[0]["new"] in ("11", "11.0") and rows[0]["origin"].startswith("osc 127.0.0.1:")
    text = online("audit", "--limit", "50")
    assert re.search(r"/station/1/comp/knee  6(\.0)? -> 11(\.0)?$", text, re.M)
    assert re.search(r"/station/1/comp/detector .*REFUSED: .*none of: peak rms", text)
    assert len(online("audit", "--limit", "3").splitlines()) == 3
    online("set", "/station/1/comp/knee", "6")


# --- token


def test_token(tmp_path, foldback):
    """From this machine none is needed; a wrong file is told."""
    assert "none: the token cannot be read: No such file" in foldback.fails("runs", "--token-file", tmp_path / "none")
    (tmp_path / "empty").write_text("")
    assert "the token cannot be read: it is empty" in foldback.fails("runs", "--token-file", tmp_path / "empty")
