#!/usr/bin/env python3
"""bench/websocket: what the router costs behind a WebSocket, beside a bare program that moves the same bytes.

    tests/bench/websocket.py [--rounds N] [--seconds S] [--rows ethernet_download,sessions,...]

The method is that of tunnel.py. Ingress: `ethernet` is a station of the virtual LAN, one frame per message as
v86 sends them; `wireguard` is a WireGuard client, one datagram per message. Each plain and with TLS.

Acknowledgements of a download: `runs` is a guest that acknowledges once per run of segments, `each second` one
that acknowledges every second segment, as RFC 9293 wants it of a guest without receive offloads. The limit
receives none.
"""

import os
import socket
import subprocess
import sys

from programs import Limit, free_port
from rounds import Bench, run_driver

INGRESS = {"ethernet": 1, "wireguard": 2}  # as the load counts them
SECURITY = ("plain", "tls")
ACKNOWLEDGEMENTS = {"runs": 1, "each second": 0}  # offloads of the guest
RENEWALS_PER_SECOND = 1000  # to measure one
IDLE_RENEWALS_PER_SECOND = 1  # 2,000 stations each half hour: a lease of an hour
IDLE_MS = 30000  # one interval of the pings to silent clients


def make_certificate(folder):
    paths = os.path.join(folder, "certificate.pem"), os.path.join(folder, "private_key.pem")
    if not os.path.exists(paths[0]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-days", "2", "-out", paths[0], "-keyout", paths[1]],
                       check=True, stderr=subprocess.DEVNULL)
    return paths


class WebSocketBench(Bench):
    def files(self, security):
        return make_certificate(self.folder) if security == "tls" else ()

    def ingress_load(self, scenario, security, **keys):
        """The figures of a load against the listener of a fresh router."""
        port = free_port(socket.SOCK_STREAM)
        sections = f"listeners:\n  - addresses: [127.0.0.1]\n    port: {port}\n"
        if files := self.files(security):
            sections += f"    certificate: {files[0]}\n    private_key: {files[1]}\n"
        sections += "lan:\n  networks:\n    default:\n      subnet: 10.86.0.0/16\n"
        return self.measure(scenario, self.start_router(sections=sections),
                            **{"router": port, "tls": security == "tls", **keys})

    def limit(self, mode, security, host_port=0):
        return Limit(self.tools, "bench_limit_websocket", mode, host_port, *self.files(security))

    # --- rows ---

    def bulk(self, ingress, direction, security):
        row = f"{ingress}_{direction}"
        service = {"download": "source", "upload": "sink"}[direction]
        for name, offloads in ACKNOWLEDGEMENTS.items():
            if direction == "upload" and not offloads:
                continue
            self.note_bulk(security, f"{row}_{name}", self.ingress_load(
                direction, security, ingress=INGRESS[ingress], offloads=offloads,
                **{service: self.servers[service]}))
        self.note_bulk_limit(security, row, self.measure_limit(
            self.limit(row, security, self.servers[service]), lambda limit: self.tools.load(
                "bare_websocket_" + direction, ingress=INGRESS[ingress], tls=security == "tls", router=limit.port,
                pid=limit.process.pid)))

    def sessions(self, security):
        figures = self.ingress_load("sessions", security, flows=32)
        account = self.measure_limit(self.limit("sessions", security), lambda limit: self.tools.load(
            "sessions", tls=security == "tls", flows=32, router=limit.port, pid=limit.process.pid))
        self.note_rate(f"sessions_{security}", figures, account)

    def note_growth(self, row, figures):
        grown = figures["resident_bytes"] - figures["resident_before"]
        self.note("", row, "router", kib_each=grown / figures["sessions"] / 1024,
                  before_mb=figures["resident_before"] / 1e6)

    def idle(self, security):
        self.note_growth(f"idle_{security}", self.ingress_load("idle_sessions", security, flows=self.count(),
                                                               measured_ms=100 if self.arguments.smoke else 3000))

    def leases(self, security):
        row = f"leases_{security}"
        figures = self.ingress_load("leases", security, flows=self.count(), rate=RENEWALS_PER_SECOND)
        self.note_growth(row, figures)
        self.note("", row, "router", cost=figures["cpu_seconds"] * 1e6 / max(figures["renewed"], 1))
        figures = self.ingress_load("leases", security, flows=self.count(), rate=IDLE_RENEWALS_PER_SECOND,
                                    measured_ms=100 if self.arguments.smoke else IDLE_MS)
        self.note("", row, "router", percent=figures["cpu_seconds"] * 100 / figures["seconds"])

    def count(self):
        return 200 if self.arguments.smoke else 2000

    def steps(self):
        """(row name, call), in the order of a round."""
        for ingress in INGRESS:
            for direction in ("download", "upload"):
                for security in SECURITY:
                    yield f"{ingress}_{direction}", lambda i=ingress, d=direction, s=security: self.bulk(i, d, s)
        for security in SECURITY:
            yield "sessions", lambda s=security: self.sessions(s)
            yield "idle", lambda s=security: self.idle(s)
            yield "leases", lambda s=security: self.leases(s)

    # --- the table ---

    def print_rows(self):
        names = {"ethernet": "Ethernet", "wireguard": "WireGuard"}
        for ingress in INGRESS:
            for direction in ("download", "upload"):
                for security in SECURITY:
                    row = f"{ingress}_{direction}"
                    for name in ACKNOWLEDGEMENTS:
                        kind = f", acknowledged {name}" if direction == "download" else ""
                        self.bulk_line(f"{names[ingress]} {direction}, {security}{kind}", security, f"{row}_{name}",
                                       limit_row=row)
        for security in SECURITY:
            self.rate_lines(f"sessions_{security}", f"connect, upgrade, close, {security}, 32 at a time", "")
        for security, aim in (("plain", 16), ("tls", 32)):
            self.line(f"memory of an idle session, {security}, KiB", "", f"idle_{security}", "kib_each", f"<= {aim}",
                      self.median("", f"idle_{security}", "router", "before_mb", spread=False)[1]
                      + f" MB before {self.count()} of them")
            self.line(f"memory of an idle station with its session and lease, {security}, KiB", "",
                      f"leases_{security}", "kib_each", "")
        for security in SECURITY:
            self.line(f"a lease renewed, {security}: us CPU", "", f"leases_{security}", "cost", "",
                      f"{self.count()} stations, {RENEWALS_PER_SECOND} renewals a second")
            self.line(f"{self.count()} idle stations, {security}: % of a core", "", f"leases_{security}", "percent", "",
                      f"{IDLE_RENEWALS_PER_SECOND} renewal a second, a ping to each every 30 s")


if __name__ == "__main__":
    sys.exit(run_driver(WebSocketBench, "websocket.py", __doc__, lambda parser: None))
