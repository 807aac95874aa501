#!/usr/bin/env python3
"""bench/tunnel: what the router costs, beside a bare program that only moves and ciphers the same bytes.

    tests/bench/tunnel.py [--rounds N] [--seconds S] [--modes gso,plain] [--rows download1,udp,...]

Builds nothing: `cmake --preset bench && cmake --build --preset bench` first. Everything runs on loopback;
the router (or the limit) is pinned to one core, the generator and the far end to another. Router and
limit take turns within each round; figures are medians over the rounds, with the smallest and largest.

Modes: `gso` has UDP_GRO and UDP_SEGMENT everywhere (super-skbs on loopback). `plain` has them off in the
generator and in the UDP echo, and the generator acknowledges every second segment: router and limit then
receive single datagrams, and what they send in runs is cut up by the kernel. Both keep using what the kernel
offers.
"""

import sys
import time

from programs import Limit, free_port
from rounds import Bench, run_driver


class TunnelBench(Bench):
    def start_router(self, peers=1, sections=""):
        router = super().start_router(peers, sections)
        self.note("", "start", "router", ms=router.start_ms)
        return router

    # --- rows ---

    def bulk(self, mode, direction, flows):
        row = f"{direction}{flows}"
        offloads = mode == "gso"
        service = {"download": "source", "upload": "sink"}[direction]
        self.note_bulk(mode, row, self.measure(direction, self.start_router(), flows=flows, offloads=offloads,
                                               **{service: self.servers[service]}))
        if flows != 1:
            return
        listen = free_port()
        limit = Limit(self.tools, "bench_limit", direction, self.servers[service],
                      listen if direction == "download" else 0)
        self.note_bulk_limit(mode, row, self.measure_limit(limit, lambda limit: self.tools.load(
            "bare_" + direction, listen=listen, router=limit.port, pid=limit.process.pid, offloads=offloads)))

    def udp(self, mode):
        offloads = mode == "gso"
        pace = {"rate": self.arguments.udp_rate, "burst": 32}
        echo = self.servers["echo" if offloads else "plain"]
        figures = self.measure("udp", self.start_router(), echo=echo, offloads=offloads, **pace)
        packets = figures["sent_packets"] + figures["received_packets"]
        self.note(mode, "udp", "router", cost=figures["cpu_seconds"] * 1e6 / packets,
                  returned=figures["received_packets"] / figures["sent_packets"])
        limit = Limit(self.tools, "bench_limit", "udp", echo, 0)
        account = self.measure_limit(limit, lambda limit: self.tools.load(
            "bare_udp", router=limit.port, pid=limit.process.pid, offloads=offloads, **pace))
        self.note(mode, "udp", "limit", cost=account["cpu_seconds"] * 1e6 / account["packets"])

    def rate(self, row, scenario, limit_mode, host_port, **keys):
        figures = self.measure(scenario, self.start_router(peers=keys.get("peers", 1)), offloads=True, **keys)
        limit = Limit(self.tools, "bench_limit", limit_mode, host_port, 0)
        self.note_rate(row, figures, self.measure_limit(limit, lambda _: time.sleep(self.tools.seconds)))

    def handshakes(self):
        self.rate("handshakes", "handshakes", "handshakes", 0, peers=1000)

    def flow_rate(self, flows):
        reply = self.servers["reply"]
        self.rate(f"flows{flows}", "flow_rate", "flows", reply, flows=flows, reply=reply)

    def idle(self):
        figures = self.measure("idle_flows", self.start_router(), flows=1000, reply=self.servers["reply"],
                               offloads=True, measured_ms=100 if self.arguments.smoke else 5000)
        grown = figures["resident_bytes"] - figures["resident_before"]
        self.note("", "idle", "router", mb=grown * 1000 / max(figures["flows"], 1) / 1e6,
                  before_mb=figures["resident_before"] / 1e6,
                  busy_mb=(figures["resident_busy"] - figures["resident_before"]) / 1e6)

    def start_limit(self):
        limit = Limit(self.tools, "bench_limit", "udp", self.servers["echo"], 0)
        limit.close()
        self.note("", "start", "limit", ms=limit.start_ms)

    def steps(self):
        """(row name, call), in the order of a round."""
        for mode in self.arguments.modes:
            for direction in ("download", "upload"):
                for flows in (1, 4):
                    yield f"{direction}{flows}", lambda m=mode, d=direction, f=flows: self.bulk(m, d, f)
            yield "udp", lambda m=mode: self.udp(m)
        yield "handshakes", self.handshakes
        yield "flows1", lambda: self.flow_rate(1)
        yield "flows32", lambda: self.flow_rate(32)
        yield "idle", self.idle
        yield "start", self.start_limit

    # --- the table ---

    def print_rows(self):
        for mode in self.arguments.modes:
            for direction in ("download", "upload"):
                for flows in (1, 4):
                    self.bulk_line(f"TCP {direction}, {flows} flow{'s' if flows > 1 else ''}, {mode}", mode,
                                   f"{direction}{flows}", limit_row=f"{direction}1")
            returned = (self.median(mode, "udp", "router", "returned")[0] or 0) * 100
            self.line(f"UDP 64 bytes, {mode}: us CPU per packet", mode, "udp", "cost",
                      "<= 4" if mode == "plain" else "", f"{returned:.1f} % of echoes returned")
        self.rate_lines("handshakes", "handshake", "")
        self.rate_lines("flows1", "TCP connect-request-close, serial", ">= 3000")
        self.rate_lines("flows32", "TCP connect-request-close, 32 at a time", "")
        self.line("memory of 1000 idle TCP flows, MB", "", "idle", "mb", "<= 6",
                  self.median("", "idle", "router", "before_mb", spread=False)[1] + " MB before; grown "
                  + self.median("", "idle", "router", "busy_mb", spread=False)[1] + " MB while they opened")
        self.line("start to first answer, ms", "", "start", "ms", "< 50")


def add_arguments(parser):
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["gso", "plain"])
    parser.add_argument("--udp-rate", type=int, default=40000, help="64-byte packets sent per second")


if __name__ == "__main__":
    sys.exit(run_driver(TunnelBench, "tunnel.py", __doc__, add_arguments))
