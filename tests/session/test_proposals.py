# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard rails of proposals: what they may turn, hearing them alone first, and taking an armed one back."""
import itertools
import json
import math
import re
import subprocess
import time
from contextlib import contextmanager

import pytest

import sounds
from servers import BUILD, SLOW, TOP, Foldbackd, Jackd, wait_for
from taps import CLICK, Gap, Take, bend, playing, whole

PATCH = {"name": "Voice", "stages": [{"id": "trim", "type": "gain"}, {"id": "comp", "type": "comp", "parameters": {"ratio": 2}}],
         "goal": {"target_lufs": -23, "weights": {"lufs_short_term": {"weight": 1, "tolerance": 6}}}}


def start(folder, jack=None, stations=2, *options):
    samples = folder / "foldback" / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    sounds.speech(samples / "talk.wav", "demo-congrats", seconds=4, channels=2)
    sounds.ffmpeg("-stream_loop", 2, "-i", samples / "talk.wav", "-af", "apad=pad_dur=30", "-c:a", "pcm_f32le", samples / "stop.wav")
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


def hear_live(server):
    """Hear the proposal on what comes in. Where the machine is busy just now that is refused: the chain seems to take too long."""
    def is_heard():
        set_leaf(server, "source", "live")
        set_leaf(server, "audition", "proposed")
        return server.osc.ask("/station/1/proposal/audition") == "proposed"
    wait_for(is_heard, what="a live audition")


# --- limits


def test_allow(server):
    set_leaf(server, "allow", "trim,comp.makeup")
    assert "comp.ratio may not be turned here" in offer(server, {"comp.ratio": 4, "trim.gain": 2})
    assert server.osc.ask("/station/1/proposal/state") == "none"
    assert offer(server, {"comp.makeup": 3, "trim.gain": 2}) is True
    set_leaf(server, "allow", "comp")
    assert "trim.gain may not be turned here" in server.osc.call("/station/1/proposal/accept")
    assert server.osc.ask("/station/1/trim/gain") == 0


@pytest.mark.parametrize("pattern", ["comp..ratio,", "comp.[ab", ",", "eq.*,,comp.*", "comp]", "{a,b}", "comp/ratio", "eq.*\n", "é", "[]"])
def test_malformed_allow(server, pattern):
    """What is no pattern is refused, and what was allowed stays."""
    set_leaf(server, "allow", "trim")
    server.osc.received.clear()
    server.osc.send("/station/1/proposal/allow", pattern)
    assert "is no pattern such as" in server.osc.wait("/error")[2]
    assert server.osc.ask("/station/1/proposal/allow") == "trim"


def test_allow_as_people_write_it(server):
    set_leaf(server, "allow", " trim.gain ,  comp.[mr]* ")
    assert server.osc.ask("/station/1/proposal/allow") == "trim.gain,comp.[mr]*"
    assert offer(server, {"trim.gain": 1, "comp.ratio": 3, "comp.makeup": 1}) is True
    set_leaf(server, "allow", "")
    assert "may not be turned here" in offer(server, {"trim.gain": 1})


def test_limits_outlive_a_restart(tmp_path):
    """A limit that fell with a restart would be none. Armed a station is not again: after a start nothing happens by itself."""
    values = {"allow": "comp.*", "max_step": 0.25, "morph": 5.0, "watchdog": 12.0}
    with start(tmp_path) as first:
        for leaf, value in values.items():
            set_leaf(first, leaf, value)
        set_leaf(first, "armed", True)
    with start(tmp_path) as second:
        assert {leaf: second.osc.ask(f"/station/1/proposal/{leaf}") for leaf in values} == values
        assert second.osc.ask("/station/1/proposal/armed") is False and second.osc.ask("/station/2/proposal/allow") == "*"
        assert "trim.gain may not be turned here" in offer(second, {"trim.gain": 2})


# --- what people turn while a proposal is being looked for


def later_run(server, first, parameters):
    """A run of the same source as an earlier one."""
    return server.post("/api/calibration/run", {"station": 1, "source": {"run": first}, "parameters": parameters, "include_audio": False})


