# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibration: how much of what was spoiled the optimizer brings back, beside searches that know nothing and beside ffmpeg.

A case is a clean recording, spoiled in one way; the station's goal is what was measured of the clean one. The optimizer is
not told what was done to it."""
import json
import math
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

from measure import MUSIC, SPEECH, Missing, Part, Threads, median, needs, progress
from servers import BUILD, Foldbackd

TITLE = "Calibration: 24 spoiled recordings, 150 auditions each"
SECONDS = 4
AUDITIONS = 150
VOICE = "/usr/share/asterisk/sounds/en_US_f_Allison/demo-congrats.g722"
SPEED_SECONDS, SPEED_CANDIDATES = 10, 40
REFERENCE = int(os.environ.get("FB_BENCH_REFERENCE", 0))  # auditions of the long reference; 5,000 takes about two hours in all
CASES = os.environ.get("FB_BENCH_CASES", "")  # only those whose name holds this

ROOM = "aformat=channel_layouts=stereo,haas=side_gain=0.3"  # what is mono cannot be too wide
CLEAN = {  # two inputs at most; [a] is the result
    "speech": ([VOICE], f"[0]volume=-6dB,{ROOM}[a]"),
    "music": ([f"{MUSIC}/loop_amen_full.flac", f"{MUSIC}/guit_em9.flac"], "[1]volume=-6dB[m];[0][m]amix=inputs=2:normalize=0,volume=-6dB[a]"),
    "mixed": ([f"{SPEECH}/let-m-divna.ogg", f"{MUSIC}/ambi_piano.flac"],
              "[1]volume=-16dB[m];[0][m]amix=inputs=2:normalize=0,volume=-4dB," + ROOM + "[a]"),
}
LOUDER = {"speech": 1, "music": 4, "mixed": 3}  # noise and hum: music without a pause hides more of them
HUM = "+".join(f"{{x}}*{0.012 / k:.5f}*sin(2*PI*{50 * k}*t)" for k in (1, 2, 3, 5))
SPOIL = {
    "level": "[0]volume=-18dB",
    "mud": "[0]equalizer=f=250:t=q:w=0.8:g=9",
    "dull": "[0]treble=g=-12:f=3500:t=q:w=0.7",
    "noise": "anoisesrc=r=48000:a={noise}:seed=7:d={s}[n];[0][n]amix=inputs=2:normalize=0",
    "hum": f"aevalsrc='{HUM}':s=48000:d={{s}}[n];[0][n]amix=inputs=2:normalize=0",
    "sibilance": "[0]equalizer=f=6500:t=q:w=1:g=11",
    "wide": "[0]extrastereo=m=2.8:c=false",
    "dynamic": "[0]compand=attacks=0.01:decays=0.15:points=-90/-120|-50/-70|-30/-36|-12/-9|0/0:gain=0",
}
STAGES = [{"id": "trim", "type": "gain"}, {"id": "nr", "type": "nr", "parameters": {"strength": 0}}, {"id": "eq", "type": "eq"},
          {"id": "deess", "type": "deess", "parameters": {"range": 0}}, {"id": "comp", "type": "comp", "parameters": {"ratio": 1}},
          {"id": "imager", "type": "imager"}, {"id": "limiter", "type": "limiter", "parameters": {"ceiling": -0.3}}]
# What of the clean recording is a goal, with its weight and tolerance: what people hear of a balance, and of what takes noise
# away: too little (noise_floor, contrast), and too much of it (contrast, hnr, dynamic_range). Without a tolerance: the less the
# better, since a clean recording has none.
AIMS = {"lufs_integrated": (2, 1.5), "true_peak": (0.3, 3), "dynamic_range": (1, 3), "rms_stability": (0.5, 0.1), "noise_floor": (1, 6),
        "hum": (1, None), "contrast": (1, 4), "hnr": (0.5, 2), "width": (0.7, 0.15), "balance": (0.5, 1), "band_sub": (0.4, 6),
        "band_bass": (0.7, 3), "band_low_mid": (1, 2), "band_mid": (1, 2), "band_high_mid": (1, 2.5), "band_presence": (1, 3),
        "band_air": (0.4, 5)}
VOICES = ["hnr"]  # of these, only where a voice was heard


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, words)], check=True)


def sounds(folder):
    """{material: {"clean" or a fault: file name}} in the server's sample folder."""
    needs("ffmpeg", "ffmpeg")
    made = {}
    for material, (files, graph) in CLEAN.items():
        if not all(map(os.path.exists, files)):
            raise Missing(f"{material}: a recording is missing (Debian: sonic-pi-samples, fillets-ng-data-cs, asterisk-core-sounds-en-g722)")
        clean = folder / f"{material}-clean.wav"
        inputs = [word for name in files for word in ("-stream_loop", "-1", "-i", name)]
        ffmpeg(*inputs, "-filter_complex", graph.replace("[a]", f",aresample=48000,aformat=channel_layouts=stereo,atrim=0:{SECONDS}[a]"),
               "-map", "[a]", "-c:a", "pcm_f32le", clean)
        made[material] = {"clean": clean.name}
        for fault, graph in SPOIL.items():
            name = f"{material}-{fault}.wav"
            ffmpeg("-i", clean, "-filter_complex", graph.format(s=SECONDS, x=LOUDER[material], noise=0.006 * LOUDER[material]), "-t", SECONDS, "-ac", 2, "-c:a", "pcm_f32le", folder / name)
            made[material][fault] = name
    return made


