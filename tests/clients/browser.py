"""Shows echo.html to a browser without a screen: browser.py BROWSER ws://HOST:PORT/PATH

The page is served from here and reports back to here. To dump the page when it has loaded would be too
early: a browser does not wait for sockets.
"""

import http.server
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

BROWSER, URL = sys.argv[1:]
PAGE = pathlib.Path(__file__).with_name("echo.html").read_bytes()
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
SECONDS = 75

outcomes = queue.Queue()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_page = self.path.startswith("/?")
        self.answer(200 if is_page else 404, PAGE if is_page else b"")

    def do_POST(self):
        outcomes.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(200, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
page = f"http://127.0.0.1:{server.server_port}/?{urllib.parse.quote(URL, safe='')}"

with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
    command = [BROWSER, *FLAGS, f"--user-data-dir={home}", page]
    with open(os.path.join(home, "errors"), "w+", encoding="utf-8") as errors:
        browser = subprocess.Popen(command, stdout=errors, stderr=errors, start_new_session=True)
        try:
            outcome = outcomes.get(timeout=SECONDS)
        except queue.Empty:
            errors.seek(0)
            outcome = f"{errors.read()[-2000:]}\nfailed: the page reported nothing within {SECONDS} s"
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()

print(outcome)
sys.exit(0 if outcome.endswith("passed") else 1)
