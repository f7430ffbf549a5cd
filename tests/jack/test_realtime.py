# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that help JACK's audio thread are what it is: real-time, and of its priority, whatever JACK server there is."""
import json
from pathlib import Path

import pytest

from gig import realtime
from servers import Foldbackd, Jackd, wait_for

CHAIN = {"name": "chain", "stages": [{"id": "eq", "type": "eq"}, {"id": "comp", "type": "comp"}, {"id": "reverb", "type": "reverb"}]}
FIFO = 1


def threads(pid):
    """{name: [(policy, priority), ...]} of all threads of a process."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            words = (task / "stat").read_text().rsplit(")", 1)[1].split()  # from the third field on
            name = (task / "comm").read_text().strip()
        except FileNotFoundError:
            continue
        policy = int(words[38]) & ~0x40000000  # SCHED_RESET_ON_FORK
        found.setdefault(name, []).append((policy, int(words[37])))
    return found


def crew_and_jack(server):
    """(what the crew's threads have, what JACK's own thread has)."""
    now = threads(server.process.pid)
    crew = {name: each[0] for name, each in now.items() if name.startswith("fb-crew-")}
    others = {each for name, all_of in now.items() if not name.startswith("fb-crew-") for each in all_of if each[0] == FIFO}
    return crew, others


@pytest.mark.skipif(not realtime(), reason="real-time priority is not allowed here")
def test_the_crew_has_the_priority_of_jack(tmp_path):
    """At the start, and again under each JACK server that comes back: of another priority, without real time, with it."""
    (tmp_path / "chain.json").write_text(json.dumps(CHAIN))
    options = ["--stations", 8, "--threads", 3, "--patch", tmp_path / "chain.json"]
    with Jackd("foldback-rt", realtime=True) as jack, Foldbackd(tmp_path, *options, jack=jack) as server:
        def back(priority):
            jack.kill()
            wait_for(lambda: server.osc.ask("/server/jack") == "waiting", 10, "that the JACK server is missed")
            jack.realtime = priority
            jack.start()
            wait_for(lambda: server.osc.ask("/server/jack") == "running", 10, "the return")

        crew, own = crew_and_jack(server)
        assert len(own) == 1, own
        assert crew == {"fb-crew-1": next(iter(own)), "fb-crew-2": next(iter(own))}
        first = next(iter(own))[1]
        assert first > 0
        back(40)
        crew, own = crew_and_jack(server)
        assert len(own) == 1 and set(crew.values()) == own
        assert next(iter(own))[1] == first + 20
        back(False)
        crew, own = crew_and_jack(server)
        assert not own and set(crew.values()) == {(0, 0)}, crew
        back(20)
        crew, own = crew_and_jack(server)
        assert set(crew.values()) == own == {(FIFO, first)}
        assert "real-time" not in server.said()


@pytest.mark.plain
@pytest.mark.slow
@pytest.mark.skipif(not realtime(), reason="real-time priority is not allowed here")
def test_a_crew_under_jack_helps_and_rests(tmp_path):
    """With the chain on 64 stations both threads work; with nothing to do, the crew takes next to no time."""
    (tmp_path / "chain.json").write_text(json.dumps(CHAIN))
    options = ["--stations", 64, "--threads", 2]

    def crew_s(server):
        """CPU time of the crew so far, in s."""
        return sum(int((task / "schedstat").read_text().split()[0]) * 1e-9
                   for task in Path(f"/proc/{server.process.pid}/task").iterdir()
                   if (task / "comm").read_text().startswith("fb-crew-"))

    def share(server, seconds=2.0):
        before = crew_s(server), server.osc.ask("/server/frame")
        wait_for(lambda: server.osc.ask("/server/frame") >= before[1] + 48000 * seconds, 10 + seconds, "some time")
        return (crew_s(server) - before[0]) / seconds

    with Jackd("foldback-rt2", realtime=True) as jack:
        with Foldbackd(tmp_path, *options, jack=jack) as server:  # empty stations: not worth a crew
            assert share(server) < 0.02
        with Foldbackd(tmp_path, *options, "--patch", tmp_path / "chain.json", jack=jack) as server:
            wait_for(lambda: 0.01 < share(server, 0.5) < 0.5, 15, "a share of the work")
            assert server.osc.ask("/server/threads/late") == 0
