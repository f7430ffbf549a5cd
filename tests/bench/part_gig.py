# SPDX-License-Identifier: GPL-3.0-or-later
"""A minute on stage: what is late or lost while everything happens at once. The test of ten minutes is tests/session/test_soak.py."""
import gig
from measure import Part, needs, progress, stretch

TITLE = "A gig: 16 stations with the chain in JACK, 64 frames, 1,000 sets a second, scenes, four taps, auditions"
SECONDS = 60


def run(folder):
    needs("jackd", "jackd2")
    needs("sndfile-jackplay", "sndfile-tools")
    result = gig.Gig(folder, SECONDS, stretch(folder, 20), progress).play()
    part = Part(["", "foldback", "target", ""])
    lost = sum(result[key] for key in ("events/lost", "events/orphan", "taps_lost", "tap_gaps", "captures_lost", "audit/lost",
                                       "kernel_lost", "unset"))
    for text, name, value, most in [
            ("xruns", "xruns", result["xruns"], result["busy_xruns"]),
            ("sets, events, taps, audit rows lost", "lost", lost, 0),
            ("heap that grew, MB", "heap_growth_mb", round(max(result["heap_growth_mb"], 0), 2), 0.6)]:
        target, met = part.figure(name, value, most=most)
        part.row(text, value, target, met)
    part.row("DSP load, mean and worst, %", f"{result['load_mean']:.1f}, {result['load_worst']:.1f}", "", "")
    part.notes.append(f"The target of xruns is what a client that takes as much of each period and does nothing had on a JACK server of its "
                      f"own in the same {result['watched_s']:.0f} s, an empty one had {result['idle_xruns']}"
                      f"{'' if result['realtime'] else ', here without real-time priority'}; in them {result['sets']:,} sets, "
                      f"{result['recalls']} recalls of scenes, {result['auditions']} candidates.")
    return part
