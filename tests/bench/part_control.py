# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC: how soon a question is answered, how many sets are borne, with nothing lost. scsynth beside it in JACK."""
import json
import random
import subprocess
import time

import osc
import scsynth
from measure import PROGRAMS, Missing, Part, Threads, chain_patch, needs, progress
from servers import Foldbackd, Jackd, free_port

TITLE = "Control: OSC over UDP on this machine, 16 stations with the chain, periods of 64"
ADDRESSES, BUNDLE = 1000, 100
QUESTIONS = 1000
SINGLE_RATE, SINGLES = 300_000, 300_000  # offered for a second
BUNDLE_RATE, BUNDLES = 100_000, 50_000
ORDERS = 16  # in which the addresses come when they come in another one each time
TRIES = 3  # of what other work on the machine can spoil: the best counts


def lost_by_kernel(port):
    """Datagrams for which the server's socket had no room."""
    with open("/proc/net/udp", encoding="ascii") as table:
        return sum(int(line.split()[-1]) for line in table if line.split()[1].endswith(f":{port:04X}"))


def bundles(sets):
    return [osc.bundle(sets[i:i + BUNDLE]) for i in range(0, len(sets), BUNDLE)]


def shuffled(sets):
    """All addresses with their first values, all with their second ones, and so on, each round in an order of its own."""
    half, any_order, out = len(sets) // 2, random.Random(1), []
    for i in range(ORDERS):
        addresses = sets[half:] if i % 2 else sets[:half]
        out += any_order.sample(addresses, half)
    return out


