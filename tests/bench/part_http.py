# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and WebSocket: how late an audio tap is, how soon a change is heard, how long a question takes."""
import asyncio
import http.client
import json
import struct
import time

import websockets
from measure import Part, chain_patch, progress
from servers import Foldbackd
from tapping import measure, percentile

TITLE = "HTTP and WebSocket on this machine, 16 stations with the chain, periods of 64"
TRIES = 3  # of what other work on the machine can spoil: the best counts


def osc(address, value):
    data = address.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4) + b",f\0\0" + struct.pack(">f", value)


async def feedback(server, address, times):
    """From one client's set to another client's hearing of it: seconds, sorted."""
    took = []
    url = f"ws://127.0.0.1:{server.http_port}/"
    async with websockets.connect(url) as a, websockets.connect(url) as b:
        await b.send(json.dumps({"COMMAND": "LISTEN", "DATA": address}))
        await b.recv()
        for i in range(times):
            await asyncio.sleep(0.02)  # slower than LISTEN's rate
            began = time.perf_counter()
            await a.send(osc(address, -20.0 - i % 2))
            await b.recv()
            took.append(time.perf_counter() - began)
    return sorted(took)


def questions(server, path, times):
    took = []
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port)
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", path)
        size = len(connection.getresponse().read())
        took.append(time.perf_counter() - began)
    connection.close()
    return sorted(took), size


def run(folder):
    part = Part(["", "median", "99 %", "target", ""])
    patch = chain_patch(folder)
    (folder / "http").mkdir()
    with Foldbackd(folder / "http", "--patch", patch) as server:
        progress("audio taps")
        tap = min((measure(server, 3.0) for _ in range(TRIES)), key=lambda took: percentile(took, 0.99))
        late = round(percentile(tap, 0.99) * 1e3, 2)
        part.row("audio tap, frame to client", f"{percentile(tap, 0.5) * 1e3:.2f} ms", f"{late:.2f} ms",
                 *part.figure("tap_p99_ms", late, most=20))
        progress("LISTEN")
        node = next(key for key in server.get("/api/stations/1/params") if key.endswith(".threshold"))
        heard = asyncio.run(feedback(server, "/station/1/" + node.replace(".", "/"), 200))
        part.row("set by one WebSocket, heard by another", f"{percentile(heard, 0.5) * 1e3:.2f} ms",
                 f"{percentile(heard, 0.99) * 1e3:.2f} ms", *part.figure("listen_median_ms", round(percentile(heard, 0.5) * 1e3, 3)))
        for what, path, times in (("one value", "/station/1/mute?VALUE", 1000), ("the whole tree", "/", 20),
                                  ("Prometheus", "/metrics", 50)):
            progress(what)
            took, size = questions(server, path, times)
            part.row(f"GET {what} ({size / 1024:,.1f} KiB)", f"{percentile(took, 0.5) * 1e3:.2f} ms",
                     f"{percentile(took, 0.99) * 1e3:.2f} ms",
                     *part.figure(path.strip("/?").replace("/", "_").lower() or "tree", round(percentile(took, 0.5) * 1e3, 3)))
    return part
