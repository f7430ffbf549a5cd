# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of these tests; what they share besides is in tuning.py, which a test can import by its name."""
from tuning import optimizer, own_server, server  # noqa: F401
