# SPDX-License-Identifier: GPL-3.0-or-later
"""The conventions of doc/osc.md, one by one, against the running program."""
import json
import math
import socket
import struct
import time

import liblo
import pytest
from servers import SLOW, playing_patch, wait_for
from streams import message, messages

PATCH = '{"stages": [{"id": "gain", "type": "gain"}, {"id": "eq", "type": "eq"}, {"id": "comp", "type": "comp"}]}'
THRESHOLD = "/station/1/comp/threshold"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with playing_patch(tmp_path_factory.mktemp("state"), PATCH, station=1) as running:
        yield running


class Raw:
    """A UDP socket of our own: what liblo would not send, and where answers come from."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.to = ("127.0.0.1", server.osc_port)

    def send(self, *packets):
        for packet in packets:
            self.socket.sendto(packet, self.to)

    def hear(self, seconds=1.0):
        """All messages until /synced comes back, each as (address, values)."""
        self.send(message("/sync", "i", 77))
        self.socket.settimeout(seconds * SLOW)
        heard = []
        while not heard or heard[-1][0] != "/synced":
            data, sender = self.socket.recvfrom(65536)
            assert sender == self.to  # from the port that was asked
            heard += messages(data)
        self.withheld = (heard.pop()[1] + [0])[1]  # errors that were not sent
        return heard


@pytest.fixture
def raw(server):
    client = Raw(server)
    yield client
    client.send(message("/unsubscribe"))
    client.socket.close()


def bundle(timetag, *packets):
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(p)) + p for p in packets)


def ntp(ahead_s):
    now = time.time() + 2208988800 + ahead_s
    return int(now * 2**32)


def test_1_no_arguments_asks(raw):
    raw.send(message("/server/stations", None), message("/server/stations"))
    assert raw.hear() == [("/server/stations", [16])] * 2


def test_2_native_units_and_the_twin(server, raw):
    raw.send(message(THRESHOLD, "f", -24.0), message("/norm" + THRESHOLD))
    leaf = server.get(THRESHOLD)
    span = leaf["RANGE"][0]
    assert raw.hear()[0][1][0] == pytest.approx((-24 - span["MIN"]) / (span["MAX"] - span["MIN"]), abs=1e-6)
    raw.send(message("/norm" + THRESHOLD, "f", 1.0), message(THRESHOLD))
    assert raw.hear() == [(THRESHOLD, [span["MAX"]])]


@pytest.mark.parametrize("tags, value, stored", [("i", -20, -20), ("d", -21.5, -21.5), ("h", -22, -22), ("f", -23.0, -23)])
def test_3_numbers_are_coerced(raw, tags, value, stored):
    raw.send(message(THRESHOLD, tags, value), message(THRESHOLD))
    assert raw.hear() == [(THRESHOLD, [stored])]


def test_3_switches_and_choices(server, raw):
    for tags, value, on in [("T", None, True), ("i", 0, False), ("f", 1.0, True), ("F", None, False)]:
        raw.send(message("/station/1/mute", tags, value), message("/station/1/mute"))
        assert raw.hear() == [("/station/1/mute", [on])]
    raw.send(message("/station/1/mode", "i", 0), message("/station/1/mode"), message("/station/1/mode", "s", "manual"))
    assert raw.hear() == [("/station/1/mode", ["auto"])]
    assert server.osc.ask("/station/1/mode") == "manual"


@pytest.mark.parametrize("tags, values, code", [
    ("f", [math.nan], 400), ("f", [math.inf], 400), ("ff", [1.0, 2.0], 400), ("s", ["loud"], 406)])
def test_3_nonsense_is_refused_and_answered_with_what_is_in_force(raw, tags, values, code):
    raw.send(message(THRESHOLD, "f", -30.0), message(THRESHOLD, tags, *values))
    (error, told), in_force = raw.hear()
    assert error == "/error" and told[0] == THRESHOLD and told[1] == code and told[3] == "," + tags
    assert in_force == (THRESHOLD, [-30.0])


def test_4_feedback_goes_to_all_but_the_sender(server, raw):
    other = Raw(server)
    for client in (raw, other):
        client.send(message("/subscribe", "si", THRESHOLD, 200))
        said = client.hear()
        wait_for(lambda: THRESHOLD in dict(said + client.hear()), what="the value on subscribing")
    raw.send(message(THRESHOLD, "f", -11.0))
    assert raw.hear() == []
    wait_for(lambda: (THRESHOLD, [-11.0]) in other.hear(), what="feedback")
    raw.send(message(THRESHOLD, "f", -11.0))  # already so: no change, no feedback
    time.sleep(0.05)
    assert other.hear() == []
    raw.send(message(THRESHOLD, "f", 5000.0))
    assert raw.hear()[0][0] == THRESHOLD
    other.socket.close()


def test_5_terms_are_told_and_limited(raw):
    raw.send(message("/subscribe", "si", "/station/1/gain", 100000))
    granted, *heard = raw.hear()
    assert granted[0] == "/subscribe" and granted[1][:4] == ["/station/1/gain", 200, 0, 10]  # Hz, port, s
    wait_for(lambda: len(heard.extend(raw.hear()) or {address for address, _ in heard}) == granted[1][4], what="all values")
    raw.send(*[message("/subscribe", "s", f"/station/{n}/mute") for n in range(1, 17)],
             *[message("/subscribe", "s", f"/station/{n}/mono") for n in range(1, 17)],
             *[message("/subscribe", "s", f"/station/{n}/mode") for n in range(1, 17)],
             *[message("/subscribe", "s", f"/station/{n}/name") for n in range(1, 17)])
    assert [told[1] for address, told in raw.hear() if address == "/error"] == [429]  # 64 patterns of one client


def test_6_no_reflector(server, raw):
    """Another port of the asker's own host, never another host: there is no such argument."""
    other = Raw(server)
    raw.send(message("/subscribe", "sii", "/station/1/mute", 50, other.port))
    assert raw.hear() == [("/subscribe", ["/station/1/mute", 50, other.port, 10, 1])]
    other.socket.settimeout(2 * SLOW)
    assert messages(other.socket.recv(2000)) == [("/station/1/mute", [False])]
    raw.send(message("/subscribe", "siis", "/station/1/mute", 50, other.port, "192.0.2.1"))
    assert raw.hear()[0][1][1] == 400
    raw.send(message("/unsubscribe"))
    raw.hear()
    other.socket.close()


