#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback's benchmark (`./waf bench`): speed and memory, as ratios to a peer or to a limit, both in one run."""
import argparse
import importlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from measure import PROGRAMS, Missing, machine, progress

PARTS = ["nodes", "stations", "metrics", "control", "http", "server", "gig", "calibration"]


def as_text(part):
    """A table in columns."""
    table = [part.columns, *part.rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(part.columns))]
    lines = ["  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip()
             for row in table]
    return "\n".join(lines + part.notes)


def as_markdown(part, title, where):
    lines = [f"### {title}", "", "| " + " | ".join(part.columns) + " |", "|---" + "|--:" * (len(part.columns) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in part.rows]
    notes = " ".join(part.notes + [f"{where['date']}, {where['version']}: {where['cores']} cores of {where['cpu']}, Linux "
                                   f"{where['kernel']}, {where['compiler']}, load average at the start {where['load']}."])
    return "\n".join(lines + ["", notes]) + "\n"


def put_into(path, name, text):
    """Replace what stands between the part's marks; the words around belong to people."""
    page = Path(path).read_text()
    begin, end = f"<!-- bench {name} -->\n", f"<!-- end {name} -->"
    if begin not in page or end not in page:
        sys.exit(f"bench: {path} has no marks {begin.strip()} and {end}")
    Path(path).write_text(re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + text + end, page, flags=re.S))


def main():
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", metavar="FILE", help="renew the tables of this page (doc/performance.md)")
    parser.add_argument("--plot", metavar="FILE", help="draw what the stations cost (doc/stations.svg)")
    args = parser.parse_args()
    if not (PROGRAMS / "bench_nodes").exists():
        sys.exit(f"bench: {PROGRAMS} holds no bench programs: build first (./waf bench does)")
    where, figures, missed = machine(), {}, []
    print(f"{where['cores']} cores of {where['cpu']}, load average {where['load']}, foldback {where['version']}")
    if where["load"] > 1:
        print("The machine is busy: CPU times hold, times by the clock may not.")
    with tempfile.TemporaryDirectory(prefix="foldback-bench-") as folder:
        for name in args.only or PARTS:
            module, began = importlib.import_module("part_" + name), time.monotonic()
            try:
                part = module.run(Path(folder))
            except Missing as missing:
                progress("")
                print(f"\n{module.TITLE}\nleft out: {missing}")
                continue
            progress("")
            print(f"\n{module.TITLE}\n{as_text(part)}\n({time.monotonic() - began:.0f} s)", flush=True)
            figures[name] = part.figures
            missed += [f"{name}.{figure}" for figure, entry in part.figures.items()
                       if isinstance(entry, dict) and entry.get("met") is False]
            if args.plot and hasattr(module, "plot"):
                Path(args.plot).write_text(module.plot(part, where))
            if args.markdown:
                put_into(args.markdown, name, as_markdown(part, module.TITLE, where))
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": where, "figures": figures}, indent=1) + "\n")
    print("\n" + (f"missed: {', '.join(missed)}" if missed else "all targets met"))


if __name__ == "__main__":
    main()
