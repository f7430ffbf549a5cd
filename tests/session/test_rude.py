# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand rude clients over HTTP and WebSocket and a quarter of that over TCP, half-open, slow, oversized, malformed and
flooding, for some seconds on a real JACK server. Polite ones, on connections that they have and on new ones, get every answer
within 100 ms; audio sees nothing.

Of an answer's time only foldback's own counts. The kernel tells how long the thread that answers, and the one that asks, stood
ready to run and had no processor; a process that does nothing but sleep tells when the machine let nobody run. Where nothing else
goes on this is a few milliseconds of what the crowd takes; on a busy machine it is most of the time. What xruns are
the machine's is told by threads that come before all audio, and by an empty client of a second JACK server."""
import os
import re
import resource
import time
from datetime import datetime

import pytest

import sounds
from gig import Idle, realtime
from rude import Machine, Polite, Stalls, crowd
from servers import Jackd, playing_patch, wait_for

SECONDS = 8
LATE_S = 0.1  # no answer may take longer
NEIGHBOUR_LATE_S = 1.0  # of those that share the crowd's own address: they stand in line with it, but not for ever
LOSSES = ("taps_lost", "events/orphan", "audit/lost", "threads/late", "faults")


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def start(folder, **options):
    return playing_patch(folder, {"name": "rude", "stages": [{"id": "gain", "type": "gain"}]}, **options)


def meet(folder, server, source="127.0.0.1"):
    """What polite clients at that address see of the crowd."""
    machine = Machine(folder, server)
    polite = Polite(server, machine, source)
    polite.ask(1)
    for took in polite.took.values():
        took.clear()
    pid = crowd(server, SECONDS)
    polite.ask(1)  # it gathers
    for took in polite.took.values():
        took.clear()
    polite.ask(SECONDS - 3)
    os.waitpid(pid, 0)
    machine.end()
    polite.close()
    for kind in polite.took:
        print(polite.report(kind))
    return polite


def counts(server):
    return {leaf: server.osc.ask(f"/server/{leaf}") for leaf in ("xruns", "frame", *LOSSES)}


def last_xruns(server):
    """When they were, by time.time()."""
    told = server.osc.ask("/server/xrun/last")
    return [datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() for when in re.findall(r"(\S+Z) ", told)]


@pytest.mark.slow
@pytest.mark.plain  # it is about time
def test_a_thousand_rude_clients(tmp_path):
    options = {"realtime": bool(realtime())}
    with Jackd("foldback-rude-idle", **options) as quiet, Jackd("foldback-rude", **options) as jack:
        with start(tmp_path, jack=jack) as server:
            idle = Idle(quiet, sounds.music(tmp_path / "music.wav"))
            idle.begin()
            stalls = Stalls(tmp_path) if options["realtime"] else None
            before, began = counts(server), time.time()
            polite = meet(tmp_path, server)
            after, idle_xruns = counts(server), idle.end()
            if stalls:
                stalls.end()
            own = [when for when in last_xruns(server) if stalls and when >= began and not stalls.explain(when)]
            assert server.get("/healthz") == {"status": "ok"}

            def calm():
                """What the crowd left behind has been taken, and nothing finds the ring to the audio full any more."""
                put_off = server.osc.ask("/server/events/lost")
                time.sleep(0.5)
                return server.osc.ask("/server/events/lost") == put_off
            wait_for(calm, 10, "the end of events put off")
            told = {leaf: server.osc.ask(f"/server/{leaf}") for leaf in (
                "http/connections", "http/refused", "http/dropped", "osc/connections", "osc/malformed", "osc/dropped")}
    lost = {leaf: after[leaf] - before[leaf] for leaf in LOSSES}
    xruns = after["xruns"] - before["xruns"]
    print(f"xruns {xruns}, of an empty client {idle_xruns}; {lost}; {told}")
    for kind, took in polite.took.items():
        assert len(took) > 10 and polite.worst(kind)[1] < LATE_S, polite.report(kind)
    assert not any(lost.values()), lost
    assert after["frame"] > before["frame"] + SECONDS / 2 * 48000
    assert told["http/refused"] and told["http/dropped"] and told["osc/malformed"] and told["osc/dropped"]
    # of the last eight it is known when they were, and whether the machine stood still; of more than that, their number alone,
    # and in ten seconds two counts differ by chance
    assert not own, own
    if options["realtime"]:
        assert xruns <= 2 * idle_xruns + 8


@pytest.mark.slow
@pytest.mark.plain
def test_who_shares_an_address_with_rude_ones(tmp_path):
    """A web page on the machine where somebody runs wild: it stands in line with them, and is answered all the same."""
    with start(tmp_path) as server:
        polite = meet(tmp_path, server, source="127.0.1.2")
    for kind, took in polite.took.items():
        assert took and polite.worst(kind)[1] < NEIGHBOUR_LATE_S, polite.report(kind)
