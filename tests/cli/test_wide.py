# SPDX-License-Identifier: GPL-3.0-or-later
"""The wide code that is chosen when a node is loaded gives the bits of plain code: same machine or not, same sound."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers import BUILD, TOP

CHAIN = [{"type": "gate"}, {"type": "comp", "parameters": {"detector": "rms", "link": 50}}, {"type": "deess"}, {"type": "nr"},
         {"type": "eq", "parameters": {"b1_on": True, "b2_gain": 3, "b3_gain": -3, "b5_gain": 2, "b7_gain": 3, "b8_on": True}},
         {"type": "delay", "parameters": {"high_cut": 4000}}, {"type": "chorus"}, {"type": "reverb"},
         {"type": "imager", "parameters": {"low_width": 60, "high_width": 130, "mono_below": 90}},
         {"type": "exciter", "parameters": {"drive": 24}}, {"type": "gain"}, {"type": "limiter", "parameters": {"drive": 9}}]
FLAGS = ("-std=c11 -D_GNU_SOURCE -fno-trapping-math -fno-math-errno -ffp-contract=off -fvisibility=hidden "
         "-fPIC -shared -DFB_PLAIN").split()
SETS = {"plain": ["-O1"], "avx2": ["-O3", "-mavx2"]}


def build(folder, node, extra):
    """One node, without the choice at load."""
    sources = [file for part in (node, "dsp") for file in (TOP / "nodes" / part).glob("*.c") if not file.name.startswith("test_")]
    subprocess.run(["gcc", *FLAGS, *extra, *sources, "-lfftw3f", "-lm", "-o", folder / f"{node}.so"], check=True)


def build_ride(folder, name, nodes):
    """The program that rides a node's parameters, with the nodes it is to take."""
    sources = [TOP / "tests/cli/ride.c", TOP / "tests/support/rig.c", TOP / "graph/glide.c"]
    program = folder / name
    subprocess.run(["gcc", "-O1", "-std=c11", "-D_GNU_SOURCE", "-ffp-contract=off", f'-DFB_BUILD="{nodes.parent}"', *sources, "-lm", "-ldl",
                    "-o", program], check=True)
    return program


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("name", SETS)
def test_the_bits_of_plain_code(foldback, patch, music, tmp_path, name):
    if name not in ("plain", *Path("/proc/cpuinfo").read_text().split()):
        pytest.skip(f"this machine has no {name}")
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda stage: build(nodes, stage["type"], SETS[name]), CHAIN))
    rides = [build_ride(tmp_path, "ours", BUILD / "nodes"), build_ride(tmp_path, "theirs", nodes)]
    for node in (stage["type"] for stage in CHAIN):  # with everything on the move
        ours, theirs = (subprocess.run([ride, node], capture_output=True, check=True).stdout for ride in rides)
        assert len(ours) == 1500 * 2 * 32 * 4 and ours == theirs, node
    file = patch(CHAIN)
    foldback("render", file, music, tmp_path / "ours.wav", "--node-path", BUILD / "nodes")
    foldback("render", file, music, tmp_path / "theirs.wav", "--node-path", nodes)
    assert (tmp_path / "ours.wav").read_bytes() == (tmp_path / "theirs.wav").read_bytes()
