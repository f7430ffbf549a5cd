# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as a whole: how soon it is ready, what memory it takes and keeps, how many candidates it hears a second."""
import subprocess
import tempfile
import time
from pathlib import Path

import scsynth
from measure import Missing, Part, Threads, chain_patch, memory_mb, needs, progress, stretch
from servers import Foldbackd, Jackd, free_port

TITLE = "Server: 16 stations, 48 kHz, periods of 64"
STARTS = 7
SETTLE_S, WARM_S, WATCH_S = 5, 10, 60
CANDIDATES, AUDITION_S = 40, 10


def start_ms(*options, jack=None):
    """The soonest of several starts, each from an empty state folder: what else the machine does only adds. In all, and
    from JACK's answer on, as the server tells."""
    took, answered = [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="foldback-bench-start-") as folder:
            began = time.monotonic()
            with Foldbackd(folder, *options, jack=jack) as server:
                took.append(1e3 * (time.monotonic() - began))
                answered.append(server.osc.ask("/server/start"))
    return round(min(took), 1), round(min(answered), 1)


def bare_client_mb(jack):
    """What any JACK client has in memory of its own."""
    with subprocess.Popen(["jack_evmon"], env=jack.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        time.sleep(1)
        size = memory_mb(client.pid)
        client.kill()
    return size


def in_jack(folder, figures):
    needs("jackd", "jackd2")
    with Jackd("foldback-bench-server") as jack:
        progress("server: starts in JACK")
        figures["start_jack"], figures["start_answered"] = start_ms(jack=jack)
        bare = bare_client_mb(jack)
        progress("server: memory in JACK")
        with Foldbackd(folder, "--patch", chain_patch(folder), jack=jack) as server:
            time.sleep(SETTLE_S)
            figures["memory"] = memory_mb(server.process.pid) - bare
        progress("server: scsynth in JACK")
        in_jack_scsynth(folder, jack, bare, figures)


def in_jack_scsynth(folder, jack, bare, figures):
    try:
        scsynth.available()
        scsynth.compile_definitions(folder)
    except Missing as missing:
        figures["why"] = str(missing)
        return
    took = []
    for _ in range(STARTS):
        began = time.monotonic()
        with scsynth.Server(folder, jack, free_port()):
            took.append(time.monotonic() - began)
    figures["start_scsynth"] = round(1e3 * min(took), 1)
    with scsynth.Server(folder, jack, free_port()) as server:
        server.play(folder, "chain")
        time.sleep(SETTLE_S)
        figures["memory_scsynth"] = memory_mb(server.process.pid) - bare


def growth_mb(folder):
    """While a client sets, asks and is told of everything, as a surface does."""
    with Foldbackd(folder, "--patch", chain_patch(folder)) as server:
        server.osc.send("/subscribe", "/station")
        server.osc.send("/station/1/comp/threshold", "refused")  # a row: the first takes SQLite 0.1 MB, once
        began, first, grown = time.monotonic(), None, None
        while time.monotonic() < began + WARM_S + WATCH_S:
            passed = time.monotonic() - began
            progress(f"server: heap after {passed:.0f} of {WARM_S + WATCH_S} s")
            server.osc.send("/station/1/comp/threshold", -20.0 - passed / 10)
            server.osc.send("/subscribe", "/station")
            while server.osc.server.recv(20):
                server.osc.received.clear()
            heap = server.osc.ask("/server/heap") / 1e6
            first = heap if first is None and passed > WARM_S else first
            grown = heap - (first or 0)
        return grown


def auditions(folder):
    """(candidates a second of CPU time, by the clock)."""
    sound = stretch(folder, AUDITION_S)
    with Foldbackd(folder, "--patch", chain_patch(folder)) as server:
        status, answer = server.http("PUT", "/api/samples/bench.wav", Path(sound).read_bytes(), {"Content-Type": "audio/wav"})
        assert status in (200, 201), answer
        request = {"station": 1, "source": {"sample": "bench.wav"},
                   "candidates": [{"comp.threshold": -10.0 - i / 2} for i in range(CANDIDATES)]}
        progress("server: auditions")
        threads, began = Threads(server.process.pid), time.monotonic()
        answer, spent = threads.during(lambda: server.post("/api/calibration/audition", request))
        took = time.monotonic() - began
        assert len({result["score"] for result in answer["results"]}) > 1, "all candidates scored alike: was there sound?"
        return CANDIDATES / sum(max(each, 0.0) for each in spent.values()), CANDIDATES / took


def run(folder):
    figures, part = {}, Part(["", "foldback", "scsynth", "ratio", "target", ""])
    try:
        in_jack(folder, figures)
    except Missing as missing:
        part.notes.append(f"Without JACK: {missing}.")

    def row(label, name, value, form, peer=None, unit="", **target):
        if value is None:
            return
        wanted, met = part.figure(name, round(value, 2), peer=peer and round(peer, 2), **target)
        part.row(label, form.format(value), form.format(peer) if peer else "-", f"{value / peer:.2f}" if peer else "-",
                 wanted + unit * bool(wanted), met)

    progress("server: starts with the dummy driver")
    row("start to ready, JACK running, ms", "start_jack_ms", figures.get("start_jack"), "{:.0f}", figures.get("start_scsynth"))
    row("of which after JACK's answer, ms", "start_answered_ms", figures.get("start_answered"), "{:.0f}", most=20)
    row("start to ready, dummy driver, ms", "start_dummy_ms", start_ms()[0], "{:.0f}")
    row("memory of its own, chain on all stations, MB", "memory_mb", figures.get("memory"), "{:.1f}",
        figures.get("memory_scsynth"), most=32)
    row(f"heap grown in {WATCH_S} s, MB", "growth_mb", growth_mb(folder), "{:.2f}", most=0.1)
    per_cpu, by_clock = auditions(folder)
    row(f"candidates of {AUDITION_S} s heard a second, one core", "auditions_per_s", per_cpu, "{:.1f}", least=20)
    row("the same by the clock", "auditions_per_s_by_clock", by_clock, "{:.1f}")
    part.notes.append("Memory: anonymous pages, less those of a bare JACK client. Starts: the soonest of "
                      f"{STARTS}, each from an empty state folder.")
    if "why" in figures:
        part.notes.append(f"Without scsynth: {figures['why']}.")
    elif "start_scsynth" in figures:
        part.notes.append(f"Peer: {scsynth.version()} with 16 chains.")
    return part
