# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard rails of proposals: what they may turn, hearing them alone first, and taking an armed one back."""
import itertools
import json
import subprocess
import time

import pytest

import sounds
from servers import BUILD, SLOW, Foldbackd, Jackd, wait_for
from taps import Take

PATCH = {"name": "Voice", "stages": [{"id": "trim", "type": "gain"}, {"id": "comp", "type": "comp", "parameters": {"ratio": 2}}],
         "goal": {"target_lufs": -23, "weights": {"lufs_short_term": {"weight": 1, "tolerance": 6}}}}


def start(folder, jack=None, stations=2, *options):
    samples = folder / "foldback" / "samples"
    samples.mkdir(parents=True)
    sounds.speech(samples / "talk.wav", "demo-congrats", seconds=4, channels=2)
    (folder / "patch.json").write_text(json.dumps(PATCH))
    return Foldbackd(folder, "--stations", stations, "--patch", f"1={folder / 'patch.json'}", "--node-path", BUILD / "nodes",
                     *options, jack=jack)


@pytest.fixture
def server(tmp_path):
    with start(tmp_path) as foldbackd:
        yield foldbackd


def run(server, parameters):
    """A run of the sample with these parameters: its report."""
    return server.post("/api/calibration/run", {"station": 1, "source": {"sample": "talk.wav"}, "parameters": parameters,
                                                "include_audio": False})


def offer(server, parameters):
    return server.osc.call("/station/1/proposal/offer", run(server, parameters)["run_id"])


def set_leaf(server, leaf, value):
    server.osc.send(f"/station/1/proposal/{leaf}", value)
    server.osc.sync()


# --- limits


def test_allow(server):
    set_leaf(server, "allow", "trim,comp.makeup")
    assert "comp.ratio may not be turned here" in offer(server, {"comp.ratio": 4, "trim.gain": 2})
    assert server.osc.ask("/station/1/proposal/state") == "none"
    assert offer(server, {"comp.makeup": 3, "trim.gain": 2}) is True
    set_leaf(server, "allow", "comp")
    assert "trim.gain may not be turned here" in server.osc.call("/station/1/proposal/accept")
    assert server.osc.ask("/station/1/trim/gain") == 0


def test_max_step(server):
    set_leaf(server, "max_step", 0.1)
    assert "trim.gain from 0 to 20 is farther than proposal/max_step lets it go" in offer(server, {"trim.gain": 20})
    assert server.osc.ask("/station/1/proposal/state") == "none"
    assert offer(server, {"trim.gain": 3}) is True
    assert server.osc.call("/station/1/proposal/accept") is True
    assert server.osc.ask("/station/1/trim/gain") == 3


def test_optimizer_keeps_to_them(server):
    """It learns the limits from the tree, and so proposes nothing that would be refused."""
    set_leaf(server, "allow", "trim")
    set_leaf(server, "max_step", 0.02)
    done = subprocess.run([BUILD / "foldback-optimizer", *server.clients, "--station", "1", "--sample", "talk.wav", "--json"],
                          capture_output=True, text=True, timeout=60 * SLOW)
    assert (done.returncode, done.stderr) == (0, "")
    changes = json.loads(done.stdout)["changes"]
    low, high = -60, 24
    assert changes and set(changes) <= {"/station/1/trim/gain", "/station/1/trim/balance", "/station/1/trim/width"}
    assert abs(changes.get("/station/1/trim/gain", [0, 0])[1]) <= 0.02 * (high - low) + 1e-6


# --- hearing


def test_nothing_to_hear(server):
    server.osc.send("/station/1/proposal/audition", "proposed")
    server.osc.sync()
    assert server.osc.ask("/station/1/proposal/audition") == "off"


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_audition(tmp_path):
    """The proposal plays on the monitor outputs, as loud as what is; station 2 listens to them. Station 1, which is
    silent, stays so."""
    with Jackd("foldback-test-audition") as jack, start(tmp_path, jack) as server:
        for side in "LR":
            jack.connect(f"foldback:monitor_{side}", f"foldback:station_2_in_{side}")
        rms = lambda station: server.osc.ask(f"/station/{station}/metric/rms")  # noqa: E731
        before = server.get("/api/stations/1/params")
        assert offer(server, {"trim.gain": -12}) is True
        heard = {}
        for version in ("current", "proposed"):
            set_leaf(server, "audition", version)
            wait_for(lambda: rms(2) > -60, 10, "the monitor")
            time.sleep(3.5)  # the window of a metric, and so of one version alone
            heard[version] = max(rms(2) for _ in range(20) if not time.sleep(0.1))
        assert heard["current"] == pytest.approx(heard["proposed"], abs=2)  # 12 dB apart, but for the matching
        assert rms(1) < -100 and server.get("/api/stations/1/params") == before
        set_leaf(server, "audition", "off")
        wait_for(lambda: rms(2) < -100, 10, "silence")
        assert server.osc.ask("/station/1/proposal/state") == "offered"


