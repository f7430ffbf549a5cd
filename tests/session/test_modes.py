# SPDX-License-Identifier: GPL-3.0-or-later
"""Modes: who may change a station. Nothing but an armed proposal in mode auto does so by itself; bypass passes the input,
in time."""
import json
import subprocess
import wave

import pytest

from servers import Jackd, wait_for
from taps import Take, playing, whole

LATE = 240 + 100
PATCH = {"name": "modes", "stages": [{"id": "trim", "type": "gain"}, {"id": "a", "type": "t_delay", "parameters": {"frames": 240}},
                                     {"id": "b", "type": "t_delay", "parameters": {"frames": 100}}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modes")
    (folder / "patch.json").write_text(json.dumps(PATCH))
    with playing(folder, "--stations", 1, "--patch", folder / "patch.json") as foldbackd:
        foldbackd.osc.send("/station/1/proposal/morph", 0.0)
        yield foldbackd


def offer(server, gain):
    """A run with this setting, offered: what is the proposal's state then, and the station's gain?"""
    run = server.post("/api/calibration/run", {"station": 1, "source": {"live": 0.1}, "include_audio": False,
                                               "parameters": {"trim.gain": gain}})
    assert server.osc.call("/station/1/proposal/offer", run["run_id"]) is True
    return server.osc.ask("/station/1/proposal/state"), server.get("/api/stations/1/params")["trim.gain"]


@pytest.mark.parametrize("mode, armed, accepted", [
    ("manual", False, False), ("manual", True, False), ("auto", False, False), ("auto", True, True),
    ("bypass", True, False)])
def test_only_an_armed_proposal_in_auto_turns_a_knob(server, mode, armed, accepted):
    server.osc.send("/station/1/trim/gain", 0.0)
    server.osc.send("/station/1/mode", mode)
    server.osc.send("/station/1/proposal/armed", armed)
    server.osc.sync()
    undone = server.get("/api/stations/1/patch")
    assert offer(server, -5.0) == (("accepted", -5) if accepted else ("offered", 0))
    if accepted:  # and the engineer takes it back
        assert server.osc.call("/station/1/undo") is True and server.get("/api/stations/1/patch") == undone
    else:  # changing the mode later lets nothing in that was offered before
        server.osc.send("/station/1/mode", "auto")
        server.osc.send("/station/1/proposal/armed", True)
        server.osc.sync()
        assert server.get("/api/stations/1/params")["trim.gain"] == 0
        assert server.osc.call("/station/1/proposal/accept") is True  # the engineer may at any time
        assert server.get("/api/stations/1/params")["trim.gain"] == -5


def test_people_and_scripts_may_in_every_mode(server):
    for i, mode in enumerate(("auto", "manual", "bypass")):
        server.osc.send("/station/1/mode", mode)
        server.osc.send("/station/1/trim/gain", float(-i))
        server.osc.sync()
        assert server.get("/api/stations/1/params")["trim.gain"] == -i


def test_bypass_is_the_input_as_late_as_the_chain(tmp_path):
    """To the bit, once the 5 ms of its fade are over: noise in, noise out, 340 frames later."""
    noise = tmp_path / "noise.wav"
    with wave.open(str(noise), "wb") as out:
        import random
        rng = random.Random(1)
        out.setparams((2, 2, 48000, 0, "NONE", ""))
        out.writeframes(rng.randbytes(48000 * 4 * 2))
    (tmp_path / "patch.json").write_text(json.dumps(PATCH))
    with Jackd("foldback-test-modes") as jack, playing(
            tmp_path, "--stations", 1, "--patch", tmp_path / "patch.json", jack=jack) as server:
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(noise)], env=jack.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in jack.ports() if p.startswith("jackplay"))[:2], 5, "the player")
            wait_for(lambda: len([p for p in jack.ports() if p.startswith("jackplay")]) >= 2, 5, "its ports")
            outs = sorted(p for p in jack.ports() if p.startswith("jackplay"))
            jack.connect(outs[0], "foldback:station_1_in_L")
            jack.connect(outs[1], "foldback:station_1_in_R")
            server.osc.send("/station/1/trim/gain", -12.0)
            server.osc.send("/station/1/mode", "bypass")
            server.osc.sync()

            def once():
                with Take(server, point="in") as heard, Take(server, point="out") as given:
                    heard.run(0.3)
                    given.run(0.3)
                return heard, given
            heard, given = whole(once)
            begin = max(heard.first + LATE, given.first) + 4800
            end = min(heard.first + LATE + heard.frames, given.first + given.frames)
            assert end - begin > 4800
            for a, b in ((heard.left, given.left), (heard.right, given.right)):
                a, b = a[begin - LATE - heard.first:end - LATE - heard.first], b[begin - given.first:end - given.first]
                assert max(map(abs, a)) > 0.5 and a == b
        finally:
            player.kill()
            player.wait()
