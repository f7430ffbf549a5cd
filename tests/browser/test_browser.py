# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser: what it is shown, and what pages of other sites can do through it."""
import http.server
import json
import queue
import subprocess
import threading
from pathlib import Path

import pytest

from servers import SLOW, Foldbackd

PAGES = Path(__file__).parent
GAIN = "/station/1/gain/gain"
# Debian's browser asks its maker's servers for this and that; none of it is wanted here.
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture
def browser(tmp_path):
    """Opens a page; the answer is its document once it is loaded, or None if it is to stay open."""
    open_pages = []

    def look(url, stay=False):
        command = [*CHROMIUM, f"--user-data-dir={tmp_path / 'chromium'}", "--dump-dom", url]
        if not stay:
            return subprocess.run(command, capture_output=True, text=True, timeout=30 * SLOW).stdout
        open_pages.append(subprocess.Popen([*command[:-2], "--remote-debugging-port=0", url], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL))
        return None
    yield look
    for process in open_pages:
        process.terminate()
        process.wait(10 * SLOW)


class Site:
    """Another web site on this machine: serves a page of this folder, and is told by it what came of its attempts."""

    def __init__(self):
        site = self
        self.told = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = PAGES / self.path.split("?")[0].strip("/")
                self.send_response(200 if page.is_file() else 404)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.read_bytes() if page.is_file() else b"")

            def do_POST(self):
                site.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site():
    running = Site()
    yield running
    running.close()


def start(folder, *options):
    patch = folder / "patch.json"
    patch.write_text(json.dumps({"name": "A <b>bold</b> name", "stages": [{"id": "gain", "type": "gain"}]}))
    return Foldbackd(folder, "--stations", 2, "--patch", f"1={patch}", *options)


def test_a_person_sees_a_page(browser, tmp_path):
    with start(tmp_path) as server:
        page = browser(server.url("/"))
        assert "<title>foldback</title>" in page and 'href="/station/2"' in page
        assert "A &lt;b&gt;bold&lt;/b&gt; name" in page  # what people type is text, not markup
        assert '"FULL_PATH":"/station/1"' in browser(server.url("/station/1"))


@pytest.mark.parametrize("welcome", [False, True])
def test_a_page_of_another_site(browser, site, tmp_path, welcome):
    """It reads and writes, by HTTP and WebSocket, if its origin is named; and else nothing of the kind, by any of the ways
    in which browsers let pages send without asking first."""
    with start(tmp_path, *(["--cors-origin", site.origin] if welcome else [])) as server:
        browser(f"{site.origin}/other_site.html?{server.http_port}", stay=True)
        came = site.told.get(timeout=30 * SLOW)
        wanted = dict.fromkeys(["read", "write", "websocket"], welcome) | {"write as plain text": False, "form": False}
        assert came == wanted
        server.osc.sync()
        assert server.osc.ask(GAIN) == (-3.0 if welcome else 0.0)
