# SPDX-License-Identifier: GPL-3.0-or-later
"""scsynth as the peer: definitions made by sclang, then the non-realtime renderer, or a server in JACK."""
import os
import re
import select
import socket
import subprocess
from pathlib import Path

import osc
from measure import HERE, RATE, Missing, chain_nodes, cpu_time, needs

STATIONS, IN, OUT = 16, 100, 200  # private buses: nothing is written to the sound file
LAST_DEFINITION = "controls.scsyndef"


def available():
    needs("scsynth", "supercollider-server")
    needs("sclang", "supercollider-language")


def version():
    return subprocess.run(["scsynth", "-v"], capture_output=True, text=True).stdout.split(" (")[0]


def compile_definitions(folder):
    """Those of chain.scd, of the nodes that are built. Headless, and leaving nothing in the user's home."""
    if (Path(folder) / LAST_DEFINITION).exists():
        return
    env = dict(os.environ, QT_QPA_PLATFORM="offscreen", QTWEBENGINE_DISABLE_SANDBOX="1", HOME=str(folder),
               XDG_CONFIG_HOME=f"{folder}/config", XDG_DATA_HOME=f"{folder}/data", XDG_RUNTIME_DIR=str(folder))
    try:
        done = subprocess.run(["sclang", str(HERE / "chain.scd"), str(folder), *chain_nodes()[0]], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired as error:
        raise Missing("sclang did not end within 60 s") from error
    if not (Path(folder) / LAST_DEFINITION).exists():
        raise Missing(f"sclang made no definitions: {done.stdout[-500:]}{done.stderr[-500:]}")


def render_time(folder, definition, programme, frames, seconds):
    """CPU seconds for 16 stations that each play the programme from a place of their own, through `definition`
    (None: through nothing)."""
    definitions = ["source"] + ([definition] if definition else [])
    load = [osc.message("/b_allocRead", 0, str(programme))]
    load += [osc.message("/d_recv", (Path(folder) / f"{name}.scsyndef").read_bytes()) for name in definitions]
    play = []
    for i in range(STATIONS):
        play.append(osc.message("/s_new", "source", 1000 + i, 1, 0, "out", IN + 2 * i, "start", float(frames * i // STATIONS)))
        if definition:
            play.append(osc.message("/s_new", definition, 2000 + i, 1, 0, "in", IN + 2 * i, "out", OUT + 2 * i))
    score = Path(folder) / "score.osc"
    score.write_bytes(b"".join(map(osc.sized, [osc.bundle(load, 0), osc.bundle(play, 0),
                                               osc.bundle([osc.message("/c_set", 0, 0.0)], seconds)])))
    return cpu_time(["scsynth", "-N", score, "_", "/dev/null", RATE, "AIFF", "int16", "-o", 2, "-z", 64, "-m", 262144,
                     "-D", 0])[0]


class Server:
    """scsynth in JACK, on a port of its own."""

    CONTROLS = 63  # of a synth `controls`

    def __init__(self, folder, jack, port):
        self.port = port
        self.process = subprocess.Popen(["scsynth", "-u", str(port), "-i", "32", "-o", "32", "-m", "262144", "-R", "0", "-D", "0"],
                                        env=dict(jack.env, SC_JACK_DEFAULT_INPUTS="", SC_JACK_DEFAULT_OUTPUTS=""), cwd=folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        while not re.search(rb"server ready", said):
            ready, _, _ = select.select([self.process.stdout], [], [], 15)
            data = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not data:
                self.__exit__()
                raise Missing(f"scsynth did not start: {said.decode()[-500:]}")
            said += data

    def play(self, folder, definition):
        """16 synths, numbered from 1000."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect(("127.0.0.1", self.port))
            client.send(osc.message("/d_recv", (Path(folder) / f"{definition}.scsyndef").read_bytes()))
            client.recv(1024)  # /done
            for i in range(STATIONS):
                client.send(osc.message("/s_new", definition, 1000 + i, 1, 0, "in", IN + 2 * i, "out", OUT + 2 * i))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