class Load:
    """Packets for one server: a question, and sets of two values in turn, single and in bundles."""

    def __init__(self, folder, name, port, pid, question, sets):
        self.port, self.pid = port, pid
        self.files = {}
        for kind, packets in [("ask", [question]), ("single", sets), ("bundle", bundles(sets)),
                              ("shuffled", bundles(shuffled(sets)))]:
            self.files[kind] = folder / f"{name}-{kind}.osc"
            self.files[kind].write_bytes(b"".join(map(osc.sized, packets)))

    def bench(self, *words):
        done = subprocess.run([str(PROGRAMS / "bench_control"), *map(str, words)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def ask(self):
        runs = [self.bench("ask", self.port, self.files["ask"], QUESTIONS) for _ in range(TRIES)]
        return min(runs, key=lambda run: run["median_us"])

    def sets_per_s(self, kind, packets):
        """What the server's busiest thread could do if it did nothing else: sent no faster than it takes them."""
        figures = [self.sets_once(kind, packets) for _ in range(TRIES)]
        whole = [figure for figure in figures if figure]
        if not whole:
            raise Missing(f"the server did not keep up with {kind} sets, though it was waited for")
        return max(whole)

    def sets_once(self, kind, packets):
        """None if any was lost."""
        threads, each = Threads(self.pid), 1 if kind == "single" else BUNDLE
        lost = lost_by_kernel(self.port)
        run, spent = threads.during(lambda: self.bench("flood", self.port, self.files[kind], 0, packets))
        kept = not run["unanswered"] and lost_by_kernel(self.port) == lost
        return run["sent"] * each / max(spent.values()) if kept else None

    def lost_share(self, kind, rate, packets):
        """Of sets at a fixed rate, come what may. The sender must have held the rate for it to count."""
        shares = []
        for _ in range(TRIES):
            lost = lost_by_kernel(self.port)
            run = self.bench("flood", self.port, self.files[kind], rate, packets)
            time.sleep(0.2)
            if run["sending_s"] < 1.1 * packets / rate:
                shares.append((lost_by_kernel(self.port) - lost) / run["sent"])
        return min(shares, default=None)


def addresses(server):
    """Settable continuous parameters, with two values in range: nothing that makes a new instance."""
    found = []
    for station in range(1, 17):
        for node in server.get(f"/station/{station}")["CONTENTS"].values():
            for leaf in node.get("CONTENTS", {}).values():
                if leaf.get("TYPE") == "f" and leaf.get("ACCESS") == 3 and not leaf["FULL_PATH"].endswith("/lookahead"):
                    low, high = leaf["RANGE"][0]["MIN"], leaf["RANGE"][0]["MAX"]
                    found.append((leaf["FULL_PATH"], low + 0.4 * (high - low), low + 0.5 * (high - low)))
    return found[:ADDRESSES]


def foldback_figures(folder):
    with Foldbackd(folder, "--patch", chain_patch(folder), "--period", 64) as server:
        leaves = addresses(server)
        sets = [osc.message(leaf[0], leaf[value]) for value in (1, 2) for leaf in leaves]
        load = Load(folder, "foldback", server.osc_port, server.process.pid, osc.message(leaves[0][0]), sets)
        figures = all_figures(load, "foldbackd")
        figures["shuffled"] = load.sets_per_s("shuffled", 10_000)
        figures["addresses"] = len(leaves)
        figures["events_lost"] = server.osc.ask("/server/events/lost")
        figures["audit_lost"] = server.osc.ask("/server/audit/lost")
        return figures


def scsynth_figures(folder):
    needs("jackd", "jackd2")
    scsynth.available()
    scsynth.compile_definitions(folder)
    with Jackd("foldback-bench-control") as jack, scsynth.Server(folder, jack, free_port()) as server:
        server.play(folder, "controls")
        names = [(1000 + i // server.CONTROLS, f"p{i % server.CONTROLS}") for i in range(ADDRESSES)]
        sets = [osc.message("/n_set", *name, value) for value in (0.4, 0.5) for name in names]
        load = Load(folder, "scsynth", server.port, server.process.pid, osc.message("/s_get", *names[0]), sets)
        return all_figures(load, "scsynth")


def all_figures(load, name):
    progress(f"control: {name}, questions")
    figures = {"ask": load.ask()}
    progress(f"control: {name}, sets as fast as it takes them")
    figures["singles"] = load.sets_per_s("single", 100_000)
    figures["bundled"] = load.sets_per_s("bundle", 10_000)
    progress(f"control: {name}, sets at a fixed rate")
    figures["single_lost"] = load.lost_share("single", SINGLE_RATE, SINGLES)
    figures["bundle_lost"] = load.lost_share("bundle", BUNDLE_RATE, BUNDLES)
    return figures


def run(folder):
    part = Part(["", "foldback", "scsynth", "ratio", "target", ""])
    try:
        theirs, why = scsynth_figures(folder), ""
    except Missing as missing:
        theirs, why = None, str(missing)
    ours = foldback_figures(folder)

    def row(label, name, pick, form, **target):
        mine, other = pick(ours), theirs and pick(theirs)
        if mine is None:
            part.row(label, "-", "-" if other is None else form(other), "-", "", "the sender was held up")
            return
        wanted, met = part.figure(name, mine, peer=other, **target)
        part.row(label, form(mine), "-" if other is None else form(other),
                 f"{mine / other:.2f}" if other else "-", wanted, met)

    row("answer to a question, median, µs", "ask_median_us", lambda f: f["ask"]["median_us"], "{:.0f}".format, most=100)
    row("99th percentile, µs", "ask_p99_us", lambda f: f["ask"]["p99_us"], "{:.0f}".format)
    row("single sets a second of the busiest thread", "singles_per_s", lambda f: round(f["singles"]), "{:,}".format, least=300_000)
    row("sets in bundles of 100, likewise", "bundled_per_s", lambda f: round(f["bundled"]), "{:,}".format, least=10_000_000)
    row("the same in another order each time", "shuffled_per_s", lambda f: round(f["shuffled"]) if "shuffled" in f else None,
        "{:,}".format)
    row(f"lost of {SINGLE_RATE:,} single sets a second", "single_lost", lambda f: f["single_lost"], "{:.1%}".format, most=0)
    row(f"lost of {BUNDLE_RATE * BUNDLE:,} a second in bundles of 100", "bundle_lost", lambda f: f["bundle_lost"],
        "{:.1%}".format, most=0)
    part.notes.append(f"{ours['addresses']:,} addresses in turn, each value new; after all of it {ours['events_lost']:,} events were "
                      f"put off to a later tick, {ours['audit_lost']:,} entries of the audit lost. Sets a second: how many the "
                      "busiest thread can do by its CPU time; lost: of those sent without waiting.")
    part.notes.append(f"Without scsynth: {why}." if why else f"Peer: {scsynth.version()}, /s_get and /n_set by name.")
    return part
