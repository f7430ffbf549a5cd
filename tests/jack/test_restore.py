# SPDX-License-Identifier: GPL-3.0-or-later
"""--restore-connections: the ports are connected as they were last time, and again when the other end comes back."""
import json

import pytest

from servers import Foldbackd, ServerError, wait_for

LEVEL = 0.25  # of the probe's tone


def plugged(jack):
    return (jack.connections("foldback:station_1_in_L"), jack.connections("foldback:station_1_out_L"))


def plug(jack):
    jack.connect("peer:out_1", "foldback:station_1_in_L")
    jack.connect("foldback:station_1_out_L", "ear:in_1")


BOTH = (["peer:out_1"], ["ear:in_1"])


def kept(folder):
    return folder / "foldback" / "connections.json"


@pytest.mark.plain  # seen to wait in vain once under ThreadSanitizer on a busy machine
def test_the_next_start_connects_what_was(jack, tmp_path, probe):
    with probe("tone", "peer"), probe("tone", "ear") as tone:
        with Foldbackd(tmp_path, "--stations", 2, "--restore-connections", jack=jack) as server:
            plug(jack)
            jack.connect("foldback:station_2_out_R", "foldback:station_1_in_R")
            wait_for(lambda: server.osc.ask("/server/jack/connections") == 4, 5, "the connections")  # one has two ends
        assert json.loads(kept(tmp_path).read_text()) == {
            "station_1_in_L": ["peer:out_1"], "station_1_out_L": ["ear:in_1"],
            "station_1_in_R": ["foldback:station_2_out_R"], "station_2_out_R": ["foldback:station_1_in_R"]}
        with Foldbackd(tmp_path, "--stations", 1, "--restore-connections", jack=jack) as server:  # a station less
            wait_for(lambda: plugged(jack) == BOTH, 5, "the connections of the last time")
            tone.wait_for(LEVEL)
            assert server.osc.ask("/server/jack/missing") == 2
        with Foldbackd(tmp_path, "--stations", 2, "--restore-connections", jack=jack) as server:
            wait_for(lambda: jack.connections("foldback:station_1_in_R") == ["foldback:station_2_out_R"], 5,
                     "the connection of a station that was away")
        with Foldbackd(tmp_path, "--stations", 2, jack=jack) as server:  # not asked to
            assert not server.osc.ask("/server/jack/restore")
            assert plugged(jack) == ([], [])
    assert "peer:out_1" in kept(tmp_path).read_text()


def test_the_list_of_what_is_missing_ends(jack, tmp_path):
    """Clients whose names are new each time would fill it for ever."""
    kept(tmp_path).parent.mkdir()
    kept(tmp_path).write_text(json.dumps({"station_1_in_L": [f"guest-{i}:out" for i in range(1100)]}))
    with Foldbackd(tmp_path, "--stations", 1, "--restore-connections", jack=jack) as server:
        wait_for(lambda: server.osc.ask("/server/jack/missing") == 1024, 5, "a list of that length")
    assert len(json.loads(kept(tmp_path).read_text())["station_1_in_L"]) == 1024


def test_a_client_that_comes_back_is_connected_again(jack, tmp_path, probe):
    with Foldbackd(tmp_path, "--stations", 1, jack=jack) as server:
        server.osc.send("/server/jack/restore", True)
        with probe("tone", "peer"), probe("tone", "ear"):
            plug(jack)
            wait_for(lambda: server.osc.ask("/server/jack/connections") == 2, 5, "the connections")
        wait_for(lambda: server.osc.ask("/server/jack/missing") == 2, 5, "their end")
        for _ in range(3):
            with probe("tone", "peer"), probe("tone", "ear"):
                wait_for(lambda: plugged(jack) == BOTH, 5, "the connections again")
        with probe("tone", "peer"), probe("tone", "ear"):
            wait_for(lambda: plugged(jack) == BOTH, 5, "the connections again")
            jack.run("jack_disconnect", "peer:out_1", "foldback:station_1_in_L")
            wait_for(lambda: "station_1_in_L" not in kept(tmp_path).read_text(), 5, "one less in the file")
        with probe("tone", "peer"), probe("tone", "ear"):
            wait_for(lambda: plugged(jack) == ([], ["ear:in_1"]), 5, "what nobody has taken apart")
        wait_for(lambda: server.osc.ask("/server/jack/missing") == 1, 5, "its end")
        assert server.osc.call("/server/jack/forget") is True
        wait_for(lambda: server.osc.ask("/server/jack/missing") == 0, 5, "oblivion")
    assert json.loads(kept(tmp_path).read_text()) == {}


@pytest.mark.parametrize("text, reason", [
    ("{", "line 1"),
    ("[]", "needs an object"),
    ('{"station_1_in_L": "system:capture_1"}', '"station_1_in_L" needs a list of ports'),
    ('{"station_1_in_L": [1]}', '"station_1_in_L" needs names of ports')])
def test_a_broken_file_is_told(jack, tmp_path, text, reason):
    kept(tmp_path).parent.mkdir()
    kept(tmp_path).write_text(text)
    with pytest.raises(ServerError) as failed:
        Foldbackd(tmp_path, "--stations", 1, "--restore-connections", jack=jack)
    assert f"{kept(tmp_path)}: {reason}" in str(failed.value)
    assert kept(tmp_path).read_text() == text
