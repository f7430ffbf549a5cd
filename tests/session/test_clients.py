# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC clients that were not written here."""
import pytest
from servers import Foldbackd


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Foldbackd(tmp_path_factory.mktemp("state")) as running:
        yield running


def test_npm_osc_over_udp(server, node):
    assert node("osc_ask.js", str(server.osc_port), "/server/stations") == [{"address": "/server/stations", "args": [16]}]
