# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback as other JACK clients see it: true latencies, names, transport, freewheel, periods. Held against what a
second client measures and reads (probe.c, JACK's own tools)."""
import calendar
import json
import random
import re
import signal
import subprocess
import time

import pytest

import wavs
from servers import BUILD, SLOW, Foldbackd, wait_for

PRETTY = "http://jackaudio.org/metadata/pretty-name"
ORDER = "http://jackaudio.org/metadata/order"
LIMITER = {"name": "late", "stages": [{"id": "gain", "type": "gain"},
                                      {"id": "one", "type": "limiter", "parameters": {"lookahead": 3.0}}]}


def write(folder, patch):
    path = folder / f"{patch['name']}.json"
    path.write_text(json.dumps(patch))
    return path


@pytest.fixture
def server(jack, tmp_path):
    with Foldbackd(tmp_path, "--stations", 2, "--patch", f"1={write(tmp_path, LIMITER)}", jack=jack) as foldbackd:
        yield foldbackd


def way(probe):
    """What the probe measures of station 1: its true delay, which is what JACK says in both directions."""
    told = probe("delay", "foldback:station_1_in_L", "foldback:station_1_out_L").told()
    delay = told["delay"][0]
    assert told["capture"] == told["playback"] == [delay, delay], told  # frames: exactly
    return delay


@pytest.mark.slow
def test_latency_is_the_true_one(jack, server, probe):
    """Also after an edit, and with a period that is no multiple of a tick (32 frames more)."""
    first = way(probe)
    assert first > 100, "the limiter should be late, or there is nothing to see"
    assert server.osc.call("/station/1/node/add", "limiter", "two") is True
    server.osc.send("/station/1/two/lookahead", 7.0)
    wait_for(lambda: jack.run("jack_lsp", "-l", "foldback:station_1_out_L").stdout.count(f"= [ {first} {first} ]") == 0,
             5, "another latency")
    time.sleep(0.3)  # the edit crossfades
    second = way(probe)
    assert second > first + 300
    jack.run("jack_bufsize", "100")
    wait_for(lambda: server.osc.ask("/server/period") == 100, 5, "the period")
    assert way(probe) == second + 32
    assert server.osc.call("/station/1/node/remove", "one") is True
    assert server.osc.call("/station/1/node/remove", "two") is True
    time.sleep(0.5)
    assert way(probe) == 32


def metadata(jack, port, key):
    return jack.run("jack_property", "-l", "--port", port, key).stdout.strip()


def test_names_follow_the_station(jack, server):
    wait_for(lambda: metadata(jack, "foldback:station_2_out_R", PRETTY) == "Station 2 out R", 5, "the pretty name")
    server.osc.send("/station/2/name", "Lead vocal")
    for end, order in (("in_L", 4), ("in_R", 5), ("out_L", 6), ("out_R", 7)):
        port = f"foldback:station_2_{end}"
        wait_for(lambda: metadata(jack, port, PRETTY) == f"Lead vocal {end.replace('_', ' ')}", 5, "the new name")
        assert metadata(jack, port, ORDER) == str(order)
    server.osc.send("/station/2/name", "")
    wait_for(lambda: metadata(jack, "foldback:station_2_in_L", PRETTY) == "Station 2 in L", 5, "the plain name again")
    assert metadata(jack, "foldback:station_1_in_L", PRETTY) == "Station 1 in L"


@pytest.mark.slow
def test_the_delay_follows_the_transport(jack, tmp_path, probe):
    """A timebase master at 137 bpm: an eighth is 60 / 137 / 2 s. Rolling or not, the tempo is the same.
    A machine that is late may lose a period under way: what is heard is looked at until it is what it should be."""
    echo = {"name": "echo", "stages": [{"id": "delay", "type": "delay", "parameters": {
        "sync": "transport", "note": "1/8", "tempo": 90.0, "feedback": 0.0, "mix": 100.0}}]}
    with Foldbackd(tmp_path, "--stations", 1, "--patch", write(tmp_path, echo), jack=jack) as server:
        def heard():
            return probe("delay", "foldback:station_1_in_L", "foldback:station_1_out_L").told()["delay"][0]

        wait_for(lambda: heard() == 16000, 20, "that delay")  # nobody gives a tempo: an eighth at the delay's own 90 bpm
        assert server.osc.ask("/server/transport/bpm") == 0.0
        with probe("tempo", 137) as master:
            wait_for(lambda: server.osc.ask("/server/transport/rolling"), 5, "the transport")
            wait_for(lambda: server.osc.ask("/server/transport/bpm") == 137.0, 5, "the tempo")
            wait_for(lambda: heard() == round(48000 * 60 / 137 / 2), 20, "that delay")
            master.toggle()
            wait_for(lambda: not server.osc.ask("/server/transport/rolling"), 5, "the stop")
            assert server.osc.ask("/server/transport/bpm") == 137.0
            assert heard() == round(48000 * 60 / 137 / 2)


def unix_ms(told):
    """Of /server/xrun/time."""
    return 1000 * calendar.timegm(time.strptime(told[:19], "%Y-%m-%dT%H:%M:%S")) + int(told[20:23])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bounce_in_freewheel(jack, tmp_path, probe, threads):
    """Ten seconds through eq, compressor, delay and limiter in freewheel: sooner than by the clock, no alarm, and the bits of an
    offline render."""
    chain = {"name": "chain", "stages": [
        {"id": "eq", "type": "eq", "parameters": {"b6_gain": 6.0}},
        {"id": "comp", "type": "comp", "parameters": {"threshold": -30.0, "ratio": 4.0}},
        {"id": "delay", "type": "delay", "parameters": {"time": 30.0, "feedback": 50.0}},
        {"id": "limiter", "type": "limiter", "parameters": {"drive": 6.0}}]}
    patch, raw, wav = write(tmp_path, chain), tmp_path / "in.f32", tmp_path / "in.wav"
    draw = random.Random(1)
    wavs.write(wav, [[draw.uniform(-0.2, 0.2) for _ in range(10 * 48000)] for _ in range(2)])
    raw.write_bytes(wavs.Wav(wav).chunks[b"data"])
    with Foldbackd(tmp_path, "--stations", 2, "--threads", threads, "--patch", patch, jack=jack) as server:
        latency = int(re.search(r"capture latency = \[ (\d+)", jack.run("jack_lsp", "-l", "foldback:station_1_out_L").stdout)[1])
        with probe("bounce", raw, tmp_path / "out.f32", "foldback:station_1_in_L", "foldback:station_1_in_R",
                   "foldback:station_1_out_L", "foldback:station_1_out_R") as bounce:
            began, ended = bounce.told()["freewheel"]
        wait_for(lambda: not server.osc.ask("/server/freewheel"), 5, "the end of freewheel")
        # JACK's own changing over may cost a period or two, before and after
        xruns = [text.split()[0] for text in server.osc.ask("/server/xrun/last").split(", ") if text]
        assert not [when for when in xruns if began < unix_ms(when) < ended], (xruns, began, ended)
    assert ended - began < 9000 * SLOW, f"{ended - began} ms for 10 s of sound"
    subprocess.run([BUILD / "foldback", "render", patch, wav, tmp_path / "render.wav"], check=True, capture_output=True)
    live, offline = (tmp_path / "out.f32").read_bytes(), wavs.Wav(tmp_path / "render.wav").chunks[b"data"]
    assert len(live) == 10 * 48000 * 8
    assert live[8 * latency:] == offline[:len(live) - 8 * latency]  # which leaves the latency out


def test_the_period_changes_while_it_plays(jack, server, probe):
    with probe("tone", "peer"), probe("tone", "ear") as tone:
        jack.connect("peer:out_1", "foldback:station_1_in_L")
        jack.connect("foldback:station_1_out_L", "ear:in_1")
        for period in (256, 100, 1024, 64, 48, 64):
            jack.run("jack_bufsize", str(period))
            wait_for(lambda: server.osc.ask("/server/period") == period, 5, f"a period of {period}")
            tone.wait_for(0.25)
    assert server.osc.ask("/server/running")


def test_a_server_that_hangs_holds_nobody_up(jack, server):
    """jackd is stopped, not dead: whoever asks it for something waits. foldback's clients do not."""
    jack.process.send_signal(signal.SIGSTOP)
    try:
        worst = 0.0
        server.osc.send("/station/1/name", "Somebody")  # asks the JACK server for new metadata
        for i in range(20):
            began = time.monotonic()
            server.osc.send("/station/1/gain/gain", -float(i))
            server.osc.sync(i)
            assert server.osc.call("/station/1/node/add", "limiter", f"node{i}") is True
            worst = max(worst, time.monotonic() - began)
        assert worst < 1.0, f"{worst} s"  # a JACK call would wait as long as the server stands: for ever
        assert server.osc.ask("/station/1/gain/gain") == -19.0
    finally:
        jack.process.send_signal(signal.SIGCONT)
    wait_for(lambda: metadata(jack, "foldback:station_1_in_L", PRETTY) == "Somebody in L", 10, "the name")


@pytest.mark.slow
def test_a_run_without_audio_fails_in_time(jack, server):
    """Three seconds after its audio should have been there; who asked is told, and so is who looks."""
    jack.process.send_signal(signal.SIGSTOP)
    try:
        server.osc.received.clear()
        server.osc.send("/station/1/run", 0.2)
        name = server.osc.wait("/station/1/run")[0]
        assert server.osc.ask("/station/1/run/state") == "listening"
        address, reason, which = server.osc.wait("/fail", 10)
        assert (address, which) == ("/station/1/run", name) and "could not be captured" in reason
        assert server.osc.ask("/station/1/run/state") == f"failed: {reason}"
    finally:
        jack.process.send_signal(signal.SIGCONT)
    server.osc.send("/station/1/run", 0.2)
    name = server.osc.wait("/station/1/run")[0]
    assert server.osc.wait("/done", 20) == ["/station/1/run", name]
    assert server.osc.ask("/station/1/run/state") == "done"


def test_xruns_have_their_time(jack, server):
    """jackd is stopped for a while: JACK counts an xrun, and foldback tells when."""
    before = server.osc.ask("/server/xruns")
    began = 1000 * time.time()
    jack.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    jack.process.send_signal(signal.SIGCONT)
    wait_for(lambda: server.osc.ask("/server/xruns") > before, 5, "an xrun")
    # another may come between two questions
    wait_for(lambda: server.osc.ask("/server/xrun/last").startswith(server.osc.ask("/server/xrun/time")), 5, "one answer")
    told = server.osc.ask("/server/xrun/time")
    assert began - 10 <= unix_ms(told) <= 1000 * time.time() + 10, told  # two clocks, and cut off at 1 ms
    assert server.osc.ask("/server/xrun/frame") >= 0


def test_the_start_is_told(jack, tmp_path):
    """How long it took from JACK's answer on: some milliseconds, and less than in all."""
    began = time.monotonic()
    with Foldbackd(tmp_path, "--stations", 16, jack=jack) as server:
        took = 1e3 * (time.monotonic() - began)
        assert 1 < server.osc.ask("/server/start") < took
