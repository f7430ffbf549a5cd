# SPDX-License-Identifier: GPL-3.0-or-later
"""The JACK server dies and comes back: foldback keeps all it has and goes on, connections and all."""
import json
import time

import pytest

from servers import Foldbackd, Jackd, wait_for

GAIN = {"name": "gain", "stages": [{"id": "gain", "type": "gain"}]}
LEVEL = 0.25  # of the probe's tone; another probe hears, for JACK may not run clients in a loop when it is pressed


@pytest.fixture
def server(jack, tmp_path):
    patch = tmp_path / "gain.json"
    patch.write_text(json.dumps(GAIN))
    with Foldbackd(tmp_path, "--stations", 2, "--patch", patch, jack=jack) as foldbackd:
        yield foldbackd


def plug(jack):
    jack.connect("peer:out_1", "foldback:station_1_in_L")
    jack.connect("foldback:station_1_out_L", "ear:in_1")


def wait_for_jack(server, state):
    wait_for(lambda: server.osc.ask("/server/jack") == state, 10, f"/server/jack {state}")


@pytest.mark.parametrize("rate, period", [(48000, 64), (44100, 256), (96000, 100)])
def test_a_killed_server_returns(jack, server, probe, rate, period):
    """Patches, values, undo, subscribers, HTTP and connections survive kill -9; sets and edits are taken meanwhile."""
    server.osc.send("/station/1/gain/gain", -6.0)
    server.osc.send("/station/2/name", "Choir")
    with probe("tone", "peer"), probe("tone", "ear") as tone:
        plug(jack)
        tone.wait_for(LEVEL * 10 ** (-6 / 20))
        server.osc.send("/subscribe", "/server/jack", ("i", 20))
        jack.kill()
    assert wait_for(lambda: server.osc.wait("/server/jack", 5) == ["waiting"], 5, "the subscriber's news")
    # away: all is answered, taken and in the tree
    assert server.get("/server/jack?VALUE")["VALUE"] == ["waiting"]
    assert not server.osc.ask("/server/running")
    server.osc.send("/station/1/gain/balance", 100.0)
    assert server.osc.call("/station/1/node/add", "gain", "second") is True
    server.osc.send("/station/1/second/gain", -6.0)
    assert server.osc.ask("/station/1/second/gain") == -6.0
    for _ in ("the set", "the edit", "the balance"):
        assert server.osc.call("/station/1/undo") is True
    assert server.osc.ask("/station/1/gain/balance") == 0.0
    for _ in ("the balance", "the edit", "the set"):
        assert server.osc.call("/station/1/redo") is True
    server.osc.send("/station/1/gain/balance", 0.0)
    jack.start(rate, period)
    wait_for_jack(server, "running")
    assert server.osc.ask("/server/sample_rate") == rate
    assert server.osc.ask("/server/period") == period
    assert server.osc.ask("/station/1/gain/gain") == -6.0
    assert server.osc.ask("/station/1/second/gain") == -6.0
    assert server.osc.ask("/station/2/name") == "Choir"
    wait_for(lambda: server.osc.ask("/server/jack/missing") == 2, 5, "what is missing")
    with probe("tone", "peer"), probe("tone", "ear") as tone:  # the other end comes later, and is found
        wait_for(lambda: jack.connections("foldback:station_1_in_L") == ["peer:out_1"], 5, "the connection in")
        wait_for(lambda: jack.connections("foldback:station_1_out_L") == ["ear:in_1"], 5, "the connection out")
        tone.wait_for(LEVEL * 10 ** (-12 / 20))
    said = server.said()
    assert "the JACK server has gone; waiting for it" in said
    assert f"the JACK server is there, at {rate} Hz, period {period}" in said


@pytest.mark.slow
def test_it_returns_again_and_again(jack, server, probe):
    """A server that crashes often, and one that ends as it should."""
    for end in (jack.kill, jack.end, jack.kill):
        with probe("tone", "peer"), probe("tone", "ear") as tone:
            plug(jack)
            tone.wait_for(LEVEL)
            end()
            wait_for_jack(server, "waiting")
        jack.start()
        wait_for_jack(server, "running")
        with probe("tone", "peer"), probe("tone", "ear") as tone:
            tone.wait_for(LEVEL)
            jack.run("jack_disconnect", "peer:out_1", "foldback:station_1_in_L")
            jack.run("jack_disconnect", "foldback:station_1_out_L", "ear:in_1")
            wait_for(lambda: server.osc.ask("/server/jack/connections") == 0, 5, "the disconnection")


def test_a_rate_that_nothing_works_at(jack, server):
    """A JACK server at 7 kHz is not joined, and foldback says why; the next one is."""
    jack.kill()
    wait_for_jack(server, "waiting")
    jack.start(7000)
    wait_for(lambda: "the JACK server runs at 7000 Hz: 8000 to 192000 are possible" in server.said(), 5, "the reason")
    assert server.osc.ask("/server/jack") == "waiting" and server.osc.ask("/server/sample_rate") == 48000
    jack.kill()
    jack.start(48000)
    wait_for_jack(server, "running")


def test_what_somebody_disconnects_stays_so(jack, server, probe):
    with probe("tone", "peer"), probe("tone", "ear"):
        plug(jack)
        wait_for(lambda: server.osc.ask("/server/jack/connections") == 2, 5, "both connections")
        jack.run("jack_disconnect", "peer:out_1", "foldback:station_1_in_L")
        wait_for(lambda: server.osc.ask("/server/jack/connections") == 1, 5, "the disconnection")
        jack.kill()
        wait_for_jack(server, "waiting")
    jack.start()
    with probe("tone", "peer"), probe("tone", "ear"):
        wait_for(lambda: jack.connections("foldback:station_1_out_L") == ["ear:in_1"], 5, "what was left connected")
        assert jack.connections("foldback:station_1_in_L") == []


def test_a_client_that_leaves_is_forgotten(jack, server, probe):
    """As every JACK client does, unless asked to restore connections."""
    with probe("tone", "peer"), probe("tone", "ear"):
        plug(jack)
        wait_for(lambda: server.osc.ask("/server/jack/connections") == 2, 5, "the connections")
    wait_for(lambda: server.osc.ask("/server/jack/connections") == 0, 5, "their end")
    assert server.osc.ask("/server/jack/missing") == 0


def test_wait_starts_before_jack(tmp_path):
    with Jackd("foldback-late") as jack:
        jack.close()
        with Foldbackd(tmp_path, "--stations", 1, "--wait", jack=jack) as server:
            assert server.osc.ask("/server/jack") == "waiting"
            assert server.http("GET", "/readyz")[0] == 503
            time.sleep(0.5)
            jack.start(44100, 128)
            wait_for_jack(server, "running")
            assert server.osc.ask("/server/sample_rate") == 44100
            wait_for(lambda: server.http("GET", "/readyz")[0] == 200, 5, "readiness")
            assert "foldback:station_1_in_L" in jack.ports()
