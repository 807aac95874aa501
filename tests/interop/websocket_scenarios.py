"""WireGuard over a WebSocket, and what a page or a program sees of the server: claims made with stock
wireguard-go behind a small shim (udp_to_websocket.py), and with a plain WebSocket client."""

import base64
import json
import re
import signal
import subprocess
import sys
import time

import tls_files
from bed import HERE, IPERF_PORT, ROUTER_PORT, SERVER, Bed
from lab import wait_until
from scenarios import MB, Scenario
from scrape import scrape

PLAIN_PORT, TLS_PORT, SHIM_PORT = 8086, 8087, 51900
TOKEN = "a-token-of-the-tests"
ORIGIN = "https://vm.interop.test"


def base64url(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# As wstunnel offers it, for a tunnel to the router's own WireGuard.
WSTUNNEL = ("v1", "authorization.bearer." + ".".join((
    base64url({"alg": "HS256", "typ": "JWT"}),
    base64url({"id": "interop", "p": {"Udp": {"timeout": None}}, "r": "127.0.0.1", "rp": ROUTER_PORT}),
    "c2lnbmF0dXJl")))


class WebSocketBed(Bed):
    """One listener without TLS and one with, both with a token."""

    dialed_addresses = ()  # beside those that clients use

    def start(self):
        addresses = [*self.dialed_addresses, *(client.outer_router for client in self.clients)]
        self.tls = tls_files.make(self.lab.folder / "tls", addresses)
        for path in (self.tls.certificate, self.tls.private_key):
            self.router.give(path)
        common = {"addresses": [], "tokens": [{"name": "tests", "secret": TOKEN}], "origins": [ORIGIN]}
        self.config.extra["listeners"] = [
            {**common, "port": PLAIN_PORT},
            {**common, "port": TLS_PORT, "certificate": str(self.tls.certificate),
             "private_key": str(self.tls.private_key)}]
        return super().start()

    def start_shim(self, client, url, *options):
        """From now on the client's datagrams go to `url`; returns the shim's process."""
        process = client.ns.popen(sys.executable, str(HERE / "udp_to_websocket.py"), str(SHIM_PORT), url,
                                  "--authority", str(self.tls.authority), *options, name="shim", stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n", "the shim does not start"
        client.wg("set", client.device, "peer", self.public, "endpoint", f"127.0.0.1:{SHIM_PORT}")
        return process


class WireGuardOverWebSocket(Scenario):
    """A client whose network lets no UDP through."""

    bed_class = WebSocketBed
    control_knows = False

    @classmethod
    def setup_bed(cls):
        super().setup_bed()
        host = cls.client.outer_router
        cls.plain = f"ws://{host}:{PLAIN_PORT}"
        cls.secure = f"wss://{host}:{TLS_PORT}"

    def through(self, url, *options):
        """Forgets what was, and talks through a shim of this URL."""
        shim = self.bed.start_shim(self.client, url, *options)
        self.addCleanup(self.bed.lab.end, shim)
        self.client.endpoint = f"127.0.0.1:{SHIM_PORT}"
        self.client.forget_session()
        self.assert_passes()
        return shim

    def moves_files(self, size=20 * MB):
        for name, transfer in (("down", lambda: self.client.download(4, size)),
                               ("up", lambda: self.client.upload(self.bed.content.piece(size), 6))):
            began = time.monotonic()
            self.assertEqual(transfer().finish(), self.content.sha256(size), name)
            self.report(f"{name} {size * 8 / 1e6 / (time.monotonic() - began):.0f} Mbit/s")

    def test_files_pass_over_ws(self):
        self.through(f"{self.plain}/{TOKEN}/wg")
        self.moves_files()

    def test_files_pass_over_wss(self):
        self.through(f"{self.secure}/wg?token={TOKEN}")
        self.moves_files()

    def test_a_client_that_speaks_as_wstunnel_does_is_served(self):
        self.through(f"{self.secure}/{TOKEN}/v1/events", "--like=wstunnel", *(f"--subprotocol={name}" for name in WSTUNNEL))
        self.moves_files(2 * MB)
        time.sleep(1.5)  # some pings, while nothing else passes
        self.assert_passes()
        log = (self.bed.lab.logs / f"{self.client.ns.role}-shim.log").read_text()
        self.assertEqual(log.count("connected, subprotocol v1\n"), 1, log)
        self.assertIn("a ping was answered\n", log)

    def test_a_client_that_speaks_as_uwgsocks_does_is_served(self):
        """userspace-wireguard-socks: a Host that is but a name or an address, be it one of IPv6."""
        for url in (f"{self.secure}/{TOKEN}/wg", f"ws://[fd30:{self.client.index}::1]:{PLAIN_PORT}/{TOKEN}/wg"):
            with self.subTest(url=url):
                shim = self.through(url, "--like=uwgsocks")
                self.moves_files(2 * MB)
                self.bed.lab.end(shim)

    def test_a_transfer_survives_roaming_between_udp_and_websocket(self):
        shim_endpoint, size = f"127.0.0.1:{SHIM_PORT}", 40 * MB
        self.through(f"{self.secure}/{TOKEN}/wg")
        transfer = self.client.download(4, size, limit="8M")
        for endpoint in (f"{self.client.outer_router}:{ROUTER_PORT}", shim_endpoint):
            time.sleep(1)
            self.client.wg("set", self.client.device, "peer", self.bed.public, "endpoint", endpoint)
        time.sleep(1)
        self.assertTrue(transfer.is_running(), "the transfer was over before the client moved")
        self.assertEqual(transfer.finish(), self.content.sha256(size))

    def test_a_client_that_lost_its_connection_goes_on_with_another(self):
        first = self.through(f"{self.plain}/{TOKEN}/wg")
        handshake = self.client.latest_handshake()
        self.bed.lab.end(first)
        second = self.bed.start_shim(self.client, f"{self.plain}/{TOKEN}/wg")
        self.addCleanup(self.bed.lab.end, second)
        self.assert_passes()
        self.assertEqual(self.client.latest_handshake(), handshake, "no other handshake was needed")


class StalledReader(Scenario):
    """A client whose WebSocket takes nothing any more, while the network has much to say to it."""

    bed_class = WebSocketBed
    control_knows = False
    STALLED = 'wgrouter_ws_closed_total{reason="stalled"}'
    OPENED = 'wgrouter_ws_sessions_total{service="wireguard"}'
    DROPPED = 'wgrouter_ws_dropped_messages_total{service="wireguard"}'

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.bed.config.extra["ws"] = {"write_timeout": "2s"}
        # The kernels between hold little, so that it is the router's queue that fills.
        cls.client.ns.sysctl("net.ipv4.tcp_rmem", "4096 65536 131072")
        cls.bed.router_ns.sysctl("net.ipv4.tcp_wmem", "4096 65536 131072")
        cls.bed.start()
        cls.shim = cls.bed.start_shim(cls.client, f"ws://{cls.client.outer_router}:{PLAIN_PORT}/{TOKEN}/wg")

    def test_traffic_goes_on_after_the_router_ended_the_session(self):
        self.assert_passes()
        size, before, handshake = 20 * MB, scrape(self.bed.router), self.client.latest_handshake()
        transfer = self.client.download(4, size, limit="4M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        flood = self.client.ns.popen("iperf3", "-c", SERVER[4], "-p", str(IPERF_PORT), "-u", "-R", "-b", "40M", "-l",
                                     "1200", "-t", "30", name="iperf3")
        self.addCleanup(self.bed.lab.end, flood)
        wait_until(lambda: self.client.transferred()[0] > 4 * MB, "the flood has begun")
        self.shim.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: scrape(self.bed.router)[self.STALLED] == 1, "the router ends the session", timeout=15)
        finally:
            self.shim.send_signal(signal.SIGCONT)
        self.bed.lab.end(flood)
        self.assertTrue(transfer.is_running(), "the transfer was over before the end of the session")
        self.assertEqual(transfer.finish(), self.content.sha256(size))
        self.assertEqual(self.client.pings(SERVER[4], count=3), 3)
        after = scrape(self.bed.router)
        self.assertEqual(after[self.OPENED] - before[self.OPENED], 1)
        self.assertGreater(after[self.DROPPED], before[self.DROPPED], "the oldest gave way in the full queue")
        self.assertEqual(self.client.latest_handshake(), handshake, "no other handshake was needed")
        self.report(f"{after[self.DROPPED]:.0f} datagrams gave way")


class StockClientOfTheReadme(Scenario):
    """A router with the README's flags, the client it made, and what wstunnel would send between them."""

    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        router, folder = cls.bed.router, cls.bed.lab.folder
        cls.tls = tls_files.make(folder / "tls", [cls.client.outer_router])
        token = folder / "token"
        token.write_text(f"{TOKEN}\n")
        for path in (cls.tls.certificate, cls.tls.private_key, token):
            router.give(path)
        router.arguments = ["--ws-address", "0.0.0.0", "--wss-certificate", str(cls.tls.certificate),
                            "--wss-private-key", str(cls.tls.private_key), "--ws-token-file", str(token)]
        router.environment = {"STATE_DIRECTORY": str(router.folder_of_nobody("state")), "EGRESS_ALLOW": "private"}
        router.output = folder / "stdout"
        cls.bed.start_servers(cls.bed.server_ns)
        router.start()

    def start_tunnel(self, path):
        url = f"wss://{self.client.outer_router}:{TLS_PORT}{path}"
        tunnel = self.client.ns.popen(sys.executable, str(HERE / "udp_to_websocket.py"), str(ROUTER_PORT), url,
                                      "--authority", str(self.tls.authority),
                                      "--like=wstunnel", *(f"--subprotocol={name}" for name in WSTUNNEL), name="tunnel",
                                      stdout=subprocess.PIPE)
        self.addCleanup(self.bed.lab.end, tunnel)
        self.assertEqual(tunnel.stdout.readline(), b"ready\n")
        return tunnel

    def test_the_printed_conf_works_with_the_tunnel_as_its_endpoint(self):
        printed = self.bed.router.output.read_text()
        conf = re.sub("^Endpoint = .*$", f"Endpoint = 127.0.0.1:{ROUTER_PORT}", printed[printed.index("[Interface]"):],
                      flags=re.MULTILINE)
        # Without its token a client that has no Origin is told so, and nothing passes.
        stranger = self.start_tunnel("/v1/events")
        self.client.start(conf)
        log = self.bed.lab.logs / f"{self.client.ns.role}-tunnel.log"
        wait_until(lambda: "4003" in log.read_text(), "the tunnel without a token is refused")
        self.assertEqual(self.client.latest_handshake(), 0)
        self.bed.lab.end(stranger)

        self.start_tunnel(f"/{TOKEN}/events")
        wait_until(lambda: self.client.pings(SERVER[4], wait=1), "a ping passes", timeout=30)
        self.assertEqual(self.client.download(4, 5 * MB).finish(), self.content.sha256(5 * MB))
        self.assertEqual(self.client.upload(self.bed.content.piece(5 * MB), 4).finish(), self.content.sha256(5 * MB))


class WebSocketManners(Scenario):
    """What is answered to whom, told by a client that shows everything. Needs no WireGuard client."""

    bed_class = WebSocketBed
    control_knows = False

    def ask(self, path, *arguments):
        """What websocket_probe.py saw."""
        output = self.client.ns.run(sys.executable, str(HERE / "websocket_probe.py"),
                                    f"ws://{self.client.outer_router}:{PLAIN_PORT}{path}", *arguments).stdout
        return json.loads(output)

    def test_a_text_ping_is_answered_as_jslinux_wants_it(self):
        self.assertEqual(self.ask(f"/{TOKEN}/", "--say", "ping:12345"), {"subprotocol": None, "heard": "pong:12345"})

    def test_who_has_no_token_is_told_after_the_upgrade(self):
        for path in ("/", "/wg", "/wrong-token/wg?token=wrong"):
            with self.subTest(path=path):
                seen = self.ask(path)
                self.assertIn(seen.get("code", seen.get("refused")), (4003, "HTTP/1.1 404 Not Found"), seen)

    def test_a_page_of_another_site_is_told_after_the_upgrade(self):
        self.assertEqual(self.ask(f"/{TOKEN}/", "--origin", "https://elsewhere.test")["code"], 4003)
        self.assertEqual(self.ask(f"/{TOKEN}/", "--origin", ORIGIN, "--say", "ping:1")["heard"], "pong:1")

    def test_exactly_the_offered_subprotocol_comes_back(self):
        self.assertEqual(self.ask(f"/{TOKEN}/ethernet", "--subprotocol=binary", "--linger=0.3")["subprotocol"], "binary")
        self.assertIsNone(self.ask(f"/{TOKEN}/ethernet", "--linger=0.3")["subprotocol"])

    def test_a_visitor_gets_a_page_and_a_stray_one_the_same_404(self):
        def status(path):
            url = f"http://{self.client.outer_router}:{PLAIN_PORT}{path}"
            return self.client.ns.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url).stdout

        self.assertEqual(status("/"), "200")
        self.assertEqual(status("/wg"), "426")
        self.assertEqual(status("/no/such/path"), "404")

    def test_sigterm_says_going_away(self):
        probe = self.client.ns.popen(sys.executable, str(HERE / "websocket_probe.py"),
                                     f"ws://{self.client.outer_router}:{PLAIN_PORT}/{TOKEN}/", "--say", "ping:1",
                                     "--wait-for-close", "20", name="probe", stdout=subprocess.PIPE)
        self.assertEqual(probe.stdout.readline(), b"open\n")
        self.bed.router.process.terminate()
        seen = json.loads(probe.stdout.read())
        self.assertEqual(seen["code"], 1001, seen)
        self.assertEqual(self.bed.router.process.wait(12), 0)


ALL = [WireGuardOverWebSocket, StalledReader, StockClientOfTheReadme, WebSocketManners]
