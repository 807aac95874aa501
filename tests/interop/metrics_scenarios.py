"""Debian's Prometheus scrapes a live router; the queries of common WireGuard dashboards return data. And the page
that lists the families is held against a scrape."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest
import urllib.parse

import parts
from bed import HTTP_PORT, INNER_ROUTER, ROOT, SERVER, generate_key
from lab import wait_until
from router_config import Peer
from scenarios import MB, Scenario
from scrape import ADMIN_PORT, scrape
from servers import ADDRESSES

PROMETHEUS_PORT = 9590
FORWARDED_PORT = 8090
# Another program that has the port.
SQUATTER = """
import signal, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("taken", flush=True)
signal.pause()
"""
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
FRIENDLY_NAME = "a laptop"
# As found in dashboards made for MindFlavor's exporter, with shorter windows.
QUERIES = (
    "time() - wireguard_latest_handshake_seconds < 180",
    "rate(wireguard_received_bytes_total[10s]) > 0",
    "rate(wireguard_sent_bytes_total[10s]) > 0",
    "sum(increase(wireguard_sent_bytes_total[20s])) by (interface, public_key)",
    "count(wireguard_latest_handshake_seconds > 0)",
    "wireguard_peer_endpoint_info",
    "wgrouter_build_info",
    "process_resident_memory_bytes",
)


@contextlib.contextmanager
def stopped_thread(thread):
    """One thread of another process stands still; the process does not."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def ptrace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")

    ptrace(PTRACE_SEIZE)
    try:
        ptrace(PTRACE_INTERRUPT)
        os.waitpid(thread, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH)


