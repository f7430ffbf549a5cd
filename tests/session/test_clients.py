# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC clients that were not written here: npm's osc and node-osc, liblo's tools and its Python, SuperCollider, Pure Data."""
import os
import shutil
import socket
import subprocess

import liblo
import pytest
from servers import SLOW, playing_patch, wait_for

PATCH = '{"stages": [{"id": "comp", "type": "comp"}]}'
THRESHOLD = "/station/1/comp/threshold"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with playing_patch(tmp_path_factory.mktemp("state"), PATCH, station=1) as running:
        yield running


@pytest.fixture(autouse=True)
def start(server):
    server.osc.send(THRESHOLD, -20.0)
    server.osc.sync()
    return server


def becomes(server, address, value):
    wait_for(lambda: server.osc.ask(address) == value, what=f"{address} at {value}")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_npm_osc(server, node, transport):
    heard = node("npm_osc.js", transport, str(server.osc_port), [
        {"address": "/server/stations", "args": []},
        {"address": THRESHOLD, "args": [{"type": "f", "value": -33.5}]},
        {"address": "/station/1/mute", "args": [{"type": "T"}]},
        {"address": "/station/1/mode", "args": [{"type": "s", "value": "auto"}]},
        {"address": "/station/1/m*", "args": []},
        {"address": THRESHOLD, "args": [{"type": "f", "value": 1000}]},
        {"address": "/station/1/meter/metrics", "args": []},
        {"address": "/nowhere", "args": []}])
    told = [(m["address"], [a["value"] for a in m["args"]]) for m in heard]
    assert ("/server/stations", [16]) in told and ("/station/1/mute", [True]) in told and ("/station/1/mode", ["auto"]) in told
    assert (THRESHOLD, [0]) in told  # clipped, and so told to the sender
    assert [len(values) for address, values in told if address == "/station/1/meter/metrics"] == [55]
    assert [values[:2] for address, values in told if address == "/error"] == [["/nowhere", 404]]
    assert told[-1][0] == "/synced"


def test_node_osc(server, node):
    """It hears at another port than it sends from."""
    heard = node("npm_node_osc.js", str(server.osc_port), "/station/1/comp/{threshold,ratio}", "2")
    assert sorted(address for address, _ in heard) == ["/station/1/comp/ratio", THRESHOLD]
    assert dict(heard)[THRESHOLD] == -20


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_oscsend(server, transport):
    url = f"osc.{transport}://127.0.0.1:{server.osc_port}/"
    for number, arguments in enumerate((["f", "-31.5"], ["d", "-32.5"], ["i", "-33"])):
        subprocess.run(["oscsend", url, THRESHOLD, *arguments], check=True, timeout=10 * SLOW)
        becomes(server, THRESHOLD, (-31.5, -32.5, -33)[number])
    subprocess.run(["oscsend", url, "/station/1/mute", "T"], check=True, timeout=10 * SLOW)
    becomes(server, "/station/1/mute", True)
    subprocess.run(["oscsend", url, "/station/1/mute", "F"], check=True, timeout=10 * SLOW)
    becomes(server, "/station/1/mute", False)


def test_oscdump(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    dump = subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        def listens():
            return f":{port:04X} " in open("/proc/net/udp").read() + open("/proc/net/udp6").read()
        wait_for(listens, what="oscdump")
        server.osc.send("/subscribe", THRESHOLD, ("i", 50), ("i", port))
        assert server.osc.wait("/subscribe")[2] == port
        assert f"{THRESHOLD} f -20.000000" in dump.stdout.readline()
        server.osc.send(THRESHOLD, 500.0)
        assert f"{THRESHOLD} f 0.000000" in dump.stdout.readline()
    finally:
        server.osc.send("/unsubscribe")
        dump.kill()
        dump.communicate()


def test_python_liblo_over_tcp(server):
    target = liblo.Address("127.0.0.1", server.osc_port, liblo.TCP)
    liblo.send(target, THRESHOLD, -41.5)
    becomes(server, THRESHOLD, -41.5)
    liblo.send(target, liblo.Bundle(liblo.Message(THRESHOLD, -42.5), liblo.Message("/station/1/mute", True)))
    becomes(server, THRESHOLD, -42.5)
    becomes(server, "/station/1/mute", True)


SCLANG = """
(
var desk = NetAddr("127.0.0.1", %d);
OSCFunc({ |m| ("heard" + m).postln }, '%s');
OSCFunc({ |m| ("heard" + m).postln }, '/error');
OSCFunc({ |m| ("heard" + m).postln; 0.exit }, '/synced');
desk.sendMsg('%s', -18.5);
desk.sendMsg('%s');
desk.sendMsg('/station/1/mode', 'nonsense');
desk.sendBundle(0.0, ['/station/1/mute', 1], ['/sync', 5]);
{ 10.wait; 1.exit }.fork(SystemClock);
)
"""


@pytest.mark.skipif(not shutil.which("sclang"), reason="no SuperCollider here: ./check --long installs it, 71 MB with half of Qt")
def test_supercollider(server, tmp_path):
    script = tmp_path / "ask.scd"
    script.write_text(SCLANG % (server.osc_port, THRESHOLD, THRESHOLD, THRESHOLD))
    env = dict(os.environ, QT_QPA_PLATFORM="offscreen", QTWEBENGINE_DISABLE_SANDBOX="1", HOME=str(tmp_path),
               XDG_RUNTIME_DIR=str(tmp_path))
    done = subprocess.run(["sclang", str(script)], env=env, capture_output=True, text=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stdout
    assert f"heard[ {THRESHOLD}, -18.5 ]".replace(" ", "") in done.stdout.replace(" ", "")
    assert "nonsense" in done.stdout or "/station/1/mode" in done.stdout
    becomes(server, "/station/1/mute", True)


PD = """#N canvas 0 0 600 400 12;
#X obj 10 10 loadbang;
#X obj 10 40 t b b b b;
#X msg 400 70 connect 127.0.0.1 %d;
#X msg 300 70 -27.5;
#X obj 300 100 oscformat station 1 comp threshold;
#X obj 200 100 oscformat station 1 comp threshold;
#X obj 100 70 oscformat sync;
#X msg 10 70 5;
#X obj 10 160 list prepend send;
#X obj 10 190 list trim;
#X obj 10 220 netsend -u -b;
#X obj 100 250 oscparse;
#X obj 100 280 print heard;
#X connect 0 0 1 0;
#X connect 1 3 2 0;
#X connect 1 2 3 0;
#X connect 1 1 5 0;
#X connect 1 0 7 0;
#X connect 2 0 10 0;
#X connect 3 0 4 0;
#X connect 4 0 8 0;
#X connect 5 0 8 0;
#X connect 7 0 6 0;
#X connect 6 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 1 11 0;
#X connect 11 0 12 0;
"""


def test_pure_data(server, tmp_path):
    patch = tmp_path / "ask.pd"
    patch.write_text(PD % server.osc_port)
    pd = subprocess.Popen(["pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-noprefs", str(patch)],
                          stderr=subprocess.PIPE, text=True)
    heard = []
    try:
        for line in pd.stderr:
            heard.append(line.strip())
            if "synced" in line:
                break
    finally:
        pd.kill()
        pd.communicate()
    assert "heard: list station 1 comp threshold -27.5" in heard or "heard: station 1 comp threshold -27.5" in heard, heard
    assert heard[-1] in ("heard: list synced 5", "heard: synced 5")
    becomes(server, THRESHOLD, -27.5)
