"""The scenarios: each test is a claim about the router, made with real programs."""

import re
import time
import unittest

import probes
import servers
from bed import (FAR, HTTP_PORT, INNER_ROUTER, METADATA, ROUTER_PORT, SERVER, UNREACHABLE, Bed, bracket, generate_psk)
from lab import wait_until

AT_ONCE = 2.0  # seconds in which a client sees that a port is refused
CLOSED_PORT = 9
MB = 1_000_000


class Scenario(unittest.TestCase):
    """Tests of one class share a bed, which setup_bed() fills. Tests run in the order of the text."""

    outer = 4
    logs = None          # set by the runner
    content = None
    bed_class = Bed
    control_knows = True  # whether a kernel router behaves the same

    @classmethod
    def setUpClass(cls):
        cls.bed = cls.bed_class(cls.__name__, cls.logs, cls.content, cls.outer)
        try:
            cls.setup_bed()
        except BaseException:
            cls.bed.close()
            raise

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.bed.start()

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()

    def assert_passes(self, client=None, family=4, within=10):
        """The tunnel carries a ping to the router's own address."""
        client = client or self.client
        wait_until(lambda: client.pings(INNER_ROUTER[family], wait=1), "a ping passes", timeout=within)


class Traffic:
    """Everything a client does through the tunnel. Run over outer IPv4 and over outer IPv6."""

    def test_a_200_MB_file_comes_down_intact(self):
        for family in (4, 6):
            with self.subTest(inner=family):
                self.assertEqual(self.client.download(family).finish(), self.content.sha256())

    def test_a_200_MB_file_goes_up_intact(self):
        for family in (4, 6):
            with self.subTest(inner=family):
                self.assertEqual(self.client.upload(self.content.path, family).finish(), self.content.sha256())

    def test_files_pass_both_ways_at_once_intact(self):
        size = 40 * MB
        down = self.client.download(4, size)
        up = self.client.upload(self.content.piece(size), 6)
        self.assertEqual([down.finish(), up.finish()], [self.content.sha256(size)] * 2)

    def test_iperf3_tcp_fills_the_tunnel_with_1_and_8_streams(self):
        for direction in ([], ["-R"]):
            for streams in (1, 8):
                with self.subTest(direction=direction, streams=streams):
                    end = self.client.iperf3(*direction, "-P", str(streams))
                    rate = end["sum_received"]["bits_per_second"] / 1e6
                    self.report(f"TCP {'down' if direction else 'up'} x{streams} {rate:.0f} Mbit/s")
                    self.assertEqual(len(end["streams"]), streams)
                    self.assertGreater(rate, 20)
                    for stream in end["streams"]:
                        self.assertGreater(stream["receiver"]["bytes"], 0, "a stream starved")

    def test_iperf3_udp_passes_both_ways(self):
        for direction in ([], ["-R"]):
            for family in (4, 6):
                with self.subTest(direction=direction, inner=family):
                    end = self.client.iperf3("-u", "-b", "20M", "-l", "1200", *direction, family=family, seconds=3)
                    self.assertGreater(end["sum"]["packets"], 4000)
                    self.assertLess(end["sum"]["lost_percent"], 2)

    def test_names_resolve_over_udp_and_tcp_at_the_routers_address(self):
        for family in (4, 6):
            for transport in ("+notcp", "+tcp"):
                for kind, answer in (("A", "10.200.0.2"), ("AAAA", "fd00:200::2")):
                    with self.subTest(inner=family, transport=transport, kind=kind):
                        output = self.client.ns.run("dig", f"@{INNER_ROUTER[family]}", transport, "+short", "+tries=2",
                                                    "+time=3", kind, "host.interop.test").stdout
                        self.assertEqual(output.strip(), answer)
        output = self.client.ns.run("dig", f"@{INNER_ROUTER[4]}", "+time=3", "absent.interop.test").stdout
        self.assertIn("status: NXDOMAIN", output)

    def test_pings_are_answered_by_the_server_and_by_the_router(self):
        for host in (*SERVER.values(), *INNER_ROUTER.values()):
            with self.subTest(host=host):
                self.assertEqual(self.client.pings(host, count=5), 5)

    def test_a_refused_port_is_seen_at_once(self):
        for host in SERVER.values():
            with self.subTest(host=host):
                seen = self.client.probe("connect", host, CLOSED_PORT)
                self.assertEqual(seen["result"], "ECONNREFUSED")
                self.assertLess(seen["seconds"], AT_ONCE)
                seen = self.client.probe("udp-errors", host, CLOSED_PORT)
                self.assertEqual(seen["result"], "ECONNREFUSED")
                self.assertLess(seen["seconds"], AT_ONCE)

    def test_an_unreachable_host_is_seen_at_once(self):
        for host in UNREACHABLE.values():
            for probe in ("connect", "udp-errors"):
                with self.subTest(host=host, probe=probe):
                    seen = self.client.probe(probe, host, HTTP_PORT)
                    self.assertIn(seen["result"], ("EHOSTUNREACH", "ENETUNREACH"))
                    self.assertLess(seen["seconds"], AT_ONCE)

    def test_an_answer_arrives_after_the_client_shut_down_its_side(self):
        for host in SERVER.values():
            with self.subTest(host=host):
                seen = self.client.probe("half-close", host, servers.ANSWER_AT_EOF_PORT, MB)
                self.assertEqual(seen, {"digest_matches": True, "answer_bytes": MB})

    def test_data_arrives_after_the_server_shut_down_its_side(self):
        for host in SERVER.values():
            with self.subTest(host=host):
                seen = self.client.probe("server-closes-first", host, servers.CLOSES_FIRST_PORT, MB)
                self.assertEqual(seen, {"received": servers.CLOSES_FIRST_BYTES, "digest_matches": True, "end": 0})

    def test_500_connections_live_at_the_same_time(self):
        seen = self.client.probe("many", SERVER[4], servers.ECHO_PORT, 500)
        self.assertEqual(seen, {"open": 500, "echoed": 500, "errors": {}})

    def test_a_datagram_larger_than_the_tunnel_arrives_in_fragments(self):
        for host in SERVER.values():
            with self.subTest(host=host):
                self.assertGreater(self.client.probe("udp-echo", host, servers.ECHO_PORT, 8000)["attempts"], 0)

    def test_a_transfer_survives_roaming(self):
        """In mid-transfer the client's outer address and port become others."""
        index = self.client.index
        old, new = ((f"172.30.{index}.2/24", f"172.30.{index}.3/24") if self.outer == 4 else
                    (f"fd30:{index}::2/64", f"fd30:{index}::3/64"))
        size = 60 * MB
        for name, start in (("down", lambda: self.client.download(4, size, limit="20M")),
                            ("up", lambda: self.client.upload(self.content.piece(size), 4, limit="20M"))):
            with self.subTest(direction=name):
                transfer, began = start(), time.monotonic()
                time.sleep(1)
                self.client.ns.ip("addr", "del", old, "dev", "uplink")
                self.client.ns.add_address(new, "uplink")
                self.client.wg("set", self.client.device, "listen-port", str(40000 + index * 7 + len(name)))
                self.assertTrue(transfer.is_running(), "the transfer was over before the client moved")
                self.assertEqual(transfer.finish(), self.content.sha256(size))
                self.report(f"{name} {time.monotonic() - began:.1f} s")
                old, new = new, old

    def test_a_transfer_survives_a_rekey(self):
        """In mid-transfer the client forgets its session, so that another handshake is made."""
        size = 60 * MB
        down = self.client.download(4, size, limit="20M")
        up = self.client.upload(self.content.piece(size), 6, limit="20M")
        before = self.client.latest_handshake()
        time.sleep(1.2)
        self.client.forget_session()
        wait_until(lambda: self.client.latest_handshake() > before, "another handshake", timeout=10)
        self.assertTrue(down.is_running() and up.is_running(), "the transfers were over before the rekey")
        self.assertEqual([down.finish(), up.finish()], [self.content.sha256(size)] * 2)


