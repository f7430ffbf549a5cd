# SPDX-License-Identifier: GPL-3.0-or-later
"""The example in the manual is a node that works: built as its page says, loaded, found, heard by nobody but us."""
import shutil
import subprocess

import pytest

from servers import BUILD, TOP, Foldbackd

EXAMPLE = TOP / "doc" / "example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The example built against the header alone, as an installed foldback would have it."""
    where = tmp_path_factory.mktemp("example")
    (where / "include").mkdir()
    (where / "include" / "foldback").mkdir()
    for header in ("node.h", "scale.h"):
        shutil.copy(TOP / "graph" / header, where / "include" / "foldback")
    for name in ("tremolo.c", "Makefile"):
        shutil.copy(EXAMPLE / name, where)
    done = subprocess.run(["make", "-C", str(where), f"FOLDBACK_CFLAGS=-I{where}/include -Wall -Wextra -Werror"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return where


def test_it_is_short():
    assert len((EXAMPLE / "tremolo.c").read_text().splitlines()) < 80


def test_it_is_found_in_the_tree(folder, tmp_path):
    with Foldbackd(tmp_path, "--stations", 1, "--node-path", f"{BUILD / 'nodes'}:{folder}") as server:
        assert server.osc.call("/station/1/node/add", "tremolo", "trem") is True
        leaf = server.get("/station/1/trem/rate")
        assert leaf["RANGE"] == [{"MIN": pytest.approx(0.1), "MAX": 20.0}] and leaf["UNIT"] == ["time.hz"]
        server.osc.send("/station/1/trem/depth", 100.0)
        server.osc.sync()
        assert server.osc.ask("/station/1/trem/depth") == 100
        assert server.osc.ask("/norm/station/1/trem/rate") == pytest.approx(0.738, abs=0.001)
        assert server.get("/station/1/trem/meter/level")["ACCESS"] == 1
