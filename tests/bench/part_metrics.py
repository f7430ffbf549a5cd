# SPDX-License-Identifier: GPL-3.0-or-later
"""What measuring costs, live and of a file, beside ffmpeg's filters."""
import json

from measure import BUILD, PROGRAMS, Missing, Part, cpu_time, first_line, median, needs, number, programme, progress, stretch

TITLE = "Metrics: CPU time of all 55"
ROUNDS = 3
LIVE_S = 15
GATHER = 480  # frames: what server/meters.c finds in a tap every 10 ms
FILE_S, PEER_S = 600, 60
FILTERS = ["ebur128=peak=true", "astats", "aspectralstats"]


def ffmpeg_times(sound):
    """{filter: CPU seconds}, above those of only reading the file; all three in one graph last."""
    needs("ffmpeg", "ffmpeg")
    times = {}
    for name in ["anull", *FILTERS, ",".join(FILTERS)]:
        progress(f"metrics: ffmpeg {name}")
        times[name] = median([cpu_time(["ffmpeg", "-nostdin", "-v", "error", "-threads", 1, "-i", sound, "-af", name, "-f",
                                        "null", "-"])[0] for _ in range(ROUNDS)])
    reading = times.pop("anull")
    return {name: max(spent - reading, 1e-3) for name, spent in times.items()}


def run(folder):
    part = Part(["", "foldback", "ffmpeg, three filters", "ratio", "target", ""])
    try:
        theirs, why = ffmpeg_times(stretch(folder, PEER_S)), ""
    except Missing as missing:
        theirs, why = None, str(missing)
    together = theirs and theirs[",".join(FILTERS)]

    live = []
    for turn in range(ROUNDS):
        progress(f"metrics: 16 live stations, round {turn + 1} of {ROUNDS}")
        live.append(number([PROGRAMS / "bench_metrics", programme(folder), LIVE_S, GATHER]))
    live = median(live)
    peer = together and 100 * 16 * together / PEER_S
    target, met = part.figure("live_16_percent", round(live, 2), peer=peer and round(peer, 1), most=3)
    part.row("16 live stereo stations, share of one core", f"{live:.2f} %", f"{peer:.1f} %" if peer else "-",
             f"{live / peer:.2f}" if peer else "-", target + " %", met)

    command = BUILD / "foldback"
    if command.exists():
        sound, spent = stretch(folder, FILE_S), []
        for turn in range(ROUNDS):
            progress(f"metrics: a file of 10 minutes, round {turn + 1} of {ROUNDS}")
            seconds, said = cpu_time([command, "analyze", sound, "--json"])
            spent.append(seconds)
            assert json.loads(said)["frames"] == FILE_S * 48000, "foldback analyze did not measure all of the file"
        speed, other = FILE_S / median(spent), together and PEER_S / together
        target, met = part.figure("analyze_speed", round(speed), peer=other and round(other), least=300)
        part.row("`foldback analyze`, 10 minutes stereo, times real time", f"{speed:.0f}", f"{other:.0f}" if other else "-",
                 f"{speed / other:.1f}" if other else "-", target, met)
    else:
        part.notes.append("`foldback analyze`: build/foldback is not there.")
    if why:
        part.notes.append(f"Without ffmpeg: {why}.")
    else:
        part.figures["ffmpeg_speed"] = {name: round(PEER_S / spent) for name, spent in theirs.items()}
        part.notes.append("Peer: " + first_line(["ffmpeg", "-version"]).split(" Copyright")[0] + "; times real time, alone: "
                          + ", ".join(f"{name} {PEER_S / theirs[name]:.0f}" for name in FILTERS)
                          + ". Reading the file is taken off; of `foldback analyze` it is not.")
    return part