# --- a case


class Case:
    """A station whose goal is one clean recording, and one way in which that was spoiled."""

    def __init__(self, server, material, fault):
        self.server, self.fault = server, fault
        self.source = {"sample": f"{material}-{fault}.wav", "reference": f"{material}-clean.wav"}

    def run(self, parameters=None, sample=None):
        source = dict(self.source, sample=sample) if sample else self.source
        return self.server.post("/api/calibration/run", {"station": 1, "source": source, "include_audio": False,
                                                         "parameters": parameters or {}})

    def hear(self, sets):
        scores = []
        for at in range(0, len(sets), 50):
            body = {"station": 1, "source": self.origin, "candidates": sets[at:at + 50]}
            scores += [one["score"] for one in self.server.post("/api/calibration/audition", body)["results"]]
        return scores


def goal_of(server, clean):
    """What was measured of the clean recording, as a patch's goal."""
    report = server.post("/api/calibration/run", {"station": 1, "source": {"sample": clean}, "include_audio": False})
    heard = [name for name in AIMS if name not in report["invalid"] and (name not in VOICES or "hume_stability" not in report["invalid"])]
    weights = {name: {"weight": weight, "target": round(report["metrics"][name], 3), "tolerance": tolerance} if tolerance else
               {"weight": weight, "minimize": True} for name in heard for weight, tolerance in [AIMS[name]]}
    return {"target_lufs": max(-69.0, round(report["metrics"]["lufs_integrated"], 1)), "weights": weights, "epsilon": 0.002}


def thirds_apart(report, clean):
    """Root mean square of the differences in third octaves, in dB, where the clean one has anything to hear."""
    pairs = [(a, b) for a, b in zip(report["third_octaves"]["out"], clean["third_octaves"]["out"]) if b > -50]
    return math.sqrt(sum((max(a, -60) - b) ** 2 for a, b in pairs) / len(pairs))


def distance(report, clean):
    """(loudness in LU, third octaves in dB, SI-SDR in dB, STOI) to the clean recording."""
    value = lambda name: None if name in report["invalid"] else report["metrics"][name]  # noqa: E731
    loud = abs(report["metrics"]["lufs_integrated"] - clean["metrics"]["lufs_integrated"])
    return loud, thirds_apart(report, clean), value("si_sdr"), value("stoi")


# --- searches that know nothing: over the numbers' travel and the switches, from the station as found


