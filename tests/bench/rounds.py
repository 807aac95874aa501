"""Rows measured in rounds, in which router and limit take turns, and the table of their medians."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile

from programs import Failed, Router, Tools, free_port, host_server


def per_gb(figures):
    return figures["cpu_seconds"] * 1e9 / max(figures["payload_bytes"], 1)


def gbit(figures):
    return figures["payload_bytes"] * 8 / 1e9 / figures["seconds"]


class Bench:
    """What the drivers share. A driver has steps() and print_rows()."""

    def __init__(self, tools, servers, folder, arguments):
        self.tools, self.servers, self.folder, self.arguments = tools, servers, folder, arguments
        self.samples = {}  # (mode, row, who, figure) -> values

    def note(self, mode, row, who, **figures):
        for name, value in figures.items():
            self.samples.setdefault((mode, row, who, name), []).append(value)

    def start_router(self, peers=1, sections=""):
        return Router(self.tools, self.folder, free_port(), peers, sections)

    def measure(self, scenario, measured, **keys):
        """The load's figures; the life of the measured router ends with it."""
        try:
            return self.tools.load(scenario, **{"router": measured.port, "pid": measured.process.pid, **keys})
        finally:
            measured.close()

    def measure_limit(self, limit, load):
        """The limit's own account of its life, in which `load` ran."""
        try:
            load(limit)
            return limit.account()
        finally:
            limit.close()

    def note_bulk(self, mode, row, figures):
        self.note(mode, row, "router", cost=per_gb(figures), gbit=gbit(figures),
                  busy=figures["cpu_seconds"] / figures["seconds"],
                  generator_busy=figures["generator_cpu_seconds"] / figures["seconds"],
                  kernel_share=figures["system_seconds"] / max(figures["cpu_seconds"], 1e-9),
                  retransmissions=figures["retransmissions"], rss_mb=figures["resident_bytes"] / 1e6)

    def note_bulk_limit(self, mode, row, account):
        self.note(mode, row, "limit", cost=account["cpu_seconds_per_gb"], gbit=account["gbit_per_second"])

    def note_rate(self, row, figures, account):
        completed = max(figures["completed"], 1)
        self.note("", row, "router", rate=figures["completed"] / figures["seconds"],
                  cost=figures["cpu_seconds"] * 1e6 / completed, failed=figures.get("failed", 0))
        self.note("", row, "limit", rate=account["rate"], cost=account["us_each"])

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
        ratio = "-" if limit in (None, 0) or (higher and router == 0) else f"{(limit / router if higher else router / limit):.2f}"
        print(f"| {title} | {router_text} | {limit_text} | {ratio} | {aim} | {also} |")

    def bulk_line(self, title, mode, row, limit_row=None):
        limit_row = limit_row or row
        speed = self.median(mode, row, "router", "gbit", spread=False)[1]
        bare = self.median(mode, limit_row, "limit", "gbit", spread=False)[1]
        kernel = (self.median(mode, row, "router", "kernel_share")[0] or 0) * 100
        lost = self.median(mode, row, "router", "retransmissions", spread=False)[1]
        busy = (self.median(mode, row, "router", "busy")[0] or 0) * 100
        own = (self.median(mode, row, "router", "generator_busy")[0] or 0) * 100
        also = (f"{speed} Gbit/s (limit {bare}), router {busy:.0f} % busy, {kernel:.0f} % of it kernel; "
                f"generator {own:.0f} % busy, {lost} retransmissions")
        self.line(f"{title}: CPU s/GB", mode, row, "cost", "ratio <= 1.5", also, limit_row=limit_row)

    def rate_lines(self, row, title, aim):
        failed = self.median("", row, "router", "failed", spread=False)[1]
        cost = self.median("", row, "router", "cost")[0] or 1
        self.line(f"{title}: us CPU", "", row, "cost", "", f"{1e6 / max(cost, 1e-9):.0f} a second of one core")
        self.line(f"{title}: per second", "", row, "rate", aim, f"{failed} failed", higher=True)

    def print_table(self):
        print(f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, {self.arguments.rounds} rounds of "
              f"{self.tools.seconds} s, load average {os.getloadavg()[0]:.1f}")
        print()
        print("| measured | router | limit | ratio | aim | also |")
        print("|---|---|---|---|---|---|")
        self.print_rows()

    def run(self):
        """False if a row could not be measured in some round; the others are printed all the same."""
        is_whole = True
        for number in range(self.arguments.rounds):
            for row, step in self.steps():
                if self.arguments.rows and row not in self.arguments.rows:
                    continue
                print(f"round {number + 1}: {row}", file=sys.stderr)
                try:
                    step()
                except Failed as failure:
                    print(f"{row}: {failure}", file=sys.stderr)
                    is_whole = False
        self.print_table()
        if self.arguments.json:
            with open(self.arguments.json, "w") as file:
                json.dump([[*key, values] for key, values in self.samples.items()], file, indent=1)
        return is_whole


def run_driver(bench_class, name, description, add_arguments):
    """The whole of a driver's main(); returns its exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--bin", default=os.path.join(tree, "build", "bench", "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--rows", type=lambda text: text.split(","), help="only these, e.g. download1,udp,idle")
    parser.add_argument("--smoke", action="store_true", help="prove that it runs; the figures mean nothing")
    parser.add_argument("--json", help="write every sample to this file")
    add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.warm_up = 1, 0.1, 0.1
    tools = Tools(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder, host_server(tools) as servers:
            return 0 if bench_class(tools, servers, folder, arguments).run() else 1
    except Failed as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        return 1
