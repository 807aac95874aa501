"""The scenarios of browser machines: each test is a claim about the router, made with a guest in v86."""

import hashlib
import ipaddress
import re
import shlex
import subprocess
import sys
import time
import unittest

from bed import HTTP_PORT, ROOT, SERVER
from lab import wait_until
from scenarios import MB, Scenario
from scrape import scrape
from servers import ADDRESSES
from vm import NodeVm, PageVm, start_chromium, why_not
from vm_bed import CUT_PORT, GATEWAY, VmBed

FORWARDED_PORT = 8180
PREFIX = "fd86:0:0:1::/64"
NAME = "host.interop.test"


def line_of_readme(program, folder=None):
    """The arguments of the line of README.md's section on browser machines that starts this program; the first one
    as a path below `folder`, if given."""
    section = (ROOT / "README.md").read_text().split("### A browser machine")[1].split("\n##")[0]
    line = next(line for line in section.splitlines() if line.startswith(f"{program} ") and "parts.py" not in line)
    _, *arguments = (word for word in shlex.split(line, comments=True) if word != "&")
    return [str(folder / arguments[0]), *arguments[1:]] if folder else arguments


class MachineScenario(Scenario):
    """Skipped where no machine can be had."""

    control_knows = False
    programs = ("node", "npm")

    @classmethod
    def setUpClass(cls):
        reason = why_not(*cls.programs)
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()


