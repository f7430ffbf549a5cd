# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from outside, spoilt: every target's corpus in each run, a minute of libFuzzer with --long. What it finds
belongs into the corpus, with the fix."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import BUILD, SLOW, TOP

HERE = Path(__file__).resolve().parent
TARGETS = sorted(path.stem[len("fuzz_"):] for path in HERE.glob("fuzz_*.c"))
SECONDS = int(os.environ.get("FB_FUZZ_SECONDS", "60"))
SANITIZE = "fuzzer-no-link,address,undefined"


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(target):
    done = subprocess.run([str(BUILD / "tests/fuzz" / f"fuzz_{target}"), str(HERE / "corpus" / target), str(100000 // SLOW)],
                          capture_output=True, text=True, errors="replace", timeout=60 * SLOW)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout}{done.stderr[-3000:]}"


def test_each_corpus_has_its_target():
    assert sorted(path.name for path in (HERE / "corpus").iterdir()) == TARGETS


@pytest.fixture(scope="module")
def fuzzers():
    """The targets built with clang's libFuzzer, in a folder of their own."""
    if not shutil.which("clang"):
        pytest.skip("no clang, so no libFuzzer")
    env = dict(os.environ, WAFLOCK=".lock-waf-fuzz", CC="clang")
    done = subprocess.run(["./waf", "--out=build-fuzz", "configure", f"--sanitize={SANITIZE}", "build",
                           "--targets=" + ",".join(f"fuzz/fuzz_{target}" for target in TARGETS)],
                          cwd=TOP, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return TOP / "build-fuzz/tests/fuzz"


@pytest.mark.long
@pytest.mark.plain
@pytest.mark.timeout(SECONDS * 5 + 300)
@pytest.mark.parametrize("target", TARGETS)
def test_fuzz(target, fuzzers, tmp_path):
    found = tmp_path / "found"
    found.mkdir()
    words = HERE / "words" / target
    done = subprocess.run(
        [str(fuzzers / f"fuzz_{target}"), f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
         "-print_final_stats=1", f"-artifact_prefix={tmp_path}/", *([f"-dict={words}"] if words.exists() else []),
         str(found), str(HERE / "corpus" / target)],
        env=dict(os.environ, FB_NODES=str(BUILD / "nodes")), capture_output=True, text=True, errors="replace",
        timeout=SECONDS * 5)
    assert done.returncode == 0, done.stderr[-5000:]