class Space:
    def __init__(self, server):
        self.knobs = []
        tree = server.get("/station/1")
        for node, place in tree["CONTENTS"].items():
            for name, leaf in place.get("CONTENTS", {}).items() if "bypass" in place.get("CONTENTS", {}) else ():
                if name != "bypass" and leaf.get("ACCESS") == 3:
                    self.knobs.append((f"{node}.{name}", leaf))
        self.start = [self.travel(leaf) for _, leaf in self.knobs]

    @staticmethod
    def travel(leaf):
        kind, value = leaf["TYPE"], leaf["VALUE"][0]
        if kind in "TF":
            return 0.75 if value else 0.25
        if kind == "s":
            return (leaf["RANGE"][0]["VALS"].index(value) + 0.5) / len(leaf["RANGE"][0]["VALS"])
        low, high = leaf["RANGE"][0]["MIN"], leaf["RANGE"][0]["MAX"]
        if leaf.get("SCALE", [""])[0] == "log":
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def moves(self, knob, x, step):
        """Where it may go from x: all other settings of a switch, a number up and down."""
        kind, leaf = self.knobs[knob][1]["TYPE"], self.knobs[knob][1]
        if kind in "TF":
            return [0.75 if x < 0.5 else 0.25]
        if kind == "s":
            n = len(leaf["RANGE"][0]["VALS"])
            return [(i + 0.5) / n for i in range(n) if i != min(int(x * n), n - 1)]
        return [y for y in (min(x + step, 1.0), max(x - step, 0.0)) if y != x]

    def values(self, point):
        out = {}
        for (key, leaf), x in zip(self.knobs, point):
            kind, x = leaf["TYPE"], min(max(x, 0.0), 1.0)
            if kind in "TF":
                out[key] = x >= 0.5
            elif kind == "s":
                names = leaf["RANGE"][0]["VALS"]
                out[key] = names[min(int(x * len(names)), len(names) - 1)]
            else:
                low, high = leaf["RANGE"][0]["MIN"], leaf["RANGE"][0]["MAX"]
                value = low * (high / low) ** x if leaf.get("SCALE", [""])[0] == "log" else low + x * (high - low)
                out[key] = int(round(value)) if kind == "i" else min(max(value, low), high)
        return out


def random_search(case, space, budget, seed=1):
    """Uniform in a fifth of the travel about the start: all of it finds nothing at all."""
    draw = random.Random(seed)
    points = [[x + 0.2 * draw.uniform(-1, 1) for x in space.start] for _ in range(budget)]
    return max(case.hear([space.values(point) for point in points]))


def evolution(case, space, budget, start=None, seed=1, sigma=0.1):
    """(score, point) of the best by CMA-ES with a diagonal covariance. source: Ros and Hansen, A simple modification in
    CMA-ES achieving linear time and space complexity, 2008"""
    draw, n = random.Random(seed), len(space.start)
    size = 4 + int(3 * math.log(n))
    mu = size // 2
    weights = [math.log(mu + 0.5) - math.log(i + 1) for i in range(mu)]
    weights = [w / sum(weights) for w in weights]
    effective = 1 / sum(w * w for w in weights)
    cs, cc = (effective + 2) / (n + effective + 5), 4 / (n + 4)
    ccov = min(1.0, (n + 2) / 3 * (2 / (effective * (n + 1.3) ** 2) + (1 - 1 / effective) * min(1, (2 * effective - 1) / ((n + 2) ** 2 + effective))))
    damping = 1 + cs + 2 * max(0, math.sqrt((effective - 1) / (n + 1)) - 1)
    expected = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    mean, variance, ps, pc, used = list(start or space.start), [1.0] * n, [0.0] * n, [0.0] * n, 0
    best = (0.0, mean)
    while used < budget:
        steps = [[draw.gauss(0, 1) for _ in range(n)] for _ in range(min(size, budget - used))]
        points = [[m + sigma * math.sqrt(v) * z for m, v, z in zip(mean, variance, step)] for step in steps]
        scores = case.hear([space.values(point) for point in points])
        used += len(points)
        best = max([best, *zip(scores, points)])
        if len(points) < size:
            break
        order = sorted(range(size), key=lambda i: -scores[i])[:mu]
        z = [sum(w * steps[i][k] for w, i in zip(weights, order)) for k in range(n)]
        mean = [min(max(m + sigma * math.sqrt(v) * d, -0.1), 1.1) for m, v, d in zip(mean, variance, z)]
        ps = [(1 - cs) * p + math.sqrt(cs * (2 - cs) * effective) * d for p, d in zip(ps, z)]
        pc = [(1 - cc) * p + math.sqrt(cc * (2 - cc) * effective) * math.sqrt(v) * d for p, v, d in zip(pc, variance, z)]
        rank = [sum(w * steps[i][k] ** 2 for w, i in zip(weights, order)) for k in range(n)]
        variance = [(1 - ccov) * v + ccov / effective * p * p + ccov * (1 - 1 / effective) * v * r
                    for v, p, r in zip(variance, pc, rank)]
        sigma *= math.exp(min(1.0, cs / damping * (math.sqrt(sum(p * p for p in ps)) / expected - 1)))
    return best


