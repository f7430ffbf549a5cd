# SPDX-License-Identifier: GPL-3.0-or-later
"""Branches of a patch, from a file to a file: paths of different latency meet to the sample, weights and keys count, loops are
refused with the whole path."""
import json
import math
import random

import pytest

import wavs
from taps import NODES

FRAMES = 20000


def delayed(frames, name="late"):
    return {"type": "t_delay", "id": name, "parameters": {"frames": frames}}


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    chance = random.Random(5)
    sides = [[chance.uniform(-0.5, 0.5) for _ in range(FRAMES)] for _ in range(2)]
    return wavs.write(tmp_path_factory.mktemp("sound") / "noise.wav", sides)


def render(foldback, folder, patch, source):
    (folder / "patch.json").write_text(json.dumps(patch))
    foldback("render", "--node-path", NODES, folder / "patch.json", source, folder / "out.wav")
    return wavs.Wav(folder / "out.wav").channels


@pytest.mark.parametrize("frames, more", [(1, 0), (31, 32), (33, 777), (4096, 5)])
def test_paths_of_different_latency_cancel(foldback, noise, tmp_path, frames, more):
    """in - late - later - out beside the negative of in - late - out and of in - out: what is left is minus one, to the bit."""
    patch = {"stages": [delayed(frames), delayed(more, "later")], "connections": [
        {"from": "in", "to": "late"}, {"from": "late", "to": "later"}, {"from": "later", "to": "out"},
        {"from": "late", "to": "out", "weight": -1.0}, {"from": "in", "to": "out", "weight": -1.0}]}
    out, source = render(foldback, tmp_path, patch, noise), wavs.Wav(noise).channels
    for side in range(2):
        assert list(out[side]) == [-x for x in source[side]]
    patch["connections"][-1]["weight"] = 0.0
    assert not any(map(any, render(foldback, tmp_path, patch, noise)))


def test_weights(foldback, noise, tmp_path):
    patch = {"stages": [delayed(100)], "connections": [
        {"from": "in", "to": "late", "weight": 0.5}, {"from": "late", "to": "out", "weight": 0.5},
        {"from": "in", "to": "out", "weight": 2.0}]}
    out, source = render(foldback, tmp_path, patch, noise), wavs.Wav(noise).channels
    for side in range(2):
        assert all(math.isclose(y, 2.25 * x, abs_tol=1e-6) for x, y in zip(source[side], out[side]))


def test_sidechain(foldback, noise, tmp_path):
    """A compressor keyed by a quieter copy of its input turns down less than one keyed by itself."""
    def loudness(key):
        patch = {"stages": [{"type": "comp", "id": "c", "parameters": {"threshold": -40, "ratio": 10, "sidechain": "external"}}],
                 "connections": [
            {"from": "in", "to": "c"}, {"from": "c", "to": "out"}, {"from": "in", "to": "c:sidechain", "weight": key}]}
        out = render(foldback, tmp_path, patch, noise)[0]
        return math.sqrt(sum(x * x for x in out[8000:]) / len(out[8000:]))
    assert loudness(0.01) > 4 * loudness(1.0)


@pytest.mark.parametrize("n", [1, 2, 12])
def test_a_loop_is_named_with_its_whole_path(foldback, noise, tmp_path, n):
    names = [f"node_{i}" for i in range(n)]
    links = [{"from": a, "to": b} for a, b in zip(names, names[1:] + names[:1])]
    patch = {"stages": [{"type": "gain", "id": name} for name in ["before", *names]],
             "connections": [{"from": "in", "to": "before"}, {"from": "before", "to": names[0]}, *links,
                             {"from": names[-1], "to": "out"}]}
    (tmp_path / "loop.json").write_text(json.dumps(patch))
    done = foldback.run("render", tmp_path / "loop.json", noise, tmp_path / "out.wav")
    assert done.returncode == 1 and not (tmp_path / "out.wav").exists()
    path = done.stderr.split("they form a loop: ")[1].strip().split(" > ")
    assert path[0] == path[-1] and sorted(path[1:]) == sorted(names)
    assert all(b == names[(names.index(a) + 1) % n] for a, b in zip(path, path[1:]))