class TrafficOverIpv4(Traffic, Scenario):
    outer = 4


class TrafficOverIpv6(Traffic, Scenario):
    outer = 6


class Privilege(Scenario):
    """The router has no privilege at all while it serves."""

    control_knows = False

    def test_the_router_serves_without_root_or_capability(self):
        self.assert_passes()
        self.assertEqual(self.client.download(4, MB).finish(), self.content.sha256(MB))
        status = self.bed.router.status()
        self.assertEqual(status["Uid"].split(), ["65534"] * 4)
        self.assertEqual(status["Groups"], "")
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        self.assertEqual(status["NoNewPrivs"], "1")

    def test_metadata_stays_closed_and_the_client_is_told(self):
        """`allow: [private]` does not open it. The path would answer: an address of the server's."""
        self.bed.server_ns.add_address(f"{METADATA}/32", "lo")
        self.bed.router_ns.ip("route", "add", f"{METADATA}/32", "via", SERVER[4])
        seen = self.client.probe("connect", METADATA, HTTP_PORT)
        self.assertIn(seen["result"], ("EHOSTUNREACH", "ECONNREFUSED", "EACCES"))
        self.assertLess(seen["seconds"], AT_ONCE)
        self.assertEqual(self.client.pings(METADATA), 0)

    def test_traffic_counts_as_wireguard_counts_it(self):
        """10 pings on a new session: 148 + 10 * 128 bytes out, 92 + 10 * 128 back, one keepalive apart."""
        self.client.forget_session()
        self.assertEqual(self.client.pings(INNER_ROUTER[4], count=10, interval=0.1), 10)
        received, sent = self.client.transferred()
        self.assertIn(received, (1372, 1404))
        self.assertIn(sent, (1428, 1460))

    def test_traceroute_sees_every_hop(self):
        for family in (4, 6):
            for method in ("-U", "-I"):
                with self.subTest(inner=family, method=method):
                    output = self.client.ns.run("traceroute", f"-{family}", "-n", method, "-q", "2", "-w", "2", "-m", "6",
                                                FAR[family], timeout=60).stdout
                    hops = [re.findall(r"^\s*\d+\s+(.*)$", line)[0] for line in output.splitlines()[1:]]
                    for hop, address in zip(hops, (INNER_ROUTER[family], SERVER[family], FAR[family]), strict=False):
                        self.assertIn(address, hop.split(), output)
                    self.assertEqual(len(hops), 3, output)


