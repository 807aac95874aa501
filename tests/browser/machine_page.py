"""The server of a page with one guest: the page's files, v86, the parts of the guest, and what the page tells."""

import http.server
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm"}
PARTS = ("kernel", "initrd", "bios", "vga_bios", "state")
V86_FILES = ("libv86.mjs", "v86.wasm")
SHARED_FILES = ("machine_page.mjs", "guest.mjs")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def answer_file(self, path):
        path = pathlib.Path(path)
        self.answer(200, path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))

    def answer_object(self, value):
        self.answer(200, json.dumps(value).encode(), "application/json")

    def do_GET(self):
        folder, _, name = self.path.lstrip("/").rpartition("/")
        settings = self.server.settings
        if self.path == "/settings":
            self.answer_object({**settings["options"], "has_state": settings["state"] is not None})
        elif folder == "part" and name in PARTS and settings[name]:
            self.answer_file(settings[name])
        elif folder == "v86" and name in V86_FILES:
            self.answer_file(pathlib.Path(settings["modules"]) / "v86" / "build" / name)
        elif not folder and (name or self.server.page) in (*SHARED_FILES, self.server.page, self.server.script):
            self.answer_file(HERE / (name or self.server.page))
        else:
            self.answer(404)

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tell(event)
        self.answer(204)

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass


class Server(http.server.ThreadingHTTPServer):
    """Serves NAME.html and NAME.mjs on the loopback. `settings`: the parts (parts.guest_settings) and `options`,
    which the page asks for. `tell` gets each event of the page, on any thread."""

    daemon_threads = True

    def __init__(self, port, name, settings, tell, handler=Handler):
        super().__init__(("127.0.0.1", port), handler)
        self.page, self.script = f"{name}.html", f"{name}.mjs"
        self.settings = settings
        self.tell = tell