class Prometheus(Scenario):
    """What an operator sees."""

    control_knows = False

    @classmethod
    def setUpClass(cls):
        try:
            cls.program = parts.prometheus()
        except parts.Missing as missing:
            raise unittest.SkipTest(f"Prometheus: {missing}") from None
        super().setUpClass()

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.bed.config.peers[0].name = FRIENDLY_NAME
        cls.bed.config.extra["health"] = {"stuck_after": "2s"}
        cls.bed.start()
        config = cls.bed.lab.folder / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "wgrouter", "static_configs": [{"targets": [f"127.0.0.1:{ADMIN_PORT}"]}]}]}))
        cls.bed.router_ns.popen(str(cls.program), f"--config.file={config}",
                                f"--storage.tsdb.path={cls.bed.lab.folder}/prometheus",
                                f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", name="prometheus")

    def get(self, path, port=ADMIN_PORT):
        """Status and body, asked from the router's own host."""
        output = self.bed.router_ns.run("curl", "-s", "-w", "\n%{http_code}", f"http://127.0.0.1:{port}{path}",
                                        check=False).stdout
        body, _, status = output.rpartition("\n")
        return int(status or 0), body

    def worker(self):
        """The id of a worker's thread."""
        tasks = pathlib.Path(f"/proc/{self.bed.router.process.pid}/task")
        return next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().startswith("worker-"))

    def reload(self, **sections):
        """The router reads its configuration again, with other sections."""
        before = self.bed.router.log().count("configuration reloaded")
        self.bed.config.extra |= sections
        self.bed.router.write_config()
        self.bed.router.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.bed.router.log().count("configuration reloaded") > before, "the reload", 5)

    def query(self, text):
        status, body = self.get(f"/api/v1/query?query={urllib.parse.quote(text)}", PROMETHEUS_PORT)
        return json.loads(body)["data"]["result"] if status == 200 else []

    def test_the_router_is_up_in_prometheus(self):
        wait_until(lambda: any(row["value"][1] == "1" for row in self.query("up")), "a scrape", 20, 0.3)

    def test_dashboard_queries_return_data(self):
        self.assert_passes()
        transfer = self.client.download(4, 40 * MB, limit="5M")
        for text in QUERIES:
            with self.subTest(query=text):
                wait_until(lambda text=text: self.query(text), "a result", 10, 0.3)
        labels = self.query("wireguard_latest_handshake_seconds")[0]["metric"]
        self.assertEqual(labels["public_key"], self.client.public)
        self.assertEqual(labels["allowed_ips"], ",".join((f"{self.client.inner[4]}/32", f"{self.client.inner[6]}/128")))
        self.assertEqual(labels["friendly_name"], FRIENDLY_NAME)
        self.assertTrue(labels["interface"])
        transfer.process.terminate()

    def counted(self):
        """Bytes the router has sent and received, by its own series of the client."""
        samples = scrape(self.bed.router).samples
        return [next(value for name, value in samples.items() if name.startswith(f"wireguard_{direction}_bytes_total{{"))
                for direction in ("sent", "received")]

    def test_the_counters_agree_with_the_clients(self):
        # Of pings, none of which is lost: of a download in bursts, a slow client counts only what it could take.
        before, before_there = self.counted(), self.client.transferred()
        self.assertEqual(self.client.pings(INNER_ROUTER[4], count=50, interval=0.02, size=1200), 50)

        def agree():
            here = [now - then for now, then in zip(self.counted(), before)]
            there = [now - then for now, then in zip(self.client.transferred(), before_there)]
            return min(here) > 50 * 1200 and all(abs(a - b) < b * 0.03 for a, b in zip(here, there))

        wait_until(agree, "what was on its way has arrived", timeout=5, interval=0.2)

    def test_promtool_reads_every_line(self):
        _, body = self.get("/metrics")
        checked = self.bed.router_ns.run(str(self.program.with_name("promtool")), "check", "metrics", stdin=body,
                                         check=False)
        # 3 is advice about names, some of which are given by dashboards that exist.
        self.assertIn(checked.returncode, (0, 3), checked.stderr)
        if checked.returncode:
            self.report(f"promtool: {len(checked.stderr.splitlines())} remarks")

    def test_a_stuck_worker_turns_liveness_bad_until_it_goes_on(self):
        self.assertEqual(self.get("/livez")[0], 200)
        with stopped_thread(self.worker()):
            wait_until(lambda: self.get("/livez")[0] == 503, "not alive", timeout=10)
        wait_until(lambda: self.get("/livez")[0] == 200, "alive again", timeout=5)
        self.assert_passes()

    def test_a_port_that_is_taken_turns_readiness_bad_by_name_until_it_is_free(self):
        wait_until(lambda: self.get("/readyz")[0] == 200, "ready", timeout=5)
        forward = {"listen": f"127.0.0.1:{FORWARDED_PORT}", "to": f"{self.client.inner[4]}:80"}
        bound = f'wgrouter_forward_port_bound{{protocol="tcp",listen="127.0.0.1:{FORWARDED_PORT}"}}'
        squatter = self.bed.router_ns.popen(sys.executable, "-c", SQUATTER, str(FORWARDED_PORT), name="squatter",
                                            stdout=subprocess.PIPE)
        self.assertEqual(squatter.stdout.readline(), b"taken\n")
        self.reload(forwards=[forward])
        wait_until(lambda: self.get("/readyz")[0] == 503, "not ready", timeout=5)
        self.assertEqual(self.get("/readyz")[1],
                         f"forwards_listening: not open: tcp 127.0.0.1:{FORWARDED_PORT} (Address already in use)\n")
        self.assertEqual(self.get("/livez")[0], 200)
        self.assertIn(f"{bound} 0\n", self.get("/metrics")[1])
        self.assertIn('wgrouter_health_check{check="forwards_listening"} 0\n', self.get("/metrics")[1])

        self.bed.lab.end(squatter)
        wait_until(lambda: self.get("/readyz")[0] == 200, "ready again", timeout=15)
        self.assertIn(f"{bound} 1\n", self.get("/metrics")[1])
        self.reload(forwards=[])
        self.assert_passes()

    def test_health_is_good_and_turns_bad_while_the_router_drains(self):
        for path in ("/livez", "/readyz", "/healthz"):
            with self.subTest(path=path):
                self.assertEqual(self.get(path)[0], 200)
        transfer = self.client.download(4, 40 * MB, limit="5M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        self.bed.router.process.terminate()
        wait_until(lambda: self.get("/readyz")[0] == 503, "not ready", timeout=3)
        self.assertEqual(self.get("/livez")[0], 200)
        wait_until(lambda: any(row["value"][1] == "0" for row in self.query("up")), "down in Prometheus", 20, 0.3)
        transfer.process.terminate()


class ListedFamilies(Scenario):
    """deploy/docs/metrics.md and a scrape of a router that has something to say about everything."""

    control_knows = False
    # Told where the kernel tracks connections: not in every namespace of every host.
    OF_THE_KERNEL = {"wgrouter_conntrack_entries", "wgrouter_conntrack_limit"}

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.bed.config.peers.append(Peer(generate_key()[1], ["10.9.0.200/32"], endpoint="ws://127.0.0.1:9/wg"))
        cls.bed.config.extra.update({
            "metrics": {"compatibility": "both"},
            "health": {"probe": True, "http_url": f"http://{SERVER[4]}:{HTTP_PORT}/file?size=1", "interval": "1s",
                       "dns_name": next(iter(ADDRESSES))},
            "forwards": [{"listen": f"127.0.0.1:{FORWARDED_PORT}", "to": f"{cls.client.inner[4]}:80"}],
        })
        cls.bed.start()

    @staticmethod
    def listed():
        """Type and labels of every family on the page."""
        page = (ROOT / "deploy" / "docs" / "metrics.md").read_text()
        rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \| .* \|$", page, re.MULTILINE)
        return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}

    def test_the_page_and_a_scrape_name_the_same_families(self):
        self.assert_passes()
        self.assertEqual(self.client.download(4, MB).finish(), self.content.sha256(MB))
        wait_until(lambda: "wgrouter_probe_success" in scrape(self.bed.router).families, "a probe has run")
        told = {name: (family.kind, family.labels) for name, family in scrape(self.bed.router).families.items()}
        listed = self.listed()
        self.assertEqual(set(told) - set(listed), set(), "told, but not listed")
        missing = set(listed) - set(told)
        self.assertLessEqual(missing, self.OF_THE_KERNEL, "listed, but not told")
        for name, (kind, labels) in told.items():
            with self.subTest(family=name):
                self.assertEqual((kind, labels), listed[name])
        self.report(f"{len(told)} families" + (f", without {', '.join(sorted(missing))}" if missing else ""))


ALL = [Prometheus, ListedFamilies]
