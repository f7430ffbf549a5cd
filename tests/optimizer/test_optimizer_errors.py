# SPDX-License-Identifier: GPL-3.0-or-later
"""What foldback-optimizer says when it cannot do its work; every failure leaves the station as it was."""
import subprocess

import pytest

from tuning import Optimizer, start
from servers import BUILD, free_port, wait_for

PROGRAM = str(BUILD / "foldback-optimizer")


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_help_and_version():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "") and "--station N" in done.stdout and "Exit status" in done.stdout
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("foldback-optimizer ")


@pytest.mark.parametrize("arguments, reason", [
    ([], "--station: say which station to tune"),
    (["--station", "0"], "--station: \"0\" is no whole number from 1 to 64"),
    (["--station", "1", "--engine", "llm"], "--model: say which model to ask"),
    (["--station", "1", "--engine", "hybrid", "--model", "m", "--money", "1"], "--money: needs --price-in and --price-out"),
    (["--station", "1,2,x"], "--station: \"x\" is no whole number from 1 to 64"),
    (["--station", "1", "--dry-run"], "--dry-run: goes with --engine llm or hybrid"),
    (["--engine", "replay"], "--engine: replay needs --replay SESSION"),
    (["--station", "1", "--engine", "magic"], "there is no such engine"),
    (["--station", "1", "--reference", "a.wav"], "--reference: goes with --sample"),
    (["--station", "1", "--live", "61"], "--live"),
    (["--station", "1", "--frobnicate"], "--frobnicate"),
    (["--station", "1", "2"], "one word too many"),
])
def test_usage(arguments, reason):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr and "Try: foldback-optimizer --help" in done.stderr


def test_no_server():
    done = run("--station", 1, "--http-port", free_port(), "--osc-port", free_port())
    assert (done.returncode, done.stdout) == (1, "")
    assert "no foldback server answers" in done.stderr and len(done.stderr.splitlines()) == 1


def test_no_station(server):
    assert "/station/9: the server has no such station" in Optimizer(server, 9).fails("--sample", "level.wav")


@pytest.mark.parametrize("option", ["--only", "--freeze"])
def test_pattern_fits_nothing(optimizer, option):
    assert f'{option}: "reverb.*" fits no parameter of the station' in optimizer.fails("--sample", "level.wav", option, "comp,reverb.*")


def test_nothing_to_turn(optimizer):
    assert "there are no parameters to turn" in optimizer.fails("--sample", "level.wav", "--freeze", "*")


def test_silence(optimizer):
    """The dummy driver brings silence."""
    said = optimizer.fails("--live", "0.3")
    assert "the station's output was silent (-120 dBFS)" in said


@pytest.mark.parametrize("sample, reason", [("missing.wav", "No such file"), ("../patch.json", "needs the name of a sample")])
def test_bad_sample(optimizer, sample, reason):
    assert reason in optimizer.fails("--sample", sample)


def test_server_goes_in_the_middle(tmp_path):
    server = start(tmp_path, "--stations", 1)
    try:
        process = subprocess.Popen([*Optimizer(server).command, "--sample", "all.wav", "--auditions", "5000", "--epsilon", "0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: len(server.get("/api/runs?limit=1000")) > 10, 20, "auditions")
        server.kill()
        _, said = process.communicate(timeout=60)
    finally:
        server.errors.close()
    assert process.returncode == 1
    assert said.startswith("foldback-optimizer: ") and len(said.splitlines()) == 1
    assert "no foldback server answers" in said or "closed the connection" in said


def test_proposal_refused(tmp_path):
    """A chain that changes under the session: the winner's run is refused or differs, nothing is offered."""
    with start(tmp_path, "--stations", 1) as server:
        process = subprocess.Popen([*Optimizer(server).command, "--sample", "all.wav", "--auditions", "400", "--epsilon", "0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: len(server.get("/api/runs?limit=1000")) > 10, 20, "auditions")
        assert server.osc.call("/station/1/node/remove", "comp") is True
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1 and "the patch has no such node" in said and "comp." in said
        assert server.osc.ask("/station/1/proposal/state") == "none"


def test_token_file(tmp_path, server):
    assert "No such file" in Optimizer(server).fails("--token-file", tmp_path / "none", "--sample", "level.wav")
