"""Serves a page with one guest, and stands between it and the harness: commands come as JSON lines on
standard input, events leave as JSON lines on standard output, as with node_vm.mjs.

usage: page_server.py PORT SETTINGS     SETTINGS: JSON, see vm.py
"""

import json
import queue
import sys
import threading

import machine_page

commands = queue.Queue()


class Handler(machine_page.Handler):
    def do_GET(self):
        if self.path != "/command":
            super().do_GET()
            return
        try:
            self.answer(200, commands.get(timeout=20), "application/json")
        except queue.Empty:
            self.answer(204)


def say(event):
    print(json.dumps(event), flush=True)


def main():
    server = machine_page.Server(int(sys.argv[1]), "page", json.loads(sys.argv[2]), say, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"event": "serving"})
    for line in sys.stdin:
        commands.put(line.encode())


if __name__ == "__main__":
    main()
