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

import argparse
import contextlib
import json
import os
import platform
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUN_LIMIT = 60  # seconds that any one program may take


class Failed(Exception):
    pass


class Tools:
    def __init__(self, arguments):
        self.bin = arguments.bin
        cores = sorted(os.sched_getaffinity(0))
        self.router_core = {cores[0]}
        self.load_core = {cores[1 if len(cores) > 1 else 0]}
        self.seconds = arguments.seconds
        self.warm_up = arguments.warm_up

    def path(self, name):
        return os.path.join(self.bin, name)

    def spawn(self, command, cores, **options):
        # Set here, not in the child: taskset would cost the start-up time that is measured.
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            return subprocess.Popen(command, text=True, **options)
        finally:
            os.sched_setaffinity(0, own)

    def load(self, scenario, **keys):
        keys.setdefault("measured_ms", int(self.seconds * 1000))
        keys.setdefault("warm_up_ms", int(self.warm_up * 1000))
        words = [f"{key}={int(value)}" for key, value in keys.items()]
        process = self.spawn([self.path("bench_load"), scenario, *words], self.load_core,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=RUN_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed(f"{scenario}: not finished after {RUN_LIMIT} s") from None
        if process.returncode != 0:
            raise Failed(f"{scenario}: {errors.strip()}")
        return json.loads(output)


def read_line(stream, what):
    if not select.select([stream], [], [], 10)[0]:
        raise Failed(f"{what} says nothing")
    line = stream.readline()
    if not line:
        raise Failed(f"{what} has ended")
    return dict(pair.split("=") for pair in line.split())


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process):
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def host_server(tools):
    process = tools.spawn([tools.path("bench_host_server")], tools.load_core, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
    try:
        yield {name: int(port) for name, port in read_line(process.stdout, "host_server").items()}
    finally:
        end(process)


class Router:
    """A fresh router, and the milliseconds from its start to its first answer to an initiation."""

    def __init__(self, tools, folder, port, peers):
        self.port = port
        conf = os.path.join(folder, "bench.conf")
        yaml = os.path.join(folder, "bench.yaml")
        with open(conf, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            subprocess.run([tools.path("bench_load"), "conf", str(port), str(peers)], stdout=file, check=True)
        with open(yaml, "w") as file:
            file.write("egress:\n  allow: [loopback]\nprocessor:\n  workers: 1\nlog:\n  level: warn\n"
                       f"state:\n  folder: {folder}/state\n")
        probe = tools.spawn([tools.path("bench_load"), "first_answer", f"router={port}"], tools.load_core,
                            stdout=subprocess.PIPE)
        self.log = open(os.path.join(folder, "router.log"), "w")
        try:
            read_line(probe.stdout, "the probe")
            began = time.monotonic()
            self.process = tools.spawn([tools.path("wgrouter"), "run", "--config", yaml, "--wg-config", conf],
                                       tools.router_core, stdout=self.log, stderr=self.log)
            try:
                answered = float(read_line(probe.stdout, "the router")["answered_at"])
            except Failed as failure:
                end(self.process)
                with open(self.log.name) as file:
                    raise Failed(f"{failure}: {file.read()[-2000:]}") from None
        finally:
            end(probe)
        self.start_ms = (answered - began) * 1000
        # The probe was the first peer; a second initiation of that peer within 20 ms would be a flood, and the
        # next try comes after five seconds.
        time.sleep(0.05)

    def close(self):
        end(self.process)
        self.log.close()


class Limit:
    """tests/bench/limit.cc in one of its modes; account() is what it says of itself at the end."""

    def __init__(self, tools, mode, host_port, peer_port=0):
        began = time.monotonic()
        self.process = tools.spawn(
            [tools.path("bench_limit"), mode, str(host_port), str(peer_port)],
            tools.router_core, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(read_line(self.process.stdout, "limit")["port"])
        self.start_ms = (time.monotonic() - began) * 1000

    def account(self):
        self.process.stdin.close()
        figures = read_line(self.process.stdout, "limit")
        self.process.wait(timeout=10)
        return {name: float(value) for name, value in figures.items()}

    def close(self):
        if self.process.poll() is None:
            end(self.process)


def per_gb(figures):
    return figures["cpu_seconds"] * 1e9 / max(figures["payload_bytes"], 1)


def gbit(figures):
    return figures["payload_bytes"] * 8 / 1e9 / figures["seconds"]


class Bench:
    def __init__(self, tools, servers, folder, arguments):
        self.tools, self.servers, self.folder, self.arguments = tools, servers, folder, arguments
        self.samples = {}  # (mode, row, who, figure) -> values

    def note(self, mode, row, who, **figures):
        for name, value in figures.items():
            self.samples.setdefault((mode, row, who, name), []).append(value)

    def start_router(self, peers=1):
        router = Router(self.tools, self.folder, free_port(), peers)
        self.note("", "start", "router", ms=router.start_ms)
        return router

    def keys(self, router, offloads):
        return {"router": router.port, "pid": router.process.pid, "offloads": offloads}

    # --- rows ---

    def bulk(self, mode, direction, flows):
        row = f"{direction}{flows}"
        offloads = mode == "gso"
        service = {"download": "source", "upload": "sink"}[direction]
        router = self.start_router()
        try:
            figures = self.tools.load(direction, flows=flows, **self.keys(router, offloads),
                                      **{service: self.servers[service]})
        finally:
            router.close()
        self.note(mode, row, "router", cost=per_gb(figures), gbit=gbit(figures),
                  busy=figures["cpu_seconds"] / figures["seconds"],
                  generator_busy=figures["generator_cpu_seconds"] / figures["seconds"],
                  kernel_share=figures["system_seconds"] / max(figures["cpu_seconds"], 1e-9),
                  retransmissions=figures["retransmissions"], rss_mb=figures["resident_bytes"] / 1e6)
        if flows != 1:
            return
        listen = free_port()
        limit = Limit(self.tools, direction, self.servers[service], listen if direction == "download" else 0)
        try:
            self.tools.load("bare_" + direction, listen=listen, router=limit.port, pid=limit.process.pid,
                            offloads=offloads)
            account = limit.account()
        finally:
            limit.close()
        self.note(mode, row, "limit", cost=account["cpu_seconds_per_gb"], gbit=account["gbit_per_second"])

    def udp(self, mode):
        offloads = mode == "gso"
        pace = {"rate": self.arguments.udp_rate, "burst": 32}
        echo = self.servers["echo" if offloads else "plain"]
        router = self.start_router()
        try:
            figures = self.tools.load("udp", echo=echo, **self.keys(router, offloads), **pace)
        finally:
            router.close()
        packets = figures["sent_packets"] + figures["received_packets"]
        self.note(mode, "udp", "router", cost=figures["cpu_seconds"] * 1e6 / packets,
                  returned=figures["received_packets"] / figures["sent_packets"])
        limit = Limit(self.tools, "udp", echo)
        try:
            self.tools.load("bare_udp", router=limit.port, pid=limit.process.pid, offloads=offloads, **pace)
            account = limit.account()
        finally:
            limit.close()
        self.note(mode, "udp", "limit", cost=account["cpu_seconds"] * 1e6 / account["packets"])

    def rate(self, row, scenario, limit_mode, host_port, **keys):
        router = self.start_router(peers=keys.get("peers", 1))
        try:
            figures = self.tools.load(scenario, **self.keys(router, True), **keys)
        finally:
            router.close()
        completed = max(figures["completed"], 1)
        self.note("", row, "router", rate=figures["completed"] / figures["seconds"],
                  cost=figures["cpu_seconds"] * 1e6 / completed, failed=figures.get("failed", 0))
        limit = Limit(self.tools, limit_mode, host_port)
        try:
            time.sleep(self.tools.seconds)
            account = limit.account()
        finally:
            limit.close()
        self.note("", row, "limit", rate=account["rate"], cost=account["us_each"])

    def handshakes(self):
        self.rate("handshakes", "handshakes", "handshakes", 0, peers=1000)

    def flow_rate(self, flows):
        reply = self.servers["reply"]
        self.rate(f"flows{flows}", "flow_rate", "flows", reply, flows=flows, reply=reply)

    def idle(self):
        router = self.start_router()
        try:
            figures = self.tools.load("idle_flows", flows=1000, reply=self.servers["reply"],
                                      **{**self.keys(router, True), "measured_ms": 5000 if not self.arguments.smoke else 100})
        finally:
            router.close()
        grown = figures["resident_bytes"] - figures["resident_before"]
        self.note("", "idle", "router", mb=grown * 1000 / max(figures["flows"], 1) / 1e6,
                  before_mb=figures["resident_before"] / 1e6,
                  busy_mb=(figures["resident_busy"] - figures["resident_before"]) / 1e6)

    def start_limit(self):
        limit = Limit(self.tools, "udp", self.servers["echo"])
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

    def median(self, mode, row, who, figure, spread=True):
        values = self.samples.get((mode, row, who, figure))
        if not values:
            return None, "-"
        middle = statistics.median(values)
        digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
        text = f"{middle:.{digits}f}"
        if spread and len(values) > 1:
            text += f" ({min(values):.{digits}f}..{max(values):.{digits}f})"
        return middle, text

    def line(self, title, mode, row, figure, aim, also="", limit_row=None, higher=False):
        router, router_text = self.median(mode, row, "router", figure)
        if router is None:
            return
        limit, limit_text = self.median(mode, limit_row or row, "limit", figure)
        ratio = "-" if limit in (None, 0) else f"{(limit / router if higher else router / limit):.2f}"
        print(f"| {title} | {router_text} | {limit_text} | {ratio} | {aim} | {also} |")

    def print_table(self):
        print(f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, {self.arguments.rounds} rounds of "
              f"{self.tools.seconds} s, load average {os.getloadavg()[0]:.1f}")
        print()
        print("| measured | router | limit | ratio | aim | also |")
        print("|---|---|---|---|---|---|")
        for mode in self.arguments.modes:
            for direction in ("download", "upload"):
                for flows in (1, 4):
                    row = f"{direction}{flows}"
                    speed = self.median(mode, row, "router", "gbit", spread=False)[1]
                    bare = self.median(mode, f"{direction}1", "limit", "gbit", spread=False)[1]
                    kernel = (self.median(mode, row, "router", "kernel_share")[0] or 0) * 100
                    lost = self.median(mode, row, "router", "retransmissions", spread=False)[1]
                    busy = (self.median(mode, row, "router", "busy")[0] or 0) * 100
                    own = (self.median(mode, row, "router", "generator_busy")[0] or 0) * 100
                    also = (f"{speed} Gbit/s (limit {bare}), router {busy:.0f} % busy, {kernel:.0f} % of it kernel; "
                            f"generator {own:.0f} % busy, {lost} retransmissions")
                    self.line(f"TCP {direction}, {flows} flow{'s' if flows > 1 else ''}, {mode}: CPU s/GB", mode, row,
                              "cost", "ratio <= 1.5", also, limit_row=f"{direction}1")
            returned = (self.median(mode, "udp", "router", "returned")[0] or 0) * 100
            self.line(f"UDP 64 bytes, {mode}: us CPU per packet", mode, "udp", "cost",
                      "<= 4" if mode == "plain" else "", f"{returned:.1f} % of echoes returned")
        for row, title, aim in (("handshakes", "handshake", ""), ("flows1", "TCP connect-request-close, serial", ">= 3000"),
                                ("flows32", "TCP connect-request-close, 32 at a time", "")):
            failed = self.median("", row, "router", "failed", spread=False)[1]
            cost = self.median("", row, "router", "cost")[0] or 1
            self.line(f"{title}: us CPU", "", row, "cost", "", f"{1e6 / max(cost, 1e-9):.0f} a second of one core")
            self.line(f"{title}: per second", "", row, "rate", aim, f"{failed} failed", higher=True)
        self.line("memory of 1000 idle TCP flows, MB", "", "idle", "mb", "<= 6",
                  self.median("", "idle", "router", "before_mb", spread=False)[1] + " MB before; grown "
                  + self.median("", "idle", "router", "busy_mb", spread=False)[1] + " MB while they opened")
        self.line("start to first answer, ms", "", "start", "ms", "< 50")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--bin", default=os.path.join(tree, "build", "bench", "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["gso", "plain"])
    parser.add_argument("--rows", type=lambda text: text.split(","), help="only these, e.g. download1,udp,idle")
    parser.add_argument("--udp-rate", type=int, default=40000, help="64-byte packets sent per second")
    parser.add_argument("--smoke", action="store_true", help="prove that it runs; the figures mean nothing")
    parser.add_argument("--json", help="write every sample to this file")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.warm_up = 1, 0.1, 0.1
    tools = Tools(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder, host_server(tools) as servers:
            bench = Bench(tools, servers, folder, arguments)
            for number in range(arguments.rounds):
                for row, step in bench.steps():
                    if arguments.rows and row not in arguments.rows:
                        continue
                    print(f"round {number + 1}: {row}", file=sys.stderr)
                    step()
            bench.print_table()
            if arguments.json:
                with open(arguments.json, "w") as file:
                    json.dump([[*key, values] for key, values in bench.samples.items()], file, indent=1)
    except Failed as failure:
        print(f"tunnel.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
