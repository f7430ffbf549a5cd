# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own files: all that git tracks or would track, so that a new file counts before it is committed."""
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LEFT_OUT = {".git", ".waf", "node_modules"}


def files(*patterns):
    """Paths below TOP, sorted, that match one of the patterns (all without any)."""
    found = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=TOP,
                           capture_output=True, text=True)
    if found.returncode == 0:
        paths = [Path(name) for name in found.stdout.splitlines()]
    else:  # an unpacked archive
        paths = [path.relative_to(TOP) for path in TOP.rglob("*")]
        paths = [path for path in paths if not LEFT_OUT & set(path.parts) and not path.parts[0].startswith("build")]
    return sorted(path for path in paths if (TOP / path).is_file() and not (TOP / path).is_symlink()
                  and (not patterns or any(path.match(pattern) for pattern in patterns)))


def read(path):
    return (TOP / path).read_text(errors="replace")
