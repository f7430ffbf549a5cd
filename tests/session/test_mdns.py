# SPDX-License-Identifier: GPL-3.0-or-later
"""mDNS with a real avahi-daemon, on a D-Bus and in a network of its own: two hosts' worth of names on one virtual cable."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servers import Foldbackd

HERE = Path(__file__).parent
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>
"""


def inside(folder):
    """What is played in the network of its own."""
    from servers import Foldbackd, wait_for
    started = []

    def start(*command):
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    def run(*command):
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    def found(kind):
        """{name: port} of the services of a kind."""
        lines = run("avahi-browse", "-rptk", kind).stdout.splitlines()
        return {line.split(";")[3].replace("\\032", " ").replace("\\035", "#"): int(line.split(";")[8])
                for line in lines if line.startswith("=;")}
    for command in ("ip link set lo up", "ip link add v0 type veth peer name v1", "ip addr add 10.77.0.1/24 dev v0",
                    "ip link set v0 up", "ip link set v1 up"):
        done = run(*command.split())
        assert done.returncode == 0, done.stderr
    (folder / "bus.conf").write_text(BUS.format(folder=folder))
    (folder / "avahi.conf").write_text("[server]\nuse-ipv6=no\nallow-interfaces=v0\n")
    (folder / "token").write_text("a token of some length\n")
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/bus"
    options = ("--stations", 1, "--listen", "0.0.0.0", "--token-file", folder / "token")
    try:
        (folder / "one").mkdir()
        with Foldbackd(folder / "one", *options) as early:  # before there is a bus
            assert early.get("/server/announced?VALUE") == {"VALUE": [""]}
            start("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile")
            wait_for((folder / "bus").exists, 10, "the bus")
            avahi = start("avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", str(folder / "avahi.conf"))
            wait_for(lambda: early.get("/server/announced?VALUE")["VALUE"] == ["foldback"], 30, "the announcement")
            assert found("_oscjson._tcp") == {"foldback": early.http_port} and found("_osc._udp") == {"foldback": early.osc_port}
            (folder / "two").mkdir()
            with Foldbackd(folder / "two", *options) as twin:
                wait_for(lambda: twin.get("/server/announced?VALUE")["VALUE"] == ["foldback #2"], 20, "another name")
                assert found("_oscjson._tcp") == {"foldback": early.http_port, "foldback #2": twin.http_port}
            wait_for(lambda: found("_oscjson._tcp") == {"foldback": early.http_port}, 10, "the name taken back")
            (folder / "three").mkdir()
            with Foldbackd(folder / "three", "--stations", 1, "--name", "hidden") as private:  # loopback: nobody's business
                assert private.get("/server/announced?VALUE") == {"VALUE": [""]}
                assert set(found("_oscjson._tcp")) == {"foldback"}
            avahi.terminate()
            avahi.wait(10)
            wait_for(lambda: early.get("/server/announced?VALUE")["VALUE"] == [""], 10, "the end of it")
            started.append(start("avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", str(folder / "avahi.conf")))
            wait_for(lambda: early.get("/server/announced?VALUE")["VALUE"] == ["foldback"], 30, "it again")
    finally:
        for process in started:
            process.kill()
            process.wait()


def own_network():
    """Options of unshare for a network namespace, None where there can be none."""
    for options in (["-n", "-m"], ["-r", "-n", "-m"]):
        probe = subprocess.run(["unshare", *options, "sh", "-c", "ip link add v0 type veth peer name v1 && mount -t tmpfs tmpfs /run"],
                               capture_output=True)
        if probe.returncode == 0:
            return options
    return None


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, ("avahi-daemon", "avahi-browse", "dbus-daemon", "unshare", "ip"))), reason="no Avahi here")
@pytest.mark.waits
def test_found_by_avahi(tmp_path):
    options = own_network()
    if not options:
        pytest.skip("no network namespace can be made here")
    program = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]; import test_mdns, pathlib; test_mdns.inside(pathlib.Path({str(tmp_path)!r}))"
    done = subprocess.run(["unshare", *options, "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && exec "$0" -c "$1"',
                           sys.executable, program], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_bus_no_harm(tmp_path):
    (tmp_path / "token").write_text("a token of some length\n")
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={tmp_path}/none"
    try:
        with Foldbackd(tmp_path, "--stations", 1, "--listen", "0.0.0.0", "--token-file", tmp_path / "token") as server:
            assert server.get("/server/announced?VALUE") == {"VALUE": [""]}
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