def along(case, space, budget, start, step=0.1):
    """(score, point) of the best by steps along each knob: all settings of switches, numbers up and down. What helps alone
    is put together, the best first; a step that no longer helps is halved."""
    (score,), point, used = case.hear([space.values(start)]), list(start), 1
    while used < budget and step > 0.001:
        moves = [(k, x) for k in range(len(point)) for x in space.moves(k, point[k], step)][:budget - used]
        scores = case.hear([space.values([*point[:k], x, *point[k + 1:]]) for k, x in moves])
        used += len(moves)
        helpful, trial, trials = sorted(((s, k, x) for s, (k, x) in zip(scores, moves) if s > score), reverse=True), list(point), []
        for _, k, x in helpful:
            if trial[k] == point[k]:  # of two moves of a knob the better
                trial[k] = x
                trials.append(list(trial))
        trials = trials[:budget - used]
        found = max([(score, point), *zip(case.hear([space.values(one) for one in trials]), trials)])
        used += len(trials)
        step = step if found[0] > score + 0.01 else step / 2
        score, point = found
    return score, point


def reference(case, space, budget, result):
    """(score, point) of the best that a long search finds: evolution from the station as found, near and far, and from the
    optimizer's own result, then along the knobs from the best of all."""
    best = max(evolution(case, space, budget // 4, seed=2), evolution(case, space, budget // 4, seed=3, sigma=0.25),
               evolution(case, space, budget // 4, start=result, seed=4, sigma=0.03), (case.hear([space.values(result)])[0], result))
    return max(best, along(case, space, budget // 4, best[1]))


# --- the table


def optimize(server, case):
    command = [BUILD / "foldback-optimizer", *server.clients, "--station", 1, "--sample", case.source["sample"], "--reference",
               case.source["reference"], "--auditions", AUDITIONS, "--json"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    return result, {address.split("/", 3)[3].replace("/", "."): new for address, (_, new) in result["changes"].items()}


def levelled(folder, case, material):
    """ffmpeg's own remedy, told the goal's loudness: speechnorm for speech, loudnorm for the rest."""
    target, to = case.goal["target_lufs"], folder / f"{material}-{case.fault}-normed.wav"
    graph = f"loudnorm=I={max(-70, min(-5, target))}:TP=-1:LRA=11" if material != "speech" else "speechnorm=e=6:r=0.0001:l=1"
    ffmpeg("-i", folder / case.source["sample"], "-filter:a", graph + ",aresample=48000", "-t", SECONDS, "-ac", 2, "-c:a", "pcm_f32le", to)
    return to.name


def share(score, before, whole):
    return max(-100.0, 100 * (score - before) / max(whole - before, 1e-9))


def text(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def play(folder, samples, material, fault, goal, part, shares):
    patch = folder / "case.json"
    patch.write_text(json.dumps({"name": "Bench", "stages": STAGES, "goal": goal}))
    with tempfile.TemporaryDirectory(prefix="foldback-bench-case-") as state, \
            Foldbackd(state, "--stations", 1, "--patch", patch, "--sample-dir", samples) as server:
        case = Case(server, material, fault)
        case.goal = goal
        clean, before = case.run(sample=f"{material}-clean.wav"), case.run()
        result, changes = optimize(server, case)
        after = case.run(changes)
        case.origin = {"run": after["run_id"]}
        space = Space(server)
        whole = max(clean["score"], after["score"])
        by_chance = max(before["score"], random_search(case, space, AUDITIONS))
        evolved = max(before["score"], evolution(case, space, AUDITIONS)[0])
        normed = case.run(sample=levelled(samples, case, material))["score"]
        case.origin = {"run": case.run(changes)["run_id"]}  # the newest few runs alone keep their source
        best = None
        if REFERENCE:
            from_after = [Space.travel(dict(leaf, VALUE=[changes.get(key, leaf["VALUE"][0])])) for key, leaf in space.knobs]
            best = reference(case, space, REFERENCE, from_after)[0]
        b, a = distance(before, clean), distance(after, clean)
        part.row(f"{material}, {fault}", text(before["score"]), text(after["score"]), f"{share(after['score'], before['score'], whole):.0f} %",
                 result["auditions"], len(changes), *([text(best), f"{share(after['score'], before['score'], best):.0f} %"] if REFERENCE else []),
                 f"{share(evolved, before['score'], whole):.0f} %", f"{share(by_chance, before['score'], whole):.0f} %",
                 f"{share(normed, before['score'], whole):.0f} %", f"{text(b[0])} > {text(a[0])}", f"{text(b[1])} > {text(a[1])}",
                 f"{text(b[2])} > {text(a[2])}", f"{text(b[3], 2)} > {text(a[3], 2)}")
        shares.append({"case": f"{material}, {fault}", "before": before["score"], "after": after["score"], "clean": clean["score"], "best": best,
                       "auditions": result["auditions"], "evolution": evolved, "random": by_chance, "normed": normed,
                       "distance_before": b, "distance_after": a})


def speed(folder):
    """Auditions of 10 s a second of one core: the audition thread's CPU time, whatever else the machine does."""
    from measure import chain_patch, stretch
    with tempfile.TemporaryDirectory(prefix="foldback-bench-speed-") as state:
        samples = Path(state) / "samples"
        samples.mkdir()
        os.link(stretch(folder, SPEED_SECONDS), samples / "programme.wav") if os.stat(folder).st_dev == os.stat(state).st_dev else None
        with Foldbackd(state, "--stations", 1, "--patch", chain_patch(folder), "--sample-dir", samples) as server:
            body = {"station": 1, "source": {"sample": "programme.wav"}, "candidates": [{}] * SPEED_CANDIDATES}
            server.post("/api/calibration/audition", dict(body, candidates=[{}]))
            threads = Threads(server.process.pid)
            _, spent = threads.during(lambda: server.post("/api/calibration/audition", body))
            return SPEED_CANDIDATES / max(spent.values())


def run(folder):
    columns = ["source", "as found", "optimizer", "share", "auditions", "turned"]
    columns += [f"best of {REFERENCE:,}", "of that"] if REFERENCE else []
    part = Part([*columns, "CMA-ES", "random", "ffmpeg", "off in LU", "third octaves, dB", "SI-SDR, dB", "STOI"])
    samples, shares = folder / "calibration", []
    samples.mkdir()
    sounds(samples)
    began = time.monotonic()
    for material in CLEAN:
        (folder / "clean.json").write_text(json.dumps({"name": "Bench", "stages": STAGES}))
        with tempfile.TemporaryDirectory() as state, \
                Foldbackd(state, "--stations", 1, "--patch", folder / "clean.json", "--sample-dir", samples) as server:
            goal = goal_of(server, f"{material}-clean.wav")
        for fault in SPOIL:
            if CASES in f"{material}, {fault}":
                progress(f"calibration: {material}, {fault} ({time.monotonic() - began:.0f} s)")
                play(folder, samples, material, fault, goal, part, shares)
    conclude(part, shares, speed(folder))
    return part


def conclude(part, rows, per_second):
    of = lambda name: [share(row[name], row["before"], max(row["clean"], row["after"])) for row in rows]  # noqa: E731
    recovered = median(of("after"))
    part.figure("share_recovered", round(recovered, 1), peer=round(median(of("evolution")), 1), least=75)
    part.figure("worse_than_found", sum(row["after"] < row["before"] for row in rows), most=0)
    part.figure("auditions_most", max(row["auditions"] for row in rows), most=AUDITIONS)
    part.figure("auditions_per_s", round(per_second, 1), least=20)
    if REFERENCE:
        ratios = [share(row["after"], row["before"], row["best"]) for row in rows]
        part.figure("of_reference", round(min(ratios), 1), least=90)
        part.notes.append(f"Of what {REFERENCE:,} auditions find (CMA-ES from the station as found, near and far, and from the optimizer's result; then along each knob) "
                          f"the optimizer has {min(ratios):.0f} % at least, {median(ratios):.0f} % in the middle.")
    part.figures["cases"] = rows
    part.notes.append(f"Shares are of what lies between the score as found and that of the clean recording (or of the optimizer, where that is "
                      f"more); the middle: optimizer {recovered:.0f} %, CMA-ES {median(of('evolution')):.0f} %, random search "
                      f"{median(of('random')):.0f} %, ffmpeg {median(of('normed')):.0f} % (speechnorm for speech, loudnorm for the "
                      f"rest, told the loudness). The last four columns: distance to the clean recording, as found and tuned; SI-SDR and STOI "
                      f"against it. {per_second:.1f} auditions a second of 10 s through 14 nodes, on one core.")
