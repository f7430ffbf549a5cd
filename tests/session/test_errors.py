# SPDX-License-Identifier: GPL-3.0-or-later
"""What foldbackd says when it cannot start, and how it ends."""
import json
import os
import signal
import socket
import subprocess

import pytest

from servers import BUILD, Foldbackd, Jackd, ServerError


def start(folder, *options, env=None):
    """Run foldbackd to its end: (code, standard error)."""
    done = subprocess.run([str(BUILD / "foldbackd"), "--osc-port", "0", "--http-port", "0", *map(str, options)],
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {}), "XDG_STATE_HOME": str(folder)})
    assert "ready" not in done.stdout
    return done.returncode, done.stderr


def test_no_jack_server(tmp_path):
    code, said = start(tmp_path, env={"JACK_DEFAULT_SERVER": "nobody-runs-this", "JACK_NO_START_SERVER": "1"})
    assert code == 1
    assert said == ("foldbackd: jack: no JACK server can be reached (start one, for example: jackd -d dummy, "
                    "or use --wait or --driver dummy)\n")


def test_client_name_taken(tmp_path):
    with Jackd("foldback-test-names") as jack:
        (tmp_path / "a").mkdir()
        with Foldbackd(tmp_path / "a", "--stations", 1, jack=jack):
            code, said = start(tmp_path / "b", env=jack.env)
            assert code == 1 and 'there is a JACK client named "foldback" already (use --name)' in said


@pytest.mark.parametrize("kind, option", [(socket.SOCK_DGRAM, "--osc-port"), (socket.SOCK_STREAM, "--http-port")])
def test_port_taken(tmp_path, kind, option):
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        code, said = start(tmp_path, "--driver", "dummy", option, port)
        assert code == 1 and str(port) in said and "127.0.0.1" in said, said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("patch, place, reason", [
    ("{", "line 1", ""),
    ({"stages": [{"type": "flanger"}]}, "stages[0]", 'there is no node type "flanger"'),
    ({"stages": [{"type": "gain", "parameters": {"gain": 99}}]}, "stages[0].parameters.gain", "out of range"),
    ({"stages": [{"type": "gain", "parameters": {"volume": 1}}]}, "stages[0].parameters.volume", "no such parameter"),
    ({"stages": [{"type": "gain", "id": "metric"}]}, "stages[0]", "that id is foldback's own"),
    ({"goal": {"weights": {"loudnes": 1}}}, "goal", "loudnes"),
])
def test_bad_patch(tmp_path, patch, place, reason):
    file = tmp_path / "bad.json"
    file.write_text(patch if isinstance(patch, str) else json.dumps(patch))
    code, said = start(tmp_path, "--driver", "dummy", "--patch", file)
    assert code == 1 and place in said and reason in said, said
    assert len(said.splitlines()) == 1


def test_missing_patch(tmp_path):
    code, said = start(tmp_path, "--driver", "dummy", "--patch", f"2={tmp_path}/none.json")
    assert code == 1 and "none.json: No such file or directory" in said


def test_unwritable_database(tmp_path):
    code, said = start(tmp_path, "--driver", "dummy", "--db", "/proc/foldback.db")
    assert code == 1 and "/proc/foldback.db" in said and len(said.splitlines()) == 1


def test_a_file_that_is_no_database(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("buy strings, fix the DI box\n" * 100)
    code, said = start(tmp_path, "--driver", "dummy", "--db", file)
    assert code == 1 and "notes.txt" in said
    assert file.read_text().startswith("buy strings")


def test_beyond_loopback_needs_a_token(tmp_path):
    code, said = start(tmp_path, "--driver", "dummy", "--listen", "0.0.0.0")
    assert code == 1 and "listening beyond loopback needs --token-file" in said


@pytest.mark.parametrize("options, said", [
    (["--stations", "0"], '--stations: "0" is no number from 1 to 64'),
    (["--stations", "many"], '--stations: "many" is no number from 1 to 64'),
    (["--driver", "alsa"], '--driver: "alsa" is neither jack nor dummy'),
    (["--wrong"], "unrecognized option"),
    (["extra"], '"extra" is no option'),
])
def test_bad_usage(tmp_path, options, said):
    code, text = start(tmp_path, *options)
    assert code == 2 and said in text


def test_help_and_version():
    for option in ("--help", "--version"):
        done = subprocess.run([str(BUILD / "foldbackd"), option], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout and not done.stderr


def test_a_bad_node_is_left_out_with_a_reason(tmp_path):
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    (nodes / "broken.so").write_text("no object")
    (nodes / "gain.so").symlink_to(BUILD / "nodes" / "gain.so")
    with Foldbackd(tmp_path, "--node-path", nodes, "--stations", 1) as server:
        assert "broken.so" in server.said() and "cannot be loaded" in server.said()
        assert server.osc.call("/station/1/node/add", "gain", "trim") is True
        assert server.osc.ask("/station/1/trim/gain") == 0


def test_sighup_reads_patches_again(tmp_path):
    patch = tmp_path / "p.json"
    patch.write_text(json.dumps({"name": "one", "stages": [{"type": "gain", "parameters": {"gain": -3}}]}))
    with Foldbackd(tmp_path, "--patch", f"1={patch}", "--stations", 2) as server:
        assert server.osc.ask("/station/1/gain/gain") == pytest.approx(-3)
        patch.write_text("{ broken")
        server.process.send_signal(signal.SIGHUP)
        from servers import wait_for
        wait_for(lambda: "the patch stays as it was" in server.said(), 5, "the refusal")
        assert server.osc.ask("/station/1/gain/gain") == pytest.approx(-3)
        patch.write_text(json.dumps({"name": "two", "stages": [{"type": "gain", "parameters": {"gain": -5}}]}))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.osc.ask("/station/1/patch") == "two", 5, "the new patch")
        assert server.osc.ask("/station/1/gain/gain") == pytest.approx(-5)


def test_a_second_server_on_one_database(tmp_path):
    with Foldbackd(tmp_path, "--stations", 1) as server:
        code, said = start(tmp_path, "--driver", "dummy")
        assert code == 1 and "foldback.db" in said, said
        assert server.osc.ask("/server/audit/recording") is True


def test_start_error_carries_what_was_said(tmp_path):
    """The tests' own fixture must not hide why a server did not start."""
    with pytest.raises(ServerError, match="no such node folder"):
        Foldbackd(tmp_path, "--node-path", tmp_path / "nowhere")