class PingGroup(Scenario):
    """Both states of net.ipv4.ping_group_range."""

    control_knows = False

    def set_allowed(self, allowed):
        self.bed.allow_ping(allowed)
        self.bed.router.restart()
        self.client.forget_session()
        self.assert_passes()

    def test_where_the_kernel_allows_ping_sockets_hosts_answer(self):
        self.set_allowed(True)
        for host in (*SERVER.values(), *INNER_ROUTER.values()):
            self.assertEqual(self.client.pings(host, count=3), 3, host)

    def test_where_it_forbids_them_the_router_still_answers_for_itself_and_says_so(self):
        before = len(self.bed.router.log())
        self.set_allowed(False)
        for host in INNER_ROUTER.values():
            self.assertEqual(self.client.pings(host, count=3), 3, host)
        for host in SERVER.values():
            self.assertEqual(self.client.pings(host, wait=1), 0, host)
        self.assertEqual(self.client.download(4, MB).finish(), self.content.sha256(MB))
        said = self.bed.router.log()[before:]
        self.assertEqual(said.count("ping_group_range"), 1, said)


class Restart(Scenario):
    """The router's end and return."""

    def test_a_client_recovers_by_itself_when_the_router_restarts(self):
        self.assert_passes()
        self.bed.router.stop()
        self.bed.router.start()
        began = time.monotonic()
        self.assert_passes(within=40)  # the client gives its session 15 s of silence, then begins another
        self.report(f"recovered after {time.monotonic() - began:.1f} s")
        self.assertEqual(self.client.download(4, 5 * MB).finish(), self.content.sha256(5 * MB))


