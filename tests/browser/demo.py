#!/usr/bin/env python3
"""A page to look at: a small Linux in v86 whose network card is on the router's WebSocket.

Fetches the machine (parts.py says what and from where), serves the page on http://localhost:PORT/, and
prints what the machine in it does. The router has to let that page in: --ws-origin http://localhost:PORT.
"""

import argparse
import sys

import machine_page
import parts

NIC = "virtio"


def commands(url):
    """What the machine shows once it has an address."""
    return ["ip -4 addr show eth0 | grep inet", "ping -c 1 gateway.lan",
            f"wget -q -O /tmp/page {url} && wc -c /tmp/page && sha256sum /tmp/page"]


def printable(text):
    """A guest may say anything; a terminal should not obey it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def tell(event):
    """Prints one event of the page."""
    kind = event.get("event")
    if kind == "command":
        lines = [f"# {event['command']}"]
    elif kind == "result":
        said = event["output"].replace("\r", "\n").splitlines()
        lines = [*(f"  {line}" for line in said if line), f"=> {event['code']}"]
    else:
        lines = [f"-- {event.get('text', kind)}"]
    print("\n".join(printable(line) for line in lines), flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="of the page (8000)")
    parser.add_argument("--relay", default="ws://127.0.0.1:8086/", metavar="URL",
                        help="where the router is, as the browser reaches it (ws://127.0.0.1:8086/)")
    parser.add_argument("--fetch", default="http://example.com/", metavar="URL",
                        help="what the machine downloads to show that it can (http://example.com/)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    print(f"-- the machine comes from Debian and npm, 65 MB once, kept in {parts.cache_folder()}", flush=True)
    try:
        settings = parts.guest_settings(NIC, options={
            "nic": NIC, "relay": arguments.relay, "driver": f"load {NIC}", "lease": "lease -x hostname:demo",
            "commands": commands(arguments.fetch)})
    except parts.Missing as missing:
        print(f"demo.py: the machine cannot be had: {missing}\n"
              "demo.py: `deploy/install_packages.sh browser` installs what it needs", file=sys.stderr)
        return 1
    try:
        server = machine_page.Server(arguments.port, "demo", settings, tell)
    except OSError as error:
        print(f"demo.py: port {arguments.port}: {error.strerror}; choose another by --port", file=sys.stderr)
        return 1
    print(f"-- open http://localhost:{server.server_port}/ in a browser", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
