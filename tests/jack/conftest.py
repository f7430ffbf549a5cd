# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of foldback as a JACK client share: a JACK server each, and a second client."""
import pytest

from probe import Probe
from servers import Jackd


@pytest.fixture
def jack(request):
    """A JACK server for this test alone, for some of them end it."""
    with Jackd("foldback-" + request.node.name[:40].replace("[", "-").replace("]", "")) as server:
        yield server


@pytest.fixture
def probe(jack):
    return lambda *command: Probe(jack, *command)