def test_a_proposal_turns_what_it_is_about(server):
    """A session sets everything as it began and turns some of it: what a hand turned meanwhile is none of its business."""
    began = server.get("/api/stations/1/params")
    first = run(server, {})["run_id"]
    server.osc.send("/station/1/comp/ratio", 7.0)
    server.osc.sync()
    winner = later_run(server, first, {**began, "trim.gain": -3})
    assert server.osc.call("/station/1/proposal/offer", winner["run_id"]) is True
    assert server.osc.call("/station/1/proposal/accept") is True
    assert (server.osc.ask("/station/1/trim/gain"), server.osc.ask("/station/1/comp/ratio")) == (-3, 7)


def test_armed_waits_for_a_hand(server):
    """Both turned the same: who is armed does not overrule a person, and says so. Asked for it is accepted."""
    server.osc.send("/station/1/mode", "auto")
    set_leaf(server, "armed", True)
    began = server.get("/api/stations/1/params")
    first = run(server, {})["run_id"]
    server.osc.send("/station/1/trim/gain", 2.0)
    server.osc.sync()
    winner = later_run(server, first, {**began, "trim.gain": -3})["run_id"]
    assert server.osc.call("/station/1/proposal/offer", winner) is True
    assert (server.osc.ask("/station/1/proposal/state"), server.osc.ask("/station/1/trim/gain")) == ("offered", 2)
    row = next(row for row in server.get("/api/audit?limit=20") if row["origin"] == "armed")
    assert row["address"] == "/station/1/proposal/armed" and "somebody turned trim.gain" in row["outcome"]
    assert server.osc.call("/station/1/proposal/accept") is True and server.osc.ask("/station/1/trim/gain") == -3


def test_the_audit_tells_who_accepted(server):
    server.osc.send("/station/1/mode", "auto")
    set_leaf(server, "armed", True)
    assert offer(server, {"trim.gain": -2}) is True
    states = [(row["old"], row["new"]) for row in server.get("/api/audit?limit=20") if row["origin"] == "armed"]
    assert states == [("offered", "accepted")]


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


# --- accepting


