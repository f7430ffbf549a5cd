# SPDX-License-Identifier: GPL-3.0-or-later
"""What stations cost, from 1 to 64 of them, and how much sooner two threads are done."""
from measure import BUILD, PROGRAMS, Part, chain_patch, cpu_time, median, programme, progress

TITLE = "Stations: µs for a period of 64 frames (1333 µs at 48 kHz), whole chain on each"
COUNTS = [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64]
LONGER = [256, 1024]  # periods, for all 64
ROUNDS = 5
SECONDS = 0.8
PERIOD_US = 64 / 48000 * 1e6


def measure(folder):
    """{(stations, threads, period): (µs by the clock, µs of CPU time of the audio thread, real-time?)}, medians of rounds
    taken in turn."""
    sound, chain = programme(folder), chain_patch(folder)
    taken = {(n, threads, 64): [] for n in COUNTS for threads in (1, 2)}
    taken.update({(64, threads, period): [] for period in LONGER for threads in (1, 2)})
    for turn in range(ROUNDS):
        for (n, threads, period), values in taken.items():
            progress(f"stations: round {turn + 1} of {ROUNDS}, {n} on {threads} threads, period {period}")
            printed = cpu_time([PROGRAMS / "bench_stations", BUILD / "nodes", sound, chain, SECONDS, n, threads,
                                period])[1]
            values.append([float(word) for word in printed.split()])
    return {key: tuple(median(column) for column in zip(*values)) for key, values in taken.items()}


def fit(points):
    """Least squares: (a, b, r2) of y = a + b x."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    b = sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
    a = my - b * mx
    r2 = 1 - sum((y - a - b * x) ** 2 for x, y in points) / sum((y - my) ** 2 for _, y in points)
    return a, b, r2


def run(folder):
    taken = measure(folder)
    part = Part(["stations", "one thread, CPU", "one thread, clock", "two threads, clock", "sooner", "target", ""])
    for n in COUNTS:
        (clock, cpu, _), both = taken[n, 1, 64], taken[n, 2, 64][0]
        wanted, met = part.figure(f"speedup_{n}", round(clock / both, 2), **({"least": 1.8} if n == 64 else {}))
        part.figure(f"cpu_{n}", cpu)
        part.figure(f"clock_{n}", clock)
        part.figure(f"clock_two_{n}", both)
        part.row(n, f"{cpu:.1f}", f"{clock:.1f}", f"{both:.1f}", f"{clock / both:.2f}", wanted, met)
    for period in LONGER:
        (clock, cpu, _), both = taken[64, 1, period], taken[64, 2, period][0]
        wanted, met = part.figure(f"speedup_64_period_{period}", round(clock / both, 2), least=1.8)
        part.row(f"64, periods of {period}", f"{cpu:.1f}", f"{clock:.1f}", f"{both:.1f}", f"{clock / both:.2f}", wanted, met)
    a, b, r2 = fit([(n, taken[n, 1, 64][1]) for n in COUNTS])
    wanted, met = part.figure("linear_r2", round(r2, 4), least=0.99)
    part.row("R² of a line", f"{r2:.4f}", "", "", "", wanted, met)
    part.figure("per_station", round(b, 3))
    part.figure("offset", round(a, 3))
    realtime = all(values[2] for values in taken.values())
    part.notes.append(f"The line: {a:.1f} µs + {b:.2f} µs a station. Clock: median over periods, "
                      + ("real-time threads as under JACK." if realtime else "not real-time: what else runs comes between."))
    return part


# --- the drawing

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 20, 30, 54


def plot(part, where):
    """The figures as an SVG of its own."""
    figures = {name: entry["value"] for name, entry in part.figures.items()}
    one = [(n, figures[f"cpu_{n}"]) for n in COUNTS]
    two = [(n, figures[f"clock_two_{n}"]) for n in COUNTS]
    top = max(y for _, y in one + two) * 1.08
    step = next(s for s in (50, 100, 200, 500, 1000, 2000) if top / s < 9)

    def x(n):
        return LEFT + n / 64 * (WIDTH - LEFT - RIGHT)

    def y(us):
        return HEIGHT - BOTTOM - us / top * (HEIGHT - TOP - BOTTOM)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
             "  <title>Cost of a period against the number of stations</title>",
             f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for us in range(0, int(top) + 1, step):
        lines.append(f'  <path d="M{LEFT} {y(us):.1f}H{WIDTH - RIGHT}" stroke="#dde"/>'
                     f'<text x="{LEFT - 8}" y="{y(us) + 4:.1f}" text-anchor="end">{us}</text>')
    for n in range(0, 65, 8):
        lines.append(f'  <text x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{n}</text>')
    if PERIOD_US < top:
        lines.append(f'  <path d="M{LEFT} {y(PERIOD_US):.1f}H{WIDTH - RIGHT}" stroke="#c33" stroke-dasharray="6 4"/>'
                     f'<text x="{WIDTH - RIGHT}" y="{y(PERIOD_US) - 5:.1f}" text-anchor="end" fill="#c33">the period: 1333 µs</text>')
    a, b = figures["offset"], figures["per_station"]
    lines.append(f'  <path d="M{x(0):.1f} {y(max(a, 0)):.1f}L{x(64):.1f} {y(a + 64 * b):.1f}" stroke="#456" stroke-width="1.5"/>')
    lines += [f'  <circle cx="{x(n):.1f}" cy="{y(us):.1f}" r="4" fill="#456"/>' for n, us in one]
    lines.append('  <path d="M' + "L".join(f"{x(n):.1f} {y(us):.1f}" for n, us in two)
                 + '" fill="none" stroke="#a80" stroke-dasharray="5 3"/>')
    lines += [f'  <rect x="{x(n) - 3.5:.1f}" y="{y(us) - 3.5:.1f}" width="7" height="7" fill="#a80"/>' for n, us in two]
    lines += [f'  <text x="{LEFT + 14}" y="{TOP + 12}" fill="#456">● one thread, CPU time; line: {a:.1f} + {b:.2f} n µs, '
              f'R² {figures["linear_r2"]:.4f}</text>',
              f'  <text x="{LEFT + 14}" y="{TOP + 32}" fill="#a80">■ two threads, clock; at 64 stations '
              f'{figures["speedup_64"]:.2f} times as fast</text>',
              f'  <text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 18}" text-anchor="middle">stations with the whole chain</text>',
              f'  <text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end" font-size="10" fill="#678">{where["date"]}, '
              f'{where["version"]}, {where["cores"]} cores of {where["cpu"]}</text>',
              f'  <text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
              'µs a period of 64 frames</text>', "</svg>"]
    return "\n".join(lines) + "\n"