class Signals(Scenario):
    """What SIGTERM and SIGHUP do."""

    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.second = cls.bed.add_client(known=False)
        cls.bed.start()

    def test_sighup_adds_a_peer_and_leaves_a_live_transfer_alone(self):
        size = 120 * MB
        transfer = self.client.download(4, size, limit="10M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        handshake = self.client.latest_handshake()
        self.assertEqual(self.second.pings(INNER_ROUTER[4], wait=1), 0)
        self.bed.config.peers.append(self.second.peer())
        self.bed.router.write_config()
        self.bed.router.process.send_signal(1)
        self.assert_passes(self.second, within=15)
        self.assertTrue(transfer.is_running(), "the transfer was over before the reload")
        self.assertEqual(transfer.finish(), self.content.sha256(size))
        self.assertEqual(self.client.latest_handshake(), handshake)

    def test_sighup_with_a_broken_file_changes_nothing(self):
        good = self.bed.router.config_file.read_text()
        self.bed.router.config_file.write_text("wireguard: [this is not\n")
        self.bed.router.process.send_signal(1)
        time.sleep(0.5)
        self.assertIsNone(self.bed.router.process.poll())
        self.assert_passes()
        self.bed.router.config_file.write_text(good)

    def test_sigterm_ends_the_router_with_0_within_the_grace_time(self):
        self.assert_passes()
        self.bed.router.process.terminate()
        self.assertEqual(self.bed.router.process.wait(12), 0)

    def test_sigterm_lets_a_transfer_finish(self):
        self.bed.router.start()
        self.client.forget_session()
        self.assert_passes()
        size = 30 * MB
        transfer = self.client.download(4, size, limit="10M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        self.bed.router.process.terminate()
        self.assertEqual(transfer.finish(), self.content.sha256(size))
        self.assertEqual(self.bed.router.process.wait(12), 0)

    def test_a_second_signal_ends_it_at_once(self):
        self.bed.router.start()
        self.client.forget_session()
        self.assert_passes()
        transfer = self.client.download(4, 100 * MB, limit="5M")
        wait_until(lambda: transfer.received > MB, "the transfer is live")
        self.bed.router.process.terminate()
        time.sleep(0.5)
        self.bed.router.process.terminate()
        self.bed.router.process.wait(2)
        transfer.process.terminate()


class Overlay(Scenario):
    """Two clients of one router."""

    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.second = cls.bed.add_client()
        cls.bed.config.overlay = True
        cls.bed.start()
        cls.bed.start_servers(cls.second.ns)

    def test_two_clients_talk_through_the_router(self):
        self.assert_passes(self.second)
        for family in (4, 6):
            with self.subTest(inner=family):
                host = self.second.inner[family]
                self.assertEqual(self.client.pings(host, count=3), 3)
                self.assertEqual(self.client.download(host=host, size=20 * MB).finish(), self.content.sha256(20 * MB))

    def test_the_router_is_one_hop_between_them(self):
        output = self.client.ns.run("ping", "-n", "-c", "1", "-W", "2", self.second.inner[4]).stdout
        self.assertIn("ttl=63", output)

    def test_without_overlay_they_do_not_meet(self):
        self.bed.config.overlay = False
        self.bed.router.restart()
        for client in (self.client, self.second):
            client.forget_session()
            self.assert_passes(client)
        for host in self.second.inner.values():
            self.assertEqual(self.client.pings(host, count=2, wait=1), 0)


class PresharedKey(Scenario):
    """A pre-shared key on both sides, or on one of them."""

    @classmethod
    def setup_bed(cls):
        cls.both = cls.bed.add_client(psk=generate_psk())
        cls.only_client = cls.bed.add_client(psk=generate_psk(), router_psk=None)
        cls.only_router = cls.bed.add_client(router_psk=generate_psk())
        cls.different = cls.bed.add_client(psk=generate_psk(), router_psk=generate_psk())
        cls.bed.start()

    def test_with_the_same_key_traffic_passes(self):
        self.assert_passes(self.both)

    def test_with_the_key_on_one_side_only_nothing_passes(self):
        for client in (self.only_client, self.only_router, self.different):
            with self.subTest(client=client.index):
                self.assertEqual(client.pings(INNER_ROUTER[4], count=3, wait=1), 0)
                self.assertEqual(client.pings(SERVER[4], count=1, wait=1), 0)
                self.assertEqual(client.latest_handshake(), 0)


class FirstStart(Scenario):
    """A router that nobody configured, but for the networks of the bed."""

    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        router = cls.bed.router
        cls.state = router.folder_of_nobody("state")
        router.output = cls.bed.lab.folder / "stdout"
        router.arguments = ["--public-endpoint", cls.client.outer_router]
        router.environment = {"STATE_DIRECTORY": str(cls.state), "EGRESS_ALLOW": "private"}
        cls.bed.start_servers(cls.bed.server_ns)
        router.start()

    def printed_conf(self):
        text = self.bed.router.output.read_text()
        self.assertIn("[Interface]", text)
        return text[text.index("[Interface]"):]

    def test_the_printed_conf_makes_a_client_that_browses(self):
        self.client.start(self.printed_conf())
        for family in (4, 6):
            with self.subTest(inner=family):
                wait_until(lambda: self.client.pings(SERVER[family], wait=1), "a ping passes")
                self.assertEqual(self.client.download(family, MB).finish(), self.content.sha256(MB))
        # The name is asked of the router, as the printed DNS line says.
        self.assertEqual(self.client.download(host="host.interop.test", size=MB).finish(), self.content.sha256(MB))

    def test_the_state_folder_is_for_the_router_alone(self):
        self.assertEqual(self.state.stat().st_mode & 0o077, 0)
        files = [path for path in self.state.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 0)
        for path in files:
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path.name)

    def test_a_second_start_keeps_the_client(self):
        self.bed.router.restart()
        wait_until(lambda: self.client.pings(SERVER[4], wait=1), "a ping passes", timeout=40)


class Environment(Scenario):
    """The environment of a wgslirp user starts the router."""

    control_knows = False

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.second = cls.bed.add_client()
        cls.bed.start_servers(cls.bed.server_ns)
        router = cls.bed.router
        router.arguments = []
        cls.base = {"WG_PRIVATE_KEY": cls.bed.private, "WG_LISTEN_PORT": str(ROUTER_PORT), "WG_MTU": "1380",
                    "EGRESS_ALLOW": "private", "WG_OVERLAY_ROUTING": "1"}
        cls.clients = (cls.client, cls.second)

    def serves_both(self):
        for client in self.clients:
            wait_until(lambda: client.pings(SERVER[4], wait=1), "a ping passes", timeout=40)
            self.assertEqual(client.download(4, MB).finish(), self.content.sha256(MB))
        self.assertEqual(self.client.pings(self.second.inner[4], count=2), 2)

    def test_1_peers_by_index_are_served(self):
        self.bed.router.environment = dict(self.base, WG_PEERS="0,1")
        for index, client in enumerate(self.clients):
            self.bed.router.environment.update({
                f"WG_PEER_{index}_PUBLIC_KEY": client.public,
                f"WG_PEER_{index}_ALLOWED_IPS": f"{client.inner[4]}/32,{client.inner[6]}/128"})
        self.bed.router.start()
        for client in self.clients:
            client.start()
        self.serves_both()

    def test_2_peers_in_one_line_are_served(self):
        self.bed.router.stop()
        self.bed.router.environment = dict(self.base, WG_PEERS=",".join(
            f"public_key={client.public},allowed_ips={client.inner[4]}/32,{client.inner[6]}/128"
            for client in self.clients))
        self.bed.router.start()
        for client in self.clients:
            client.forget_session()
        self.serves_both()


class LossyPath(Scenario):
    """A relay between client and router that loses 5 % each way, delays, reorders and duplicates."""

    faults = {"drop": 0.05, "delay_ms": 5, "jitter_ms": 3, "reorder": 0.02, "duplicate": 0.01, "seed": 7}
    relay_port = 51999

    @classmethod
    def setup_bed(cls):
        cls.client = cls.bed.add_client()
        cls.client.endpoint = f"{bracket(cls.client.outer_router)}:{cls.relay_port}"
        cls.relay = cls.bed.start_relay(cls.relay_port, **cls.faults)
        cls.bed.start()

    def test_transfers_complete_intact_at_5_percent_loss(self):
        size = 6 * MB
        self.assert_passes(within=20)
        for name, transfer in (("down", lambda: self.client.download(4, size)),
                               ("up", lambda: self.client.upload(self.content.piece(size), 6))):
            began = time.monotonic()
            self.assertEqual(transfer().finish(), self.content.sha256(size), name)
            self.report(f"{name} {size * 8 / 1e6 / (time.monotonic() - began):.1f} Mbit/s")

    def test_half_close_survives_loss(self):
        seen = self.client.probe("half-close", SERVER[4], servers.ANSWER_AT_EOF_PORT, 300_000)
        self.assertEqual(seen, {"digest_matches": True, "answer_bytes": 300_000})

    def test_50_connections_survive_loss(self):
        seen = self.client.probe("many", SERVER[4], servers.ECHO_PORT, 50)
        self.assertEqual(seen, {"open": 50, "echoed": 50, "errors": {}})

    def test_the_path_was_as_bad_as_said(self):
        self.relay.terminate()
        line = self.relay.stdout.read().decode()
        counts = {key: int(value) for key, value in (item.split("=") for item in line.split())}
        self.report(line.strip())
        self.assertGreater(counts["received"], 5000)
        self.assertAlmostEqual(counts["dropped"] / counts["received"], self.faults["drop"], delta=0.01)
        self.assertGreater(counts["reordered"], 0)
        self.assertGreater(counts["duplicated"], 0)


class LongTransfer(Scenario):
    """Longer than a session may live without another handshake."""

    SECONDS = 135

    def test_a_transfer_survives_the_rekey_that_time_brings(self):
        self.assert_passes()
        first = self.client.latest_handshake()
        size = self.SECONDS * 300_000
        down = self.client.download(4, size, limit="300K", timeout=self.SECONDS + 60)
        up = self.client.upload(self.content.piece(size), 4, limit="300K", timeout=self.SECONDS + 60)
        self.assertEqual([down.finish(), up.finish()], [self.content.sha256(size)] * 2)
        self.assertGreaterEqual(self.client.latest_handshake(), first + 119)


# The long one first: it waits most of the time, beside the others.
ALL = [LongTransfer, TrafficOverIpv4, TrafficOverIpv6, Privilege, PingGroup, Restart, Signals, Overlay,
       PresharedKey, FirstStart, Environment, LossyPath]

assert probes.TIMEOUT < 60  # a probe ends by itself before its run does
