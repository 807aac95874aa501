"""The bed of tests/interop with machines that run guests in place of, or beside, WireGuard clients.

    host i ---- outer ---- router ---- server
    172.31.i.2             .1          10.200.0.2

The router has a plain listener on PLAIN_PORT and one with TLS on TLS_PORT; both ask for a token. Each guest
gets an address of its virtual LAN: `default`, or one that a scenario adds.
"""

import subprocess
import sys

import tls_files
from bed import Bed
from vm import HERE, PAGE_PORT

PLAIN_PORT = 8086
TLS_PORT = 8087
CUT_PORT = 8099
TOKEN = "a-token-of-the-tests"
GATEWAY = {"default": "192.168.86.1", "lab": "192.168.99.1"}


class VmBed(Bed):
    def __init__(self, name, logs, content, outer=4):
        super().__init__(name, logs, content, outer)
        self.hosts = []
        self.networks = {"default": {}}
        self.forwards = []

    def add_host(self):
        host = Host(self, len(self.hosts) + 1)
        self.hosts.append(host)
        return host

    def start(self):
        addresses = [host.router_address for host in self.hosts]
        self.tls = tls_files.make(self.lab.folder / "tls", addresses)
        for path in (self.tls.certificate, self.tls.private_key):
            self.router.give(path)
        common = {"addresses": ["0.0.0.0"], "tokens": [{"name": "tests", "secret": TOKEN}],
                  "origins": [f"http://127.0.0.1:{PAGE_PORT}"]}
        self.config.extra.update({
            "listeners": [{**common, "port": PLAIN_PORT},
                          {**common, "port": TLS_PORT, "certificate": str(self.tls.certificate),
                           "private_key": str(self.tls.private_key)}],
            "lan": {"networks": self.networks, "lease_file": str(self.router.folder_of_nobody("leases") / "leases")},
            "forwards": self.forwards,
        })
        return super().start()


class Host:
    """Where browsers run: a namespace that reaches the router and nothing else."""

    def __init__(self, bed, index):
        self.bed = bed
        self.ns = bed.lab.namespace(f"host{index}")
        self.router_address = f"172.31.{index}.1"
        self.ns.connect("uplink", bed.router_ns, f"host{index}", [f"172.31.{index}.2/24"], [f"{self.router_address}/24"])

    def relay(self, path="/", secure=False, port=None):
        """The relay URL of a guest; `port` is one of this host that leads to the router."""
        address = f"127.0.0.1:{port}" if port else f"{self.router_address}:{TLS_PORT if secure else PLAIN_PORT}"
        return f"{'wss' if secure else 'ws'}://{address}/{TOKEN}{path}"

    def start_cut_proxy(self, secure=False):
        """The function it returns cuts every connection that goes through CUT_PORT, and says how many."""
        process = self.ns.popen(sys.executable, str(HERE / "cut_proxy.py"), str(CUT_PORT), self.router_address,
                                str(TLS_PORT if secure else PLAIN_PORT), name="cut-proxy", stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n", "the path that can be cut does not start"

        def cut():
            process.stdin.write(b"cut\n")
            process.stdin.flush()
            return int(process.stdout.readline().split()[1])

        return cut
