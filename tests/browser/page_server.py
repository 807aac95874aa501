"""Serves a page with one guest, and stands between it and the harness: commands come as JSON lines on
standard input, events leave as JSON lines on standard output, as with node_vm.mjs.

usage: page_server.py PORT SETTINGS     SETTINGS: JSON, see vm.py
"""

import http.server
import json
import pathlib
import queue
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm"}
PARTS = ("kernel", "initrd", "bios", "vga_bios", "state")
settings = {}
commands = queue.Queue()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_file(self, path):
        path = pathlib.Path(path)
        self.answer(200, path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))

    def do_GET(self):
        folder, _, name = self.path.lstrip("/").rpartition("/")
        if self.path == "/command":
            try:
                self.answer(200, commands.get(timeout=20), "application/json")
            except queue.Empty:
                self.answer(204)
        elif self.path == "/settings":
            self.answer(200, json.dumps(settings["options"]).encode(), "application/json")
        elif folder == "part" and name in PARTS:
            self.answer_file(settings[name])
        elif folder == "v86" and name in ("libv86.mjs", "v86.wasm"):
            self.answer_file(pathlib.Path(settings["modules"]) / "v86" / "build" / name)
        elif self.path in ("/", "/page.mjs", "/guest.mjs"):
            self.answer_file(HERE / (name or "page.html"))
        else:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps(json.loads(body)), flush=True)
        self.answer(204)

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass


def main():
    settings.update(json.loads(sys.argv[2]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"event": "serving"}), flush=True)
    for line in sys.stdin:
        commands.put(line.encode())


if __name__ == "__main__":
    main()