@pytest.mark.slow
def test_an_audition_is_of_what_is_asked(tmp_path):
    """Until what is asked for is rendered the monitor is silent: what played before it is another station's."""
    chain = [{"id": f"hall{i}", "type": "reverb"} for i in range(24)]  # that takes a while to render
    (tmp_path / "long.json").write_text(json.dumps({"name": "Long", "stages": [{"id": "trim", "type": "gain"}, *chain]}))
    with Jackd("foldback-test-turn") as jack, start(tmp_path, jack, 3, "--patch", f"2={tmp_path / 'long.json'}") as server:
        sounds.hiss(tmp_path / "foldback" / "samples" / "noise.wav")
        for side in "LR":
            jack.connect(f"foldback:monitor_{side}", f"foldback:station_3_in_{side}")
        for station in (1, 2):
            report = server.post("/api/calibration/run", {"station": station, "source": {"sample": "noise.wav"},
                                                          "parameters": {"trim.gain": -6}, "include_audio": False})
            assert server.osc.call(f"/station/{station}/proposal/offer", report["run_id"]) is True
        server.osc.send("/station/1/proposal/audition", "proposed")
        wait_for(lambda: server.osc.ask("/station/3/metric/rms") > -60, 10, "the monitor")
        with Take(server, 3) as take:
            server.osc.send("/station/2/proposal/audition", "proposed")
            take.run(1)
        silent = max((len(list(run)) for zero, run in itertools.groupby(take.left, lambda x: x == 0) if zero), default=0)
        assert silent > 4800, "the other station's proposal went on"
        wait_for(lambda: server.osc.ask("/station/3/metric/rms") > -60, 30, "station 2's")


# --- the watchdog


@pytest.fixture
def playing(tmp_path):
    """Station 1 hears speech, over and over, and is armed."""
    with Jackd("foldback-test-watchdog") as jack, start(tmp_path, jack, stations=1) as server:
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(tmp_path / "foldback" / "samples" / "talk.wav")],
                                  env=jack.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in jack.ports() if p.startswith("jackplay"))[:2], what="the player")
            for out, side in zip(outs, "LR"):
                jack.connect(out, f"foldback:station_1_in_{side}")
            wait_for(lambda: server.osc.ask("/station/1/score/quality") > 30, 15, "a live score")
            time.sleep(2)
            server.osc.send("/station/1/mode", "auto")
            set_leaf(server, "armed", True)
            set_leaf(server, "morph", 0.0)
            yield server
        finally:
            player.kill()
            player.wait()


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog(playing):
    """A change that makes it far too soft is taken back, and the audit says by whom; one that does no harm stays."""
    osc = playing.osc
    assert offer(playing, {"trim.gain": -1}) is True
    assert osc.ask("/station/1/proposal/state") == "accepted" and osc.ask("/station/1/trim/gain") == -1
    time.sleep(3)
    assert osc.ask("/station/1/trim/gain") == -1
    assert offer(playing, {"trim.gain": -40}) is True
    assert osc.ask("/station/1/trim/gain") == -40
    wait_for(lambda: osc.ask("/station/1/proposal/state") == "taken back", 10, "the watchdog")
    assert osc.ask("/station/1/trim/gain") == -1
    rows = playing.get("/api/audit?limit=20")
    assert any(row["origin"] == "watchdog" and row["address"] == "/station/1/undo" and row["outcome"] == "ok" for row in rows)


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog_yields_to_people(playing):
    """Who has turned something since the change is not overruled; and at 0 there is no watchdog."""
    osc = playing.osc
    assert offer(playing, {"trim.gain": -40}) is True
    osc.send("/station/1/comp/ratio", 3.0)
    wait_for(lambda: "somebody has turned something since" in playing.said(), 12, "the watchdog")
    assert osc.ask("/station/1/trim/gain") == -40 and osc.ask("/station/1/proposal/state") == "accepted"
    osc.call("/station/1/undo"), osc.call("/station/1/undo")
    wait_for(lambda: osc.ask("/station/1/score/quality") > 30, 15, "a live score")
    assert offer(playing, {"trim.gain": -40}) is True
    set_leaf(playing, "watchdog", 0.0)
    time.sleep(4)  # it looks twice a second, from the second second on
    assert osc.ask("/station/1/trim/gain") == -40 and osc.ask("/station/1/proposal/state") == "accepted"