TONE = {"name": "Tone", "stages": [{"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "trim"}, {"type": "eq"}]}


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tone")
    samples = folder / "foldback" / "samples"
    samples.mkdir(parents=True)
    sounds.speech(samples / "talk.wav", "demo-congrats", seconds=1, channels=2)
    (folder / "tone.json").write_text(json.dumps(TONE))
    with playing(folder, "--stations", 1, "--patch", f"1={folder / 'tone.json'}") as foldbackd:
        foldbackd.osc.call("/scene/save", "before")
        yield foldbackd


@pytest.mark.slow
@pytest.mark.plain  # with sanitizers the sound has gaps
@pytest.mark.parametrize("morph, meanwhile", [(0.0, ""), (0.01, ""), (1.0, ""), (1.0, "undo"), (1.0, "scene"), (1.0, "node"), (1.0, "another")])
def test_accepting_has_no_clicks(tone, morph, meanwhile):
    """To -12 dB, with EQ, in no time, in hardly any and in a second; and what may happen in the middle of it. A tone of 100 Hz bends
    nowhere more than its own curve. A second takes a second, to a tenth."""
    osc, second = tone.osc, {"trim.gain": -6, "eq.b4_gain": -6}
    middle = {"": lambda: None, "undo": lambda: osc.call("/station/1/undo"), "scene": lambda: osc.call("/scene/load", "before", 0.0),
              "node": lambda: osc.call("/station/1/node/remove", "eq"),
              "another": lambda: (offer(tone, second), osc.call("/station/1/proposal/accept"))}[meanwhile]

    def action():
        tone.http("PUT", "/api/stations/1/patch", TONE)
        assert offer(tone, {"trim.gain": -12, "eq.b4_gain": 6, "eq.b1_on": True}) is True
        set_leaf(tone, "morph", morph)
        time.sleep(0.5)
        with Take(tone) as take:
            began = take.frames
            assert osc.call("/station/1/proposal/accept") is True
            take.run(0.4)
            middle()
            take.run(1.2)
        return take, began

    take, began = whole(action)
    own = bend(take.left, 0, 4800)
    assert bend(take.left) < 1.2 * own + CLICK / 2
    if morph == 1.0 and not meanwhile:
        loud = [max(take.left[at:at + 480]) for at in range(0, take.frames - 480, 480)]  # a wave of 100 Hz
        moving = [at for at, (a, b) in enumerate(zip(loud, loud[1:])) if abs(a - b) > 1e-4 * a]
        assert moving[-1] - moving[0] == pytest.approx(100, abs=10) and moving[0] * 480 >= began - 960


def test_stale_proposal(server):
    """The station has another chain since: refused, and told so; nothing is half applied."""
    assert offer(server, {"trim.gain": -3, "comp.ratio": 4}) is True
    assert server.http("PUT", "/api/stations/1/patch", {**PATCH, "stages": PATCH["stages"][:1]})[0] == 200
    why = server.osc.call("/station/1/proposal/accept")
    assert "it is of another chain than the station has now: comp.ratio" in why
    assert server.osc.ask("/station/1/trim/gain") == 0 and server.osc.ask("/station/1/proposal/state") == "offered"


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


# --- hearing what comes in now


def lufs(samples, folder):
    """Integrated loudness of a take, by a meter that was not written here."""
    (folder / "take.f32").write_bytes(samples.tobytes())
    done = subprocess.run(["ffmpeg", "-nostdin", "-f", "f32le", "-ar", "48000", "-ac", "2", "-i", folder / "take.f32", "-af", "ebur128",
                           "-f", "null", "-"], capture_output=True, text=True)
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", done.stderr)[-1])


def same_stretch(a, b):
    """Of two takes the frames that both have."""
    first = max(a.first, b.first)
    frames = min(a.first + a.frames, b.first + b.frames) - first
    return [take.samples[2 * (first - take.first):2 * (first - take.first + frames)] for take in (a, b)]


@pytest.mark.slow
@pytest.mark.plain  # with sanitizers the sound has gaps
@pytest.mark.waits
def test_live_audition(tmp_path):
    """A proposal that was found on the live input is heard on it, as it is set and as proposed, alike in loudness. Not a bit of what
    the audience hears differs from a station beside it, of the same patch and input, that knows of no session."""
    def action():
        with jack.playing(late, (1, 3)):  # connected one after the other, while it is silent
            time.sleep(3)
            with Take(server, 1) as audience, Take(server, 3) as beside, Take(server, 1, "in") as fed, Take(server, 3, "in") as fed_beside:
                report = server.post("/api/calibration/run", {"station": 1, "source": {"live": 1}, "include_audio": False,
                                                              "parameters": {"trim.gain": -12, "comp.makeup": 3}})
                assert server.osc.call("/station/1/proposal/offer", report["run_id"]) is True
                heard = []
                for version in ("current", "proposed"):
                    set_leaf(server, "audition", version)
                    audience.run(3)  # it takes a second or two until their mean is known
                    with Take(server, 2) as monitor:
                        monitor.run(4)
                    heard.append(lufs(monitor.samples, tmp_path))
                assert server.osc.ask("/server/monitor/station") == 1 and 0 < server.osc.ask("/server/monitor/share") < 50
            one, other = same_stretch(fed, fed_beside)
            if one != other:  # JACK had no time: the player wrote into what foldback read
                raise Gap("the stations were fed differently")
            one, other = same_stretch(audience, beside)
            assert len(one) > 12 * 96000 and max(one) > 0.01 and one == other
        wait_for(lambda: server.osc.ask("/station/2/metric/rms") < -100, 10, "silence, for nobody plays any more")
        return heard

    with Jackd("foldback-test-live", period=1024) as jack, start(tmp_path, jack, 3, "--patch", f"3={tmp_path / 'patch.json'}") as server:
        late = tmp_path / "late.wav"
        sounds.ffmpeg("-stream_loop", 9, "-i", tmp_path / "foldback" / "samples" / "talk.wav", "-af", "adelay=3000:all=1", "-c:a", "pcm_f32le", late)
        for side in "LR":
            jack.connect(f"foldback:monitor_{side}", f"foldback:station_2_in_{side}")
        current, proposed = whole(action)
        assert current == pytest.approx(proposed, abs=1.5)  # of another 4 s of the speech; unmatched it is 9
        assert server.osc.ask("/station/1/proposal/audition") == "proposed"
        assert server.osc.call("/station/1/proposal/accept") is True  # and with it there is nothing left to compare
        assert server.osc.ask("/station/1/proposal/audition") == "off" and server.osc.ask("/server/monitor/station") == 0


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.waits
def test_live_audition_has_no_clicks(tmp_path):
    """A tone, from silence to silence: switching, what a hand turns meanwhile, the choice of the source. It bends nowhere more than
    its own curve."""
    patch = {"name": "Tone", "stages": [{"type": "t_tone", "id": "tone"}, {"type": "gain", "id": "trim"}, {"type": "eq"}]}
    (tmp_path / "tone.json").write_text(json.dumps(patch))

    def action():
        with Take(server, 2) as take:
            for leaf, value in (("audition", "current"), ("audition", "proposed"), ("audition", "current")):
                set_leaf(server, leaf, value)
                take.run(0.7)
            server.osc.send("/station/1/trim/gain", -6.0)
            take.run(0.5)
            set_leaf(server, "source", "captured")
            take.run(0.5)
            assert server.osc.ask("/station/1/proposal/audition") == "current"
            set_leaf(server, "source", "live")
            take.run(0.7)
            set_leaf(server, "audition", "off")
            take.run(0.3)
            server.osc.send("/station/1/trim/gain", 0.0)
        return take

    with Jackd("foldback-test-clicks") as jack, playing(tmp_path, "--stations", 2, "--patch", f"1={tmp_path / 'tone.json'}", jack=jack) as server:
        for side in "LR":
            jack.connect(f"foldback:monitor_{side}", f"foldback:station_2_in_{side}")
        time.sleep(1)
        report = server.post("/api/calibration/run", {"station": 1, "source": {"live": 0.5}, "include_audio": False,
                                                      "parameters": {"trim.gain": -12}})
        assert server.osc.call("/station/1/proposal/offer", report["run_id"]) is True
        take = whole(action)
    peak = max(map(abs, take.left))
    assert peak > 0.05 and take.left[0] == 0 and not any(take.left[-4800:])
    assert bend(take.left) < 2 * peak * (1 - math.cos(2 * math.pi * 1000 / 48000)) + CLICK


def test_what_an_audition_plays(server):
    """auto is the proposal's own source where that was a sample; live can be asked for, and one station has the monitor at a time."""
    server.http("PUT", "/api/stations/2/patch", PATCH)
    for station in (1, 2):
        report = server.post("/api/calibration/run", {"station": station, "source": {"sample": "talk.wav"}, "include_audio": False,
                                                      "parameters": {"trim.gain": -2}})
        assert server.osc.call(f"/station/{station}/proposal/offer", report["run_id"]) is True
    assert server.osc.ask("/station/1/proposal/source") == "auto"
    set_leaf(server, "audition", "proposed")
    assert server.osc.ask("/server/monitor/station") == 1 and server.osc.ask("/server/monitor/share") == 0
    hear_live(server)
    wait_for(lambda: server.osc.ask("/server/monitor/share") > 0, what="the live shadow")
    server.osc.send("/station/2/proposal/audition", "current")
    server.osc.sync()
    assert server.osc.ask("/server/monitor/station") == 2 and server.osc.ask("/station/1/proposal/audition") == "off"
    assert server.osc.ask("/server/monitor/share") == 0
    assert server.osc.call("/station/2/proposal/reject") is True and server.osc.ask("/server/monitor/station") == 0


def test_the_server_ends_while_somebody_listens(server):
    assert offer(server, {"trim.gain": -2}) is True
    hear_live(server)
    wait_for(lambda: server.osc.ask("/server/monitor/share") > 0, what="the live shadow")  # and the fixture ends it: cleanly


def test_a_live_audition_ends_where_the_proposal_fits_no_more(server):
    assert offer(server, {"trim.gain": -2}) is True
    hear_live(server)
    assert server.osc.call("/station/1/node/remove", "trim") is True
    wait_for(lambda: server.osc.ask("/station/1/proposal/audition") == "off", what="its end")
    assert "the patch has no such node" in server.said()
    assert "the patch has no such node" in server.osc.call("/station/1/proposal/accept")
    assert server.osc.ask("/station/1/proposal/state") == "offered" and server.osc.ask("/station/1/comp/ratio") == 2


# --- the watchdog


SPEECH_LIVE = TOP / "presets" / "stations" / "speech_live.json"


@contextmanager
def armed_station(folder, patch=None, file="talk.wav", morph=0.0):
    """Station 1 hears a file, over and over, and is armed."""
    with Jackd("foldback-test-watchdog") as jack, start(folder, jack, 1, *(["--patch", f"1={patch}"] if patch else [])) as server:
        with jack.playing(folder / "foldback" / "samples" / file):
            wait_for(lambda: server.osc.ask("/station/1/score/quality") > 30, 15, "a live score")
            time.sleep(4)  # a score tells of 3 s
            server.osc.send("/station/1/mode", "auto")
            set_leaf(server, "armed", True)
            set_leaf(server, "morph", morph)
            yield server


def told(server):
    """What the watchdog has written into the audit of itself, newest first."""
    return [row["outcome"] for row in server.get("/api/audit?limit=50")
            if row["origin"] == "watchdog" and row["address"] == "/station/1/proposal/watchdog"]


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog(tmp_path):
    """A change that does no harm stays; one that makes it far too soft is taken back, and the audit says by whom and why. A second
    one that came before the first was judged goes with it."""
    with armed_station(tmp_path) as server:
        osc = server.osc
        assert offer(server, {"trim.gain": -1}) is True
        assert osc.ask("/station/1/proposal/state") == "accepted" and osc.ask("/station/1/trim/gain") == -1
        time.sleep(7)
        assert osc.ask("/station/1/trim/gain") == -1 and not told(server)
        assert offer(server, {"trim.gain": -40}) is True and offer(server, {"trim.gain": -40, "comp.knee": 3}) is True
        assert osc.ask("/station/1/trim/gain") == -40
        wait_for(lambda: osc.ask("/station/1/proposal/state") == "taken back", 12, "the watchdog")
        assert osc.ask("/station/1/trim/gain") == -1 and osc.ask("/station/1/comp/knee") == 6
        rows = server.get("/api/audit?limit=20")
        undone = [row for row in rows if row["origin"] == "watchdog" and row["address"] == "/station/1/undo"]
        assert len(undone) == 2 and all(row["outcome"] == "ok" for row in undone)
        assert "the live score fell from" in told(server)[0] and "taken back" in told(server)[0]


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog_with_a_preset(tmp_path):
    """The goal of a patch we ship names integrated loudness, which after a while hardly moves: the live score does all the same."""
    with armed_station(tmp_path, SPEECH_LIVE) as server:
        assert offer(server, {"trim.gain": -30}) is True
        wait_for(lambda: server.osc.ask("/station/1/proposal/state") == "taken back", 15, "the watchdog")
        assert server.osc.ask("/station/1/trim/gain") == 0


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog_knows_a_source_that_stops(tmp_path):
    """A score that falls because nobody speaks any more, or because the station is muted, takes nothing back."""
    with armed_station(tmp_path, SPEECH_LIVE, "stop.wav") as server:
        assert offer(server, {"trim.gain": -1}) is True
        quality = lambda: server.osc.ask("/station/1/score/quality")  # noqa: E731
        low = wait_for(lambda: quality() < 60 and quality(), 20, "the end of the speech")
        time.sleep(2)
        assert low < 60 and server.osc.ask("/station/1/trim/gain") == -1 and not told(server)
        server.osc.send("/station/1/mute", True)
        time.sleep(2)
        server.osc.send("/station/1/mute", False)
        time.sleep(6)
        assert server.osc.ask("/station/1/trim/gain") == -1 and not told(server)


@pytest.mark.slow
@pytest.mark.threads
@pytest.mark.waits
def test_watchdog_yields_to_people(tmp_path):
    """Who has turned something since the change is not overruled, nor who takes the station out of auto; and at 0 there is no
    watchdog."""
    with armed_station(tmp_path) as server:
        osc = server.osc
        assert offer(server, {"trim.gain": -40}) is True
        osc.send("/station/1/comp/ratio", 3.0)
        wait_for(lambda: told(server), 15, "the watchdog")
        assert "somebody has turned something since" in told(server)[0]
        assert osc.ask("/station/1/trim/gain") == -40 and osc.ask("/station/1/proposal/state") == "accepted"
        for end in (lambda: osc.send("/station/1/mode", "manual"), lambda: set_leaf(server, "watchdog", 0.0)):
            osc.call("/station/1/undo"), osc.call("/station/1/undo")
            osc.send("/station/1/mode", "auto")
            wait_for(lambda: osc.ask("/station/1/score/quality") > 30, 15, "a live score")
            assert offer(server, {"trim.gain": -40}) is True
            end()
            time.sleep(6)
            assert osc.ask("/station/1/trim/gain") == -40 and len(told(server)) == 1
