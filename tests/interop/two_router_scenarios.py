"""One router reaches the next over a WebSocket that it dials: `endpoint: wss://...`, directly and through a web
proxy. Behind it is a stock client whose traffic leaves at the second."""

import json
import shutil
import subprocess
import sys
import time

from bed import HERE, INNER_ROUTER, ROUTER_PORT, SERVER, Router, generate_key
from lab import silently_cut, wait_until
from router_config import Peer, RouterConfig
from scenarios import MB, Scenario
from scrape import scrape
from websocket_scenarios import TLS_PORT, TOKEN, WebSocketBed

PING_INTERVAL = "2s"


class Edge:
    """A second router, whose only way out is a WebSocket to the first."""

    HUB, OWN = "172.32.0.1", "172.32.0.2"
    dialed_host = HUB

    def __init__(self, bed):
        self.bed = bed
        self.private, self.public = generate_key()
        self.ns = bed.lab.namespace("edge")
        bed.dialed_addresses = [self.HUB]
        beyond = [*(f"{host}/{32 if family == 4 else 128}" for family, host in INNER_ROUTER.items()),
                  *(f"{host}/{32 if family == 4 else 128}" for family, host in SERVER.items())]
        url = f"wss://{self.dialed_host}:{TLS_PORT}/{TOKEN}/wg"
        self.config = RouterConfig(
            private_key=self.private, listen_port=ROUTER_PORT, addresses=["10.9.9.1/32", "fd09:9::1/128"], overlay=True,
            peers=[Peer(bed.public, beyond, endpoint=url, persistent_keepalive=5)])
        self.router = Router(bed, self.ns, self.config)
        self.connect()

    def connect(self):
        self.ns.connect("uplink", self.bed.router_ns, "edge", [f"{self.OWN}/24"], [f"{self.HUB}/24"])

    def start(self):
        authority = self.router.folder_of_nobody("trusted") / "authority.pem"
        shutil.copy(self.bed.tls.authority, authority)
        self.router.give(authority)
        self.config.wireguard["dial_authorities"] = str(authority)
        self.config.extra["ws"] = {"enabled": False, "ping_interval": PING_INTERVAL}
        self.router.start()