def test_7_patterns_have_a_budget(raw):
    raw.send(message("/station/{1,2}/m[ou][nt][oe]"))
    assert sorted(raw.hear()) == sorted((f"/station/{n}/{leaf}", [False]) for n in (1, 2) for leaf in ("mono", "mute"))
    began = time.monotonic()
    raw.send(message("/" + "/".join(["*?*?*?*?*?*?*?*"] * 4)), message("/" + "*" * 500))
    codes = [told[1] for address, told in raw.hear(5) if address == "/error"]
    assert codes and set(codes) <= {400, 404, 429} and time.monotonic() - began < 2 * SLOW


def test_8_bundles(server, raw):
    raw.send(bundle(1, message(THRESHOLD, "f", -15.0), bundle(1, message("/station/1/gain/gain", "f", -1.5))))
    raw.hear()
    assert (server.osc.ask(THRESHOLD), server.osc.ask("/station/1/gain/gain")) == (-15, -1.5)
    raw.send(bundle(ntp(0.3), message(THRESHOLD, "f", -16.0)), bundle(ntp(-5), message("/station/1/gain/gain", "f", -2.0)))
    raw.hear()
    assert (server.osc.ask(THRESHOLD), server.osc.ask("/station/1/gain/gain")) == (-15, -2)
    wait_for(lambda: server.osc.ask(THRESHOLD) == -16, what="the time of the bundle")
    raw.send(bundle(ntp(3600), message(THRESHOLD, "f", -17.0)))
    assert raw.hear()[0][1][1:3] == [400, "the bundle's time is more than 60 s ahead"]
    deep = message(THRESHOLD, "f", -18.0)
    for _ in range(9):
        deep = bundle(1, deep)
    raw.send(deep)
    assert raw.hear()[0][0] == "/error" and server.osc.ask(THRESHOLD) == -16


