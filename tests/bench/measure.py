# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parts of the benchmark need: the sound, CPU time, and how a result is put down."""
import glob
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import wave
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from servers import BUILD, TOP  # noqa: E402

HERE = Path(__file__).resolve().parent
PROGRAMS = BUILD / "tests" / "bench"
RATE = 48000

MUSIC = "/usr/share/sonic-pi/samples"
SPEECH = "/usr/share/games/fillets-ng/sound/airplane/cs"
LOOPS = ["loop_amen_full", "guit_em9", "loop_tabla", "ambi_piano", "loop_garzul", "bass_voxy_c", "loop_mika"]
SPEECH_FILES = 6


class Missing(Exception):
    """Something optional, or a part of foldback, is not there. The sentence says what to install."""


def needs(program, package):
    if not shutil.which(program):
        raise Missing(f"{program} is not installed (Debian: {package})")


class Part:
    """One part's result: a table for people, figures for machines."""

    def __init__(self, columns):
        self.columns, self.rows, self.notes, self.figures = columns, [], [], {}

    def row(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def figure(self, name, value, peer=None, most=None, least=None):
        """Keep a figure; returns the text of its target, and whether it was met."""
        entry = {"value": value}
        if peer is not None:
            entry["peer"] = peer
        met = (most is None or value <= most) and (least is None or value >= least)
        target = "" if most is None and least is None else f"<= {most:,}" if most is not None else f">= {least:,}"
        if target:
            entry.update(target=target, met=met)
        self.figures[name] = entry
        return target, ("met" if met else "missed") if target else ""


def progress(text):
    """One line that the next one replaces, where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def cpu_time(command, **kw):
    """(CPU seconds, what it printed). CPU time, since other work on the machine must not count."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True, **kw)
    out, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {out[-500:]}{errors[-1000:]}")
    return usage.ru_utime + usage.ru_stime, out


def number(command, **kw):
    """The one number that a bench program prints."""
    return float(cpu_time(command, **kw)[1])


def median(values):
    return statistics.median(values)


def thread_times(pid):
    """{thread: CPU seconds so far}."""
    times = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            times[path.split("/")[4]] = int(Path(path).read_text().split()[0]) * 1e-9
        except FileNotFoundError:
            pass  # it has just ended
    return times


class Threads:
    """CPU time that a process spends on what it is asked, above what it takes anyway."""

    def __init__(self, pid, idle_s=1.0):
        self.pid = pid
        before = thread_times(pid)
        time.sleep(idle_s)
        self.idle = {thread: (spent - before.get(thread, 0)) / idle_s for thread, spent in thread_times(pid).items()}

    def during(self, action):
        """(what the action returned, {thread: seconds})."""
        before, began = thread_times(self.pid), time.monotonic()
        result = action()
        took = time.monotonic() - began
        return result, {thread: spent - before.get(thread, 0) - self.idle.get(thread, 0) * took
                        for thread, spent in thread_times(self.pid).items()}


def memory_mb(pid, field="RssAnon"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/{pid}/status")


# --- the sound


def programme(folder):
    """Music and speech with their pauses, 48 kHz stereo: what stations hear. About 80 s."""
    path = Path(folder) / "programme.wav"
    if path.exists():
        return path
    needs("sox", "sox")
    files = [f"{MUSIC}/{name}.flac" for name in LOOPS] + sorted(glob.glob(SPEECH + "/*.ogg"))[:SPEECH_FILES]
    if len(files) < len(LOOPS) + SPEECH_FILES or not all(map(os.path.exists, files)):
        raise Missing("there is no music or speech to measure with (Debian: sonic-pi-samples, fillets-ng-data-cs)")
    data = b"".join(subprocess.run(["sox", name, "-D", "-r", str(RATE), "-c", "2", "-b", "16", "-e", "signed", "-t", "raw",
                                    "-", "gain", "-n", "-6"], capture_output=True, check=True).stdout for name in files)
    write_wav(path, data)
    return path


def write_wav(path, data):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(data)


def stretch(folder, seconds):
    """So much of the programme, round and round."""
    path = Path(folder) / f"programme-{seconds}.wav"
    if not path.exists():
        with wave.open(str(programme(folder))) as source:
            data = source.readframes(source.getnframes())
        size = seconds * RATE * 4
        write_wav(path, (data * (size // len(data) + 1))[:size])
    return path


# --- the chain


def chain_nodes():
    """Of the benchmark's chain: (the ids of those whose nodes are built, those that are not)."""
    stages = json.loads((HERE / "chain.json").read_text())["stages"]
    there = [stage["id"] for stage in stages if (BUILD / "nodes" / f"{stage['type']}.so").exists()]
    return there, [stage["id"] for stage in stages if stage["id"] not in there]


def chain_patch(folder, name="chain", nodes=None):
    """A patch of these nodes of the chain, or of all that are built."""
    patch = json.loads((HERE / "chain.json").read_text())
    nodes = chain_nodes()[0] if nodes is None else nodes
    patch["stages"] = [stage for stage in patch["stages"] if stage["id"] in nodes]
    if not nodes:
        patch["connections"] = [{"from": "in", "to": "out"}]
    path = Path(folder) / f"{name}.json"
    path.write_text(json.dumps(patch))
    return path


# --- where it ran


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (FileNotFoundError, IndexError):
        return ""


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    version = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=TOP, capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "compiler": first_line(["cc", "--version"]),
            "version": version, "date": time.strftime("%Y-%m-%d"), "load": round(os.getloadavg()[0], 1)}
