# SPDX-License-Identifier: GPL-3.0-or-later
"""Help, options, exit codes: 0 done, 1 failed, 2 bad usage; results on standard output, all else on standard error."""
import re
import subprocess

import pytest

from servers import BUILD

COMMANDS = ["ls", "get", "set", "watch", "run", "runs", "run show", "snapshot", "audit", "nodes", "patch check",
            "patch show", "render", "analyze"]


def test_help_lists_every_command(foldback):
    listed = re.findall(r"^  (\w+(?: check| show)?)\b", foldback("--help"), re.M)
    assert [name for name in COMMANDS if name not in listed] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(foldback, command):
    text = foldback(*command.split(), "--help")
    assert text.startswith(f"usage: foldback {command}") and "--json" in text
    assert foldback("--help", *command.split()) == text and foldback(*command.split(), "-h") == text
    assert ("--osc-port" in text) == (COMMANDS.index(command) < COMMANDS.index("nodes"))


def test_version(foldback):
    assert re.fullmatch(r"foldback \d+\.\d+\.\d+\n", foldback("--version"))
    assert foldback("render", "--version") == foldback("--version")


@pytest.mark.parametrize("words, said", [
    ([], "needs a command"),
    (["nope"], '"nope" is no command'),
    (["--json"], "needs a command"),
    (["--nope"], "--nope: there is no such option"),
    (["patch"], "foldback patch check FILE..."),
    (["patch", "nope"], "foldback patch show FILE"),
    (["render", "a", "b"], "needs PATCH IN.wav OUT.wav"),
    (["render", "a", "b", "c", "d"], '"d" is one word too many'),
    (["render", "a", "b", "c", "--period"], "--period: needs a value"),
    (["render", "a", "b", "c", "--period", "0"], '--period: "0" is no whole number from 1 to 8192'),
    (["render", "a", "b", "c", "--period=1.5"], '--period: "1.5" is no whole number from 1 to 8192'),
    (["render", "a", "b", "c", "--period", "64x"], '--period: "64x" is no whole number'),
    (["render", "a", "b", "c", "--bits", "12"], '"12" is none of 16, 24, 32f'),
    (["render", "a", "b", "c", "--late=1"], "--late=1: takes no value"),
    (["render", "a", "b", "c", "-x"], "-x: there is no such option"),
    (["analyze"], "needs FILE"),
    (["ls", "station"], '"station" is no address'),
    (["get", "/a", "b"], '"b" is no address'),
    (["get", "--osc-port", "70000", "/a"], '--osc-port: "70000" is no whole number from 1 to 65535'),
    (["run", "0"], '"0" is no station'),
    (["run", "one"], '"one" is no station'),
    (["run", "1", "--live", "5", "--sample", "a.wav"], "exclude each other"),
    (["run", "1", "--reference", "a.wav"], "--reference goes with --sample"),
    (["watch", "/a", "--seconds", "nan"], '--seconds: "nan" is no number'),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_usage(foldback, words, said):
    text = foldback.fails(*words, code=2)
    assert said in text and "Try: foldback" in text


def test_full_standard_output_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BUILD / "foldback"), "nodes"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output cannot be written: No space left on device" in done.stderr