class OfficeEdge(Edge):
    """The same in a network that lets nothing out but what its web proxy tunnels, names included.

        edge ---- proxy ---- hub
        172.33.0.2   .1
                 172.32.0.2  .1
    """

    PROXY, PORT, USER = "172.33.0.1", 3128, "office:a-password-of-the-tests"
    dialed_host = "router.interop.test"  # which the certificate has, and no resolver of the edge

    def connect(self):
        self.proxy_ns = self.bed.lab.namespace("proxy")
        self.proxy_ns.sysctl("net.ipv4.ip_forward", "0")
        self.ns.connect("uplink", self.proxy_ns, "edge", ["172.33.0.2/24"], [f"{self.PROXY}/24"])
        self.proxy_ns.connect("uplink", self.bed.router_ns, "proxy", [f"{self.OWN}/24"], [f"{self.HUB}/24"])
        self.ns.ip("route", "add", "default", "via", self.PROXY)
        self.ns.resolve_with("127.0.0.1")  # where nobody answers
        self.config.wireguard["dial_proxy"] = f"http://{self.USER}@{self.PROXY}:{self.PORT}"

    def start(self):
        self.proxy = self.proxy_ns.popen(
            sys.executable, str(HERE / "connect_proxy.py"), str(self.PORT), "--user", self.USER,
            "--name", f"{self.dialed_host}={self.HUB}", name="connect-proxy", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        assert self.proxy.stdout.readline() == b"ready\n", "the proxy does not start"
        super().start()

    def ask_proxy(self, command="status"):
        self.proxy.stdin.write(f"{command}\n".encode())
        self.proxy.stdin.flush()
        return json.loads(self.proxy.stdout.readline())


class TwoRouters(Scenario):
    """A client, its router, and the router that this one dials."""

    bed_class = WebSocketBed
    edge_class = Edge
    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.edge = cls.edge_class(cls.bed)
        cls.client = cls.bed.add_client(known=False, behind=cls.edge)
        cls.edge.config.peers.append(cls.client.peer())
        known = cls.client.peer()
        cls.bed.config.peers.append(Peer(cls.edge.public, known.allowed_ips))
        cls.bed.config.extra["ws"] = {"ping_interval": PING_INTERVAL}
        cls.bed.start()
        cls.edge.start()

    def files_pass(self, down, up):
        for family in (4, 6):
            self.assertEqual(self.client.download(family, down).finish(), self.content.sha256(down))
            self.assertEqual(self.client.upload(self.bed.content.piece(up), family).finish(), self.content.sha256(up))


class RouterToRouter(TwoRouters):
    def test_files_pass_through_both(self):
        self.assert_passes()
        self.files_pass(20 * MB, 5 * MB)

    def test_the_edge_dials_again_when_the_hub_restarts(self):
        self.bed.router.restart()
        began = time.monotonic()
        self.assert_passes(within=60)
        self.report(f"recovered after {time.monotonic() - began:.1f} s")
        self.assertEqual(self.client.download(4, 5 * MB).finish(), self.content.sha256(5 * MB))


    def test_both_end_a_connection_whose_path_is_silently_gone(self):
        dead, lost = 'wgrouter_ws_closed_total{reason="dead"}', "wgrouter_ws_dial_lost_total"
        size, before = 10 * MB, scrape(self.edge.router)[lost]
        transfer = self.client.download(4, size, limit="5M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        with silently_cut((self.bed.router_ns, Edge.OWN), (self.edge.ns, Edge.HUB)):
            wait_until(lambda: scrape(self.edge.router)[lost] == before + 1, "the edge gives it up", 20)
            wait_until(lambda: scrape(self.bed.router)[dead] == 1, "the hub gives it up", 20)
        began = time.monotonic()
        self.assertEqual(transfer.finish(), self.content.sha256(size))
        self.report(f"done {time.monotonic() - began:.1f} s after the path was back")


class RouterThroughAProxy(TwoRouters):
    """The edge's only way to the hub is a web proxy, which asks for a password."""

    edge_class = OfficeEdge

    def test_there_is_no_other_way(self):
        tried = self.edge.ns.run("curl", "-sk", "--connect-timeout", "1", f"https://{Edge.HUB}:{TLS_PORT}/", check=False)
        self.assertNotEqual(tried.returncode, 0, tried.stdout)
        self.assertNotEqual(self.edge.ns.run("getent", "hosts", self.edge.dialed_host, check=False).returncode, 0)

    def test_files_pass_and_the_proxy_has_moved_their_bytes(self):
        self.assert_passes()
        self.assertEqual(self.client.pings(SERVER[4], count=5), 5)
        before = self.edge.ask_proxy()
        self.assertEqual((before["tunnels"], before["opened"], before["refused"]), (1, 1, 0))
        down, up = 10 * MB, 3 * MB
        self.files_pass(down, up)
        after = self.edge.ask_proxy()
        self.assertGreater(after["bytes"]["down"] - before["bytes"]["down"], 2 * down)
        self.assertGreater(after["bytes"]["up"] - before["bytes"]["up"], 2 * up)

    def test_a_transfer_survives_the_end_of_its_tunnel(self):
        size = 20 * MB
        transfer = self.client.download(4, size, limit="5M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        before = self.edge.ask_proxy("cut")
        self.assertEqual(before["tunnels"], 1)
        began = time.monotonic()
        wait_until(lambda: self.edge.ask_proxy()["opened"] == before["opened"] + 1, "another tunnel", timeout=30)
        self.report(f"another tunnel after {time.monotonic() - began:.1f} s")
        self.assertTrue(transfer.is_running(), "the transfer was over before the cut")
        self.assertEqual(transfer.finish(), self.content.sha256(size))
        self.assertEqual(self.client.pings(SERVER[4], count=3), 3)
        counts = scrape(self.edge.router)
        self.assertEqual((counts["wgrouter_ws_dial_lost_total"], counts["wgrouter_ws_dial_opened_total"]), (1, 2))

    def test_the_password_is_in_no_log(self):
        self.assertNotIn(self.edge.USER.split(":")[1], self.edge.router.log())


ALL = [RouterToRouter, RouterThroughAProxy]