class VmScenario(MachineScenario):
    """One guest on the default network, started with the class; tests run in the order of the text."""

    bed_class = VmBed
    nic = "virtio"

    @classmethod
    def setup_bed(cls):
        cls.host = cls.bed.add_host()
        cls.prepare()
        cls.bed.start()
        cls.vm = cls.start_vm()

    @classmethod
    def prepare(cls):
        """What the configuration needs beyond the usual."""

    @classmethod
    def start_vm(cls):
        return NodeVm(cls.host.ns, "vm", cls.nic, cls.host.relay())

    @classmethod
    def tearDownClass(cls):
        cls.vm.end()
        super().tearDownClass()

    def setUp(self):
        self.freed_before = self.vm.freed

    def tearDown(self):
        freed = self.vm.freed - self.freed_before
        if freed:
            self.report(f"v86 lost its interrupts {freed} times")

    def fetched(self, vm, url):
        """The sha256 of what the guest's wget gets."""
        return vm.run(f"wget -q -O - {url} | sha256sum", 60).split()[0]

    def start_to_fetch(self, size):
        """The guest's wget begins; returns when some of it has come, but not all."""
        counted = 'wgrouter_bridge_bytes_total{protocol="tcp",direction="to_guests"}'
        before = scrape(self.bed.router)[counted]
        self.vm.start(f"wget -q -O - http://{SERVER[4]}:{HTTP_PORT}/file?size={size} | sha256sum")
        wait_until(lambda: scrape(self.bed.router)[counted] > before + size / 8, "the transfer is live", timeout=30)
        self.assertTrue(self.vm.is_busy(), "the transfer was over too early")

    def made(self, vm, path, size):
        """Makes a file in the guest; its sha256. Random bytes are dear there: a program and the time do as well."""
        return vm.run(f"{{ date +%s; cat /bin/busybox; }} | head -c {size} >{path}; sha256sum {path}").split()[0]

    def serve_a_file(self, vm):
        """Starts the guest's httpd; returns the sha256 of its /file."""
        vm.run("pidof httpd || httpd -p 80 -h /www")
        return self.made(vm, "/www/file", MB // 2)

    def fetched_outside(self, space, url):
        """The sha256 of what curl gets in that namespace."""
        curl = space.popen("curl", "-sS", "--fail", "--max-time", "150", "--speed-limit", "1", "--speed-time", "30", url,
                           name="curl", stdout=subprocess.PIPE)
        digest = hashlib.sha256(curl.stdout.read()).hexdigest()
        self.assertEqual(self.bed.lab.end(curl), 0, url)
        return digest


class Basics:
    """What every machine can do, whatever it runs in and however its frames travel."""

    def test_a_lease_arrives(self):
        began = time.monotonic()
        lease = self.vm.connect("-x", "hostname:machine")
        self.report(f"{lease['ip']} after {time.monotonic() - began:.1f} s")
        gateway = GATEWAY["default"]
        self.assertTrue(lease["ip"].startswith("192.168.86."), lease)
        self.assertNotEqual(lease["ip"], gateway)
        self.assertEqual(
            {name: lease.get(name) for name in ("mask", "router", "serverid", "dns", "domain", "lease")},
            {"mask": "24", "router": gateway, "serverid": gateway, "dns": gateway, "domain": "lan", "lease": "86400"})

    def test_gateway_and_host_answer_pings(self):
        for host in (GATEWAY["default"], SERVER[4]):
            with self.subTest(host=host):
                self.assertEqual(self.vm.pings(host, count=3), 3)

    def test_names_resolve_at_the_gateway(self):
        self.assertIn(ADDRESSES[NAME][0], self.vm.run(f"nslookup -type=a {NAME}"))

    def test_a_file_comes_down_intact_by_name(self):
        began = time.monotonic()
        self.assertEqual(self.fetched(self.vm, f"http://{NAME}:{HTTP_PORT}/file?size={2 * MB}"),
                         self.content.sha256(2 * MB))
        self.report(f"{16 / (time.monotonic() - began):.1f} Mbit/s")

    def test_a_file_goes_up_intact(self):
        digest = self.made(self.vm, "/tmp/file", MB)
        answer = self.vm.run(
            f"{{ printf 'PUT /upload HTTP/1.1\\r\\nConnection: close\\r\\nContent-Length: {MB}\\r\\n\\r\\n'; "
            f"cat /tmp/file; }} | nc {SERVER[4]} {HTTP_PORT}", 60)
        self.assertEqual(answer.split()[-1], digest)


class CutPath:
    """A machine whose way to the router can be cut."""

    secure = False
    cut_transfer = 4 * MB

    @classmethod
    def start_cut_path(cls):
        """Returns the relay URL that leads there."""
        cls.cut = staticmethod(cls.host.start_cut_proxy(cls.secure))
        return cls.host.relay(port=CUT_PORT, secure=cls.secure)

    def test_transfers_survive_the_end_of_their_session(self):
        """v86 comes back by itself, without DHCP or ARP: 10 s after it last dialed, or at once."""
        size = self.cut_transfer
        self.start_to_fetch(size)
        began = time.monotonic()
        self.assertEqual(self.cut(), 1)
        code, output = self.vm.finish(90)
        self.assertEqual((code, output.split()[0]), (0, self.content.sha256(size)))
        self.report(f"done {time.monotonic() - began:.1f} s after the cut")
        self.assertEqual(self.vm.pings(SERVER[4]), 2)


class InNode(CutPath, Basics):
    """And what is asked of both network cards once."""

    @classmethod
    def prepare(cls):
        cls.bed.forwards.append({"listen": str(FORWARDED_PORT), "to": "machine:80"})

    @classmethod
    def start_vm(cls):
        return NodeVm(cls.host.ns, "vm", cls.nic, cls.start_cut_path())

    def test_a_forwarded_port_leads_to_the_guests_httpd(self):
        digest = self.serve_a_file(self.vm)
        url = f"http://{self.host.router_address}:{FORWARDED_PORT}/file"
        self.assertEqual(self.fetched_outside(self.host.ns, url), digest)


class Ne2kInNode(InNode, VmScenario):
    nic = "ne2k"
    cut_transfer = 2 * MB


class VirtioInNode(InNode, VmScenario):
    def test_ipv6_comes_by_router_advertisement(self):
        prefix = ipaddress.ip_network(PREFIX)

        def address():
            shown = re.findall(r"inet6 (\S+)/64 scope global", self.vm.run("ip addr show eth0"))
            return next((text for text in shown if ipaddress.ip_address(text) in prefix), None)

        self.report(wait_until(address, "an address of the prefix", timeout=15, interval=0.5))
        self.assertGreater(self.vm.run(f"ping6 -c 4 -W 2 {SERVER[6]}", check=False).count("bytes from"), 2)
        self.assertEqual(self.fetched(self.vm, f"http://[{SERVER[6]}]:{HTTP_PORT}/file?size={MB}"),
                         self.content.sha256(MB))

    def test_a_restarted_router_knows_the_machine_by_its_lease(self):
        """The guest does not ask again: it goes on with its address, once v86 has dialed again."""
        self.bed.router.restart()
        began = time.monotonic()
        wait_until(lambda: self.vm.pings(SERVER[4], count=1), "a ping passes", timeout=30)
        self.report(f"recovered after {time.monotonic() - began:.1f} s")


class InChromium(CutPath, Basics):
    """A page of headless Chromium, over wss, with the certificate accepted."""

    programs = ("node", "npm", "chromium")
    secure = True

    @classmethod
    def start_vm(cls):
        return PageVm(cls.host.ns, "page", cls.nic, cls.start_cut_path(), cls.bed.tls.key_sha256)


class Ne2kInChromium(InChromium, VmScenario):
    nic = "ne2k"
    cut_transfer = 2 * MB


class VirtioInChromium(InChromium, VmScenario):
    pass


class Container2wasm(Basics, VmScenario):
    """Frames in a stream, as container2wasm sends them: subprotocol `binary`, over wss with a private CA."""

    @classmethod
    def start_vm(cls):
        return NodeVm(cls.host.ns, "vm", cls.nic, cls.host.relay("/ethernet", secure=True),
                      authority=cls.bed.tls.authority, framing="stream")


class TwoMachines(VmScenario):
    """Two guests on a segment that is a switch, and a third on the default network, which isolates."""

    @classmethod
    def prepare(cls):
        cls.bed.networks["lab"] = {"subnet": "192.168.99.0/24", "isolate": False}

    @classmethod
    def start_vm(cls):
        cls.second = NodeVm(cls.host.ns, "second", "ne2k", cls.host.relay("/ethernet/lab"))
        return NodeVm(cls.host.ns, "first", "virtio", cls.host.relay("/ethernet/lab"))

    @classmethod
    def tearDownClass(cls):
        cls.second.end()
        super().tearDownClass()

    def test_both_get_a_lease_of_the_segment(self):
        cls = type(self)
        cls.first_ip = self.vm.connect("-x", "hostname:first")["ip"]
        cls.second_ip = self.second.connect("-x", "hostname:second")["ip"]
        self.assertNotEqual(self.first_ip, self.second_ip)
        for address in (self.first_ip, self.second_ip):
            self.assertTrue(address.startswith("192.168.99."), address)

    def test_they_talk_to_each_other(self):
        self.assertEqual(self.vm.pings(self.second_ip, count=3), 3)
        self.assertEqual(self.second.pings(self.first_ip, count=3), 3)
        digest = self.serve_a_file(self.vm)
        self.assertEqual(self.fetched(self.second, f"http://{self.first_ip}/file"), digest)

    def test_each_is_known_by_the_name_it_gave(self):
        self.assertIn(self.second_ip, self.vm.run("nslookup -type=a second.lan"))

    def test_a_guest_of_an_isolated_network_does_not_meet_them(self):
        third = NodeVm(self.host.ns, "third", "virtio", self.host.relay())
        try:
            third.connect()
            self.assertEqual(third.pings(self.first_ip, wait=1), 0)
            self.assertEqual(third.pings(SERVER[4]), 2)
        finally:
            third.end()


class MachineAndPeer(VmScenario):
    """A guest in v86 and a WireGuard client of the same router reach each other."""

    @classmethod
    def prepare(cls):
        cls.client = cls.bed.add_client()
        cls.bed.networks["default"]["reach_peers"] = True
        cls.bed.config.overlay = True

    def test_the_guest_reaches_the_peer(self):
        cls = type(self)
        cls.ip = self.vm.connect("-x", "hostname:machine")["ip"]
        self.client.ns.ip("route", "replace", "192.168.86.0/24", "dev", self.client.device)
        self.bed.start_servers(self.client.ns)
        self.assert_passes()
        self.assertEqual(self.vm.pings(self.client.inner[4], count=3), 3)
        url = f"http://{self.client.inner[4]}:{HTTP_PORT}/file?size={MB}"
        self.assertEqual(self.fetched(self.vm, url), self.content.sha256(MB))

    def test_the_peer_reaches_the_guest(self):
        self.assertEqual(self.client.pings(self.ip, count=3), 3)
        digest = self.serve_a_file(self.vm)
        self.assertEqual(self.fetched_outside(self.client.ns, f"http://{self.ip}/file"), digest)


class Demo(MachineScenario):
    """The README's browser machine, by its lines: router, page and browser on one loopback."""

    programs = ("node", "npm", "chromium")

    @classmethod
    def setup_bed(cls):
        router = cls.bed.router
        router.arguments = line_of_readme("deploy/quickstart.sh")
        router.environment = {"STATE_DIRECTORY": str(router.folder_of_nobody("state")),
                              "EGRESS_ALLOW": "private"}  # the servers of the bed live there
        cls.bed.start_servers(cls.bed.server_ns)
        router.start()

    def open_page(self, name, url, *options):
        """Starts the page's server, and a browser there; returns what says all that the first has printed."""
        space = self.bed.router_ns
        server = space.popen(sys.executable, *line_of_readme("python3", ROOT), *options, name=name)
        log = self.bed.lab.logs / f"{space.role}-{name}.log"

        def printed():
            self.assertIsNone(server.poll(), log.read_text())
            return log.read_text()

        wait_until(lambda: "in a browser" in printed(), "the page is served", timeout=30)
        browser, _ = start_chromium(space, name, url)

        def printed_while_open():
            self.assertIsNone(browser.poll(), "the browser has ended: see its log")
            return printed()

        self.addCleanup(self.bed.lab.end, server)
        self.addCleanup(self.bed.lab.end, browser)
        return printed_while_open

    def wait_for(self, text, printed, seconds):
        try:
            wait_until(lambda: text in printed(), text, timeout=seconds, interval=0.5)
        except AssertionError as late:
            raise AssertionError(f"{late}; the page told: {printed()}") from None

    def test_the_page_of_the_readme_reaches_the_network(self):
        file = f"http://{NAME}:{HTTP_PORT}/file?size={MB}"
        began = time.monotonic()
        printed = self.open_page("demo", *line_of_readme("chromium"), "--fetch", file)
        self.wait_for("type further commands", printed, 300)  # a boot in a page, on a busy host
        self.report(f"done after {time.monotonic() - began:.0f} s")
        results = re.findall(r"^# (.*)\n((?:(?:  |-- ).*\n)*)=> (\d+)$", printed(), re.MULTILINE)
        for wanted, command in (("lease of 192.168.86.", "lease "), ("inet 192.168.86.", "ip "),
                                ("1 packets received", "ping -c 1 gateway.lan"), (self.content.sha256(MB), "wget ")):
            with self.subTest(command=command):
                output, code = next(((output, code) for given, output, code in reversed(results)
                                     if given.startswith(command)), ("not run", "none"))
                self.assertEqual(code, "0", output)
                self.assertIn(wanted, output)

    def test_a_page_that_was_not_named_is_told_so(self):
        origin = "http://localhost:8001"
        printed = self.open_page("stranger", f"{origin}/", "--port", "8001")
        self.wait_for(f"refused by the router: 4003 origin {origin} is not allowed; see --ws-origin", printed, 90)


ALL = [Ne2kInNode, VirtioInNode, Ne2kInChromium, VirtioInChromium, Container2wasm, TwoMachines, MachineAndPeer, Demo]
