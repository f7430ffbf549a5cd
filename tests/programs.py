# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own programs, run as a person or a script runs them."""
import json
import subprocess

from servers import BUILD, SLOW


class Foldback:
    """Runs build/foldback; what it says goes to out and err."""

    def __init__(self, *options):
        self.options = options

    def run(self, *arguments, cwd=None, **kw):
        return subprocess.run([str(BUILD / "foldback"), *self.options, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120 * SLOW, cwd=cwd, **kw)

    def __call__(self, *arguments, **kw):
        """Standard output; the command must succeed and say nothing on standard error."""
        done = self.run(*arguments, **kw)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))

    def fails(self, *arguments, code=1, **kw):
        """Standard error of a command that must fail, with nothing on standard output."""
        done = self.run(*arguments, **kw)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr
