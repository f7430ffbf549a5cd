# SPDX-License-Identifier: GPL-3.0-or-later
"""A station that is playing, in JACK: its live input is captured, tuned on, and the accepted proposal is heard."""
import json
import subprocess

import pytest

from tuning import PATCH, Optimizer, make_samples
from servers import BUILD, SLOW, Foldbackd, Jackd, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def playing(tmp_path):
    """foldbackd whose station 1 hears speech that is 18 dB too soft, over and over."""
    make_samples(tmp_path)
    (tmp_path / "patch.json").write_text(json.dumps(PATCH))
    with Jackd("foldback-test-optimizer") as jack, \
            Foldbackd(tmp_path, "--stations", 1, "--patch", tmp_path / "patch.json", "--node-path", BUILD / "nodes",
                      jack=jack) as server:
        player = subprocess.Popen(["sndfile-jackplay", "-l", "0", str(tmp_path / "level.wav")], env=jack.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            outs = wait_for(lambda: sorted(p for p in jack.ports() if p.startswith("jackplay"))[:2], what="the player")
            for out, side in zip(outs, "LR"):
                jack.connect(out, f"foldback:station_1_in_{side}")
            wait_for(lambda: server.osc.ask("/station/1/metric/rms") > -80, what="sound")
            yield server
        finally:
            player.kill()
            player.wait()


def loudness(server):
    return server.get("/api/stations/1/metrics")["metrics"]["lufs_short_term"]


def test_live(playing):
    soft = wait_for(lambda: loudness(playing) > -60 and loudness(playing), what="a loudness")
    done = Optimizer(playing).run("--live", 3, "--auditions", 60, "--accept")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "3.0 s of its live input" in done.stdout and "is accepted" in done.stdout
    # what the audience hears is nearer to the goal's -23 LUFS: speech comes and goes, so 4 LU are allowed
    wait_for(lambda: abs(loudness(playing) + 23) < 4, 10 * SLOW, f"a loudness near -23 LUFS (it was {soft:.1f})")
    assert soft < -30