def test_10_errors_are_few_and_never_answered(raw):
    raw.send(bundle(1, *[message("/nowhere", "i", n) for n in range(300)]), message("/error", "siss", "/x", 400, "y", ","))
    heard = raw.hear()
    errors = [told for address, told in heard if address == "/error"]
    assert 1 <= len(errors) < 100 and errors[0] == ["/nowhere", 404, "there is no such address", ",i"]
    assert all(told[0] == "/nowhere" for told in errors) and len(errors) + raw.withheld == 300


def test_11_who_how_and_what(server, raw):
    raw.send(message("/info"), message("/version"), message("/status"))
    info, version, status = raw.hear()
    assert info[1][0] == "foldback" and info[1][3] == server.osc_port and version[1][0] == "foldback"
    pairs = dict(zip(status[1][::2], status[1][1::2]))
    assert pairs["/server/running"] is True and "/server/xruns" in pairs
    raw.send(message("/list", "s", "/station/1/comp"), message("/station/1/comp/"), message("/list"))
    named, plain, top = raw.hear()
    assert named[1][0] == "/station/1/comp" and named[1][1:] == plain[1] and "meter/" in plain[1] and "threshold" in plain[1]
    assert top[1][0] == "/" and {"station/", "norm/", "server/"} <= set(top[1])
    raw.send(message("/list", "s", "/nowhere"))
    assert raw.hear()[0][1][1] == 404


def places(node):
    """It and all below it."""
    return [node] + [place for child in node.get("CONTENTS", {}).values() for place in places(child)]


def test_11_a_place_described_as_oscquery_has_it(server, raw):
    """Every place of a station, as OSCQuery tells it less CONTENTS, in the same order; the names of what is below follow.
    What is measured differs from one moment to the next: of it all but the value must be the same."""
    def lasting(place):
        measured = place["ACCESS"] == 1
        return [(name, value) for name, value in place.items() if name != "CONTENTS" and not (measured and name in ("VALUE", "VALID"))]
    wanted = places(server.get("/station/1")) + places(server.get("/norm/station/1"))
    assert len(wanted) > 200 and sum("RANGE" in place for place in wanted) > 100
    for place in wanted:
        raw.send(message("/describe", "s", place["FULL_PATH"]))
        [(address, (path, text, *names))] = raw.hear()
        told = json.loads(text)
        assert (address, path, told["FULL_PATH"]) == ("/describe", place["FULL_PATH"], path)
        assert list(lasting(told)) == list(lasting(place))
        assert names == [name + "/" * ("CONTENTS" in child) for name, child in place.get("CONTENTS", {}).items()]
        assert "CONTENTS" not in told
    # to the byte: a leaf that has a unit, a taper, a text; the root
    for path in THRESHOLD, "/station/1/eq/b1_freq", "/station/1/eq/b1_type", "/station/1/undo":
        raw.send(message("/describe", "s", path))
        assert raw.hear()[0][1] == [path, server.http("GET", path, raw=True)[1].decode()]
    raw.send(message("/describe", "s", "/"))
    root = server.get("/")
    assert json.loads(raw.hear()[0][1][1]) == {name: value for name, value in root.items() if name != "CONTENTS"}


def test_11_what_cannot_be_described(raw):
    raw.send(message("/describe", "s", "/nowhere"), message("/describe"), message("/describe", "i", 1), message("/describe", "s", ""))
    heard = raw.hear()
    assert [(address, told[:2]) for address, told in heard] == [("/error", ["/describe", code]) for code in (404, 400, 400, 404)]
    assert heard[0][1][2] == "there is no such address"


