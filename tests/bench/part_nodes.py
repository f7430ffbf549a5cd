# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes cost beside scsynth's units of the same purpose."""
import wave

import scsynth
from measure import BUILD, PROGRAMS, Missing, Part, chain_nodes, chain_patch, median, number, programme, progress

TITLE = "Nodes: ns of CPU time per stereo frame per station, 16 stations, blocks of 64, 48 kHz"
ROUNDS = 5
SECONDS = 4  # of audio a round, for foldback; scsynth takes twice as much, since its start is measured with it
EMPTY, CHAIN = "wire", "chain"


def measure(folder):
    names, absent = chain_nodes()
    sound = programme(folder)
    chosen = {EMPTY: [], CHAIN: names, **{name: [name] for name in names}}
    files = {name: chain_patch(folder, name, nodes) for name, nodes in chosen.items()}
    peer, why = True, ""
    try:
        scsynth.available()
        scsynth.compile_definitions(folder)
    except Missing as missing:
        peer, why = False, str(missing)
    with wave.open(str(sound)) as source:
        frames = source.getnframes()

    ours, theirs = {name: [] for name in files}, {name: [] for name in [None, *files]}
    for turn in range(ROUNDS):  # side by side, so that what else the machine does hits both alike
        for name in theirs:
            progress(f"nodes: round {turn + 1} of {ROUNDS}, {name or 'nothing'}")
            if name:
                ours[name].append(number([PROGRAMS / "bench_nodes", BUILD / "nodes", sound, files[name], SECONDS]))
            if peer:
                theirs[name].append(scsynth.render_time(folder, name, sound, frames, 2 * SECONDS))
    ours = {name: median(values) for name, values in ours.items()}
    nanoseconds = 1e9 / (2 * SECONDS * 48000 * scsynth.STATIONS)
    theirs = {name: median(values) * nanoseconds for name, values in theirs.items()} if peer else None
    return names, absent, ours, theirs, why


def run(folder):
    names, absent, ours, theirs, why = measure(folder)
    part = Part(["", "foldback", "scsynth", "ratio", "target", ""])

    def row(label, name, value, other, **target):
        ratio = value / other if other else None
        wanted, met = part.figure(name, round(value, 2), peer=other and round(other, 2))
        if ratio is not None:
            wanted, met = part.figure(name + "_ratio", round(ratio, 2), **target)
        part.row(label, f"{value:.2f}", f"{other:.2f}" if other else "-", f"{ratio:.2f}" if ratio else "-", wanted, met)

    for name in names:  # what the node adds to a station without any
        row(name, name, ours[name] - ours[EMPTY], theirs and max(theirs[name] - theirs[EMPTY], 0.01))
    # All that a station costs: with scsynth, above playing the programme.
    row("a station without nodes", "station", ours[EMPTY], theirs and max(theirs[EMPTY] - theirs[None], 0.01))
    row("whole chain" if not absent else f"chain of these {len(names)}", CHAIN, ours[CHAIN],
        theirs and theirs[CHAIN] - theirs[None], **({} if absent else {"most": 1.0}))
    if absent:
        part.notes.append(f"Not built yet: {', '.join(absent)}.")
    if why:
        part.notes.append(f"Without scsynth: {why}.")
    else:
        part.notes.append(f"Peer: {scsynth.version()}, non-realtime, {len(names)} units as in tests/bench/chain.scd.")
    return part
