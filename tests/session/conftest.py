# SPDX-License-Identifier: GPL-3.0-or-later
from npm import node

__all__ = ["node"]