def test_11_a_heartbeat_for_who_asks(server):
    server.osc.received.clear()
    server.osc.send("/subscribe", "/server/heartbeat")
    server.osc.wait("/subscribe")
    beats = [server.osc.wait("/server/heartbeat", 5)[0] for _ in range(3)]
    assert beats[1] - beats[0] in (0, 1) and beats[2] - beats[1] in (1, 2)  # the first: the value when subscribing
    server.osc.send("/unsubscribe")
    server.osc.wait("/unsubscribe")


def test_11_dump(server, raw):
    raw.send(message("/dump", "i", 1), message(THRESHOLD, "f", -12.5), message("/x\n/y", "s", "a\nb"),
             bundle(1, *[message("/station/1/mute", "F")] * 500), message("/dump", "i", 0), message(THRESHOLD, "f", -13.0))
    raw.hear(5)
    said = server.said()
    assert f"osc 127.0.0.1:{raw.port}: {THRESHOLD} ,f -12.5\n" in said and "(not text) ,s a b\n" in said
    assert said.count("/station/1/mute") < 300 and "-13.0" not in said


def test_12_packets_fit_a_frame(server):
    client = Raw(server)
    client.send(message("/subscribe", "si", "/station/1", 100))
    client.socket.settimeout(0.5 * SLOW)
    sizes, addresses, end = [], set(), time.monotonic() + 1
    while time.monotonic() < end:
        data = client.socket.recv(65536)
        sizes.append(len(data))
        addresses |= {address for address, _ in messages(data)}
    assert len(addresses) > 100 and max(sizes) <= 1400
    client.send(message("/unsubscribe"))
    client.socket.close()


def test_13_addresses_are_plain(server):
    def walk(node):
        yield node["FULL_PATH"]
        for child in node.get("CONTENTS", {}).values():
            yield from walk(child)
    addresses = list(walk(server.get("/")))
    assert len(addresses) > 1000
    assert [a for a in addresses if a != a.lower() or set(a) & set(" #*,?[]{}")] == []


def test_all_measurements_in_one_message(server):
    """The order of the numbers is on the tree."""
    names = server.get("/station/1/metric")["CONTENTS"]
    node = server.get("/station/1/meter/metrics")
    assert len(names) == 55 and node["TYPE"] == "f" * 55 and len(node["VALUE"]) == 55
    server.osc.received.clear()
    server.osc.send("/station/1/metric/")
    listed = server.osc.wait("/station/1/metric/")
    assert listed == list(names)
    server.osc.send("/station/1/meter/metrics")
    row = server.osc.wait("/station/1/meter/metrics")
    assert len(row) == 55
    rate = listed.index("rms")
    assert row[rate] == pytest.approx(server.osc.ask("/station/1/metric/rms"), abs=1e-3)
    order = server.osc.ask("/station/1/meter/order").split()
    server.osc.send("/station/1/meter/nodes")
    assert len(server.osc.wait("/station/1/meter/nodes")) == len(order) and "comp/reduction" in order
    assert liblo.Address(server.osc.target.url)  # liblo took 55 floats in one message


def test_the_row_follows_an_edit(server):
    before = server.osc.ask("/station/1/meter/order")
    server.osc.received.clear()
    server.osc.send("/subscribe", "/station/1/meter/order")
    server.osc.wait("/subscribe")
    assert server.osc.wait("/station/1/meter/order") == [before]
    assert server.osc.call("/station/1/node/add", "comp", "second") is True
    assert "second/reduction" in server.osc.wait("/station/1/meter/order")[0]
    assert server.osc.call("/station/1/node/remove", "second") is True
    server.osc.send("/unsubscribe")
    server.osc.wait("/unsubscribe")
