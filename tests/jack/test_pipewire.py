# SPDX-License-Identifier: GPL-3.0-or-later
"""On PipeWire's JACK (Debian's pipewire-jack), headless: foldbackd and all JACK tools with PipeWire's libjack."""
import os
import shutil
import subprocess

import pytest

from probe import Probe
from servers import Foldbackd, Jackd, wait_for

CONFIG = """
context.properties = { core.daemon = true core.name = pipewire-0 support.dbus = false
    default.clock.rate = 48000 default.clock.quantum = 256 default.clock.allowed-rates = [ 44100 48000 ] }
context.spa-libs = { support.* = support/libspa-support audio.convert.* = audioconvert/libspa-audioconvert }
context.modules = [ { name = libpipewire-module-protocol-native } { name = libpipewire-module-metadata }
    { name = libpipewire-module-spa-node-factory } { name = libpipewire-module-client-node }
    { name = libpipewire-module-adapter } { name = libpipewire-module-link-factory }
    { name = libpipewire-module-access } ]
context.objects = [ { factory = spa-node-factory args = { factory.name = support.node.driver
    node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } } ]
"""


def library_path():
    """Where pw-jack has the linker find PipeWire's libjack."""
    return subprocess.run(["pw-jack", "printenv", "LD_LIBRARY_PATH"], capture_output=True, text=True, check=True).stdout.strip()


class PipeWire(Jackd):
    """A PipeWire of its own runtime folder, with a driver that has no sound card."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "pipewire.conf").write_text(CONFIG)
        run = folder / "run"
        run.mkdir(mode=0o700)
        self.env = dict(os.environ, XDG_RUNTIME_DIR=str(run), LD_LIBRARY_PATH=library_path())
        self.start()

    def start(self):
        self.process = subprocess.Popen(["pipewire", "-c", str(self.folder / "pipewire.conf")], env=self.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, 10, "PipeWire")

    def set(self, key, value):
        assert self.run("pw-metadata", "-n", "settings", "0", key, str(value)).returncode == 0


@pytest.fixture
def pipewire(tmp_path):
    for program in ("pw-jack", "pipewire"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian's pipewire-jack)")
    with PipeWire(tmp_path) as server:
        yield server


@pytest.mark.plain  # PipeWire's libjack keeps its own when its server dies, which LeakSanitizer takes for ours
def test_on_pipewire(pipewire, tmp_path):
    """Ready, ports, sound; another period and rate under way; PipeWire's death and return."""
    with Foldbackd(tmp_path, "--stations", 2, jack=pipewire) as server:
        with open(f"/proc/{server.process.pid}/maps") as maps:
            assert "pipewire" in maps.read(), "this is not PipeWire's libjack"
        ports = pipewire.ports()
        for port in ("station_1_in_L", "station_2_out_R", "midi_in", "midi_out"):
            assert f"foldback:{port}" in ports
        with Probe(pipewire, "tone", "peer"), Probe(pipewire, "tone", "ear") as tone:
            pipewire.connect("peer:out_1", "foldback:station_1_in_L")
            pipewire.connect("foldback:station_1_out_L", "ear:in_1")
            tone.wait_for(0.25, 10)
            pipewire.set("clock.force-quantum", 64)
            wait_for(lambda: server.osc.ask("/server/period") == 64, 10, "the period")
            tone.wait_for(0.25, 10)
            pipewire.set("clock.force-rate", 44100)
            wait_for(lambda: server.osc.ask("/server/sample_rate") == 44100, 10, "the rate")
            tone.wait_for(0.25, 10)
            pipewire.kill()
        wait_for(lambda: server.osc.ask("/server/jack") == "waiting", 10, "the loss")
        pipewire.start()
        wait_for(lambda: server.osc.ask("/server/jack") == "running", 10, "the return")
        with Probe(pipewire, "tone", "peer"), Probe(pipewire, "tone", "ear") as tone:
            tone.wait_for(0.25, 10)
