"""The test bed: stock WireGuard clients, the router and a network behind it.

    client i ---- outer ---- router ---- server ---- far
    172.30.i.2              .1   10.200.0.1  .2 10.201.0.1  .2
    fd30:i::2               ::1  fd00:200::1 ::2 fd00:201::1 ::2
    inner 10.9.0.(i+10)     inner 10.9.0.1
    inner fd09::(i+10)      inner fd09::1

The router ns has no route to 10.250.0.0/24 and fd00:250::/64: the kernel answers 'unreachable'.
"""

import hashlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

from lab import RUN, Lab, run, wait_until
from router_config import Peer, RouterConfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
NOBODY = 65534

ROUTER_PORT = 51820
INNER_ROUTER = {4: "10.9.0.1", 6: "fd09::1"}
SERVER = {4: "10.200.0.2", 6: "fd00:200::2"}
FAR = {4: "10.201.0.2", 6: "fd00:201::2"}
UNREACHABLE = {4: "10.250.0.9", 6: "fd00:250::9"}
METADATA = "169.254.169.254"
HTTP_PORT = 8080
IPERF_PORT = 5201
THROUGH_TUNNEL = ("10.9.0.0/24", "10.200.0.0/15", "10.250.0.0/24", f"{METADATA}/32",
                  "fd09::/64", "fd00:200::/31", "fd00:250::/64")


def bracket(host):
    return f"[{host}]" if ":" in host else host


_devices = itertools.count(1)


def new_device():
    """A name no other run or bed uses: wireguard-go's control sockets share one folder."""
    return f"{RUN}n{next(_devices)}"


def generate_key():
    private = run(["wg", "genkey"]).stdout.strip()
    return private, run(["wg", "pubkey"], stdin=private + "\n").stdout.strip()


def generate_psk():
    return run(["wg", "genpsk"]).stdout.strip()


class Router:
    """wgrouter as an operator without privilege runs it: another user, no capability, none to gain."""

    binary = ROOT / "build" / "release" / "bin" / "wgrouter"

    def __init__(self, bed, space=None, config=None):
        self.bed = bed
        self.space = space or bed.router_ns
        self.config = config or bed.config
        self.process = None
        self.program = bed.lab.folder / f"wgrouter-{self.space.role}"  # where the other user can read it
        shutil.copy(self.binary, self.program)
        self.program.chmod(0o755)
        self.config_file = bed.lab.folder / f"{self.space.role}.yaml"
        self.log_file = bed.lab.logs / f"{self.space.role}-wgrouter.log"
        self.arguments = ["run", "--config", str(self.config_file)]
        self.environment = {}
        self.output = None  # a file for standard output; otherwise the log has it

    def folder_of_nobody(self, name):
        """An empty folder that belongs to the router's user."""
        folder = self.bed.lab.folder / name
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
        return folder

    @staticmethod
    def give(path):
        """Makes a file the router user's own, and nobody else's."""
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o600)

    def write_config(self):
        self.config_file.write_text(self.config.to_yaml())
        self.give(self.config_file)

    def start(self):
        self.write_config()
        output = {"stdout": open(self.output, "wb")} if self.output else {}
        self.process = self.space.popen(
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all",
            str(self.program), *self.arguments, name="wgrouter", cwd="/",
            env={"PATH": os.environ["PATH"], **self.environment}, **output)
        for file in output.values():
            file.close()
        wait_until(self.is_listening, "the router listens on its port")

    def is_listening(self):
        assert self.process.poll() is None, f"the router ended with {self.process.returncode}: {self.log()[-2000:]}"
        wanted = f":{ROUTER_PORT:04X}"
        for table in ("udp", "udp6"):
            try:
                lines = pathlib.Path(f"/proc/{self.process.pid}/net/{table}").read_text().splitlines()
            except OSError:
                return False
            if any(line.split()[1].endswith(wanted) for line in lines[1:]):
                return True
        return False

    def stop(self):
        return self.bed.lab.end(self.process, timeout=15)

    def restart(self):
        self.stop()
        self.start()

    def status(self):
        """What the kernel says about the process: /proc/PID/status as a dictionary."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {key: value.strip() for key, value in (line.split(":", 1) for line in text.splitlines())}

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class ControlRouter(Router):
    """wireguard-go with a TUN device and kernel forwarding where the router would be. A scenario that
    fails with it as well is a fault of the harness."""

    binary = shutil.which("wireguard-go") or "wireguard-go"

    def start(self):
        space, config = self.space, self.config
        device = new_device()
        self.process = space.popen(str(self.program), "-f", device, name="wgrouter",
                                   env=dict(os.environ, WG_PROCESS_FOREGROUND="1"))
        wait_until(lambda: space.run("wg", "show", device, check=False).returncode == 0, "wireguard-go is up")
        space.run("wg", "setconf", device, "/dev/stdin", stdin=config.to_wg_conf(ROUTER_PORT))
        for family in (4, 6):
            space.add_address(f"{INNER_ROUTER[family]}/{24 if family == 4 else 64}", device)
        space.ip("link", "set", "dev", device, "mtu", "1420", "up")
        space.sysctl("net.ipv4.ip_forward", "1")
        space.sysctl("net.ipv6.conf.all.forwarding", "1")
        self.dns = self.bed.start_servers(space)
        for other in (self.bed.server_ns, self.bed.far_ns):
            via = ("10.200.0.1", "fd00:200::1") if other is self.bed.server_ns else ("10.201.0.1", "fd00:201::1")
            other.ip("route", "replace", "10.9.0.0/24", "via", via[0])
            other.ip("route", "replace", "fd09::/64", "via", via[1])

    def stop(self):
        self.bed.lab.end(self.dns)
        return super().stop()


class Client:
    """A stock client: wireguard-go and wg in a namespace of its own."""

    def __init__(self, bed, index, psk=None, behind=None):
        self.bed = bed
        self.index = index
        self.psk = psk
        self.server_public = behind.public if behind else bed.public
        self.private, self.public = generate_key()
        self.inner = {4: f"10.9.0.{10 + index}", 6: f"fd09::{10 + index:x}"}
        self.ns = bed.lab.namespace(f"client{index}")
        self.ns.connect("uplink", behind.ns if behind else bed.router_ns, f"down{index}",
                        [f"172.30.{index}.2/24", f"fd30:{index}::2/64"],
                        [f"172.30.{index}.1/24", f"fd30:{index}::1/64"])
        self.outer_router = f"172.30.{index}.1" if bed.outer == 4 else f"fd30:{index}::1"
        self.endpoint = f"{bracket(self.outer_router)}:{ROUTER_PORT}"
        self.device = new_device()
        self.process = None

    def peer(self, psk="same"):
        """How the router knows this client."""
        return Peer(public_key=self.public, allowed_ips=[f"{self.inner[4]}/32", f"{self.inner[6]}/128"],
                    preshared_key=self.psk if psk == "same" else psk)

    def conf(self):
        """The file an operator would give this client."""
        psk = f"PresharedKey = {self.psk}\n" if self.psk else ""
        return (f"[Interface]\nPrivateKey = {self.private}\nAddress = {self.inner[4]}/32, {self.inner[6]}/128\n"
                f"MTU = 1420\n[Peer]\nPublicKey = {self.server_public}\n{psk}AllowedIPs = 0.0.0.0/0, ::/0\n"
                f"Endpoint = {self.endpoint}\n")

    def start(self, conf=None):
        """Does what wg-quick does with a .conf, but with routes for the bed's networks alone."""
        conf = conf or self.conf()
        self.process = self.ns.popen("wireguard-go", "-f", self.device, name="wireguard-go",
                                     env=dict(os.environ, WG_PROCESS_FOREGROUND="1"))
        wait_until(lambda: self.ns.run("wg", "show", self.device, check=False).returncode == 0,
                   "wireguard-go is up")
        lines, quick = [], {"mtu": "1420", "address": "", "dns": ""}
        for line in conf.splitlines():
            key, _, value = line.partition("=")
            if key.strip().lower() in quick:
                quick[key.strip().lower()] = value.strip()
            else:
                lines.append(line)
        self.ns.run("wg", "setconf", self.device, "/dev/stdin", stdin="\n".join(lines) + "\n")
        for address in quick["address"].replace(" ", "").split(","):
            self.ns.add_address(address, self.device)
        name_servers = quick["dns"].replace(" ", "").split(",") if quick["dns"] else []
        if name_servers:
            self.ns.resolve_with(*name_servers)
        self.ns.ip("link", "set", "dev", self.device, "mtu", quick["mtu"], "up")
        for route in (*THROUGH_TUNNEL, *name_servers):
            self.ns.ip("route", "replace", route, "dev", self.device)
        return self

    def wg(self, *arguments, stdin=None):
        return self.ns.run("wg", *arguments, stdin=stdin).stdout.strip()

    def latest_handshake(self):
        fields = self.wg("show", self.device, "latest-handshakes").split()
        return int(fields[1]) if len(fields) == 2 else 0

    def transferred(self):
        """Bytes received and sent, as `wg show` tells them."""
        fields = self.wg("show", self.device, "transfer").split()
        return int(fields[1]), int(fields[2])

    def forget_session(self):
        """Removes and adds the router again, which ends the session here: the next packet begins another."""
        psk = ["preshared-key", "/dev/stdin"] if self.psk else []
        self.wg("set", self.device, "peer", self.server_public, "remove")
        self.wg("set", self.device, "peer", self.server_public, "endpoint", self.endpoint,
                "allowed-ips", "0.0.0.0/0,::/0", *psk, stdin=self.psk)

    def pings(self, host, count=1, wait=2, interval=0.2, size=56):
        """How many of `count` pings were answered."""
        output = self.ns.run("ping", "-n", "-c", str(count), "-W", str(wait), "-i", str(interval), "-s", str(size),
                             host, check=False, timeout=count * (wait + interval) + 10).stdout
        return output.count("bytes from ")

    def probe(self, *arguments, timeout=60):
        """Runs a probe of probes.py here and returns what it found."""
        output = self.ns.run(sys.executable, str(HERE / "probes.py"), *map(str, arguments), timeout=timeout).stdout
        return json.loads(output)

    def download(self, family=4, size=None, limit=None, host=None, timeout=120):
        """Starts fetching the file; the returned transfer's finish() gives the sha256 of what came."""
        name = "file" if size is None else f"file?size={size}"
        url = f"http://{bracket(host or SERVER[family])}:{HTTP_PORT}/{name}"
        return Transfer(self, ["curl", "-sS", "--fail", *(["--limit-rate", limit] if limit else []), url], timeout)

    def upload(self, path, family=4, limit=None, timeout=120):
        """Starts sending a file; finish() gives the sha256 of what the server saw."""
        url = f"http://{bracket(SERVER[family])}:{HTTP_PORT}/upload"
        command = ["curl", "-sS", "--fail", *(["--limit-rate", limit] if limit else []), "-T", str(path), url]
        return Transfer(self, command, timeout, is_upload=True)

    def iperf3(self, *options, family=4, seconds=4):
        output = self.ns.run("iperf3", "-c", SERVER[family], "-p", str(IPERF_PORT), "-t", str(seconds), "-J",
                             *options, timeout=seconds + 20).stdout
        return json.loads(output)["end"]


class Transfer:
    """A curl in the background whose output is hashed as it comes."""

    def __init__(self, client, command, timeout, is_upload=False):
        self.client = client
        self.timeout = timeout
        self.is_upload = is_upload
        self.received = 0
        self.head = b""
        self.hash = hashlib.sha256()
        self.process = client.ns.popen(*command, "--max-time", str(timeout), name="curl", stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while chunk := self.process.stdout.read1(1 << 20):
            if self.received < 64:
                self.head += chunk[:64]
            self.received += len(chunk)
            self.hash.update(chunk)

    def is_running(self):
        return self.process.poll() is None

    def finish(self):
        """Waits for the end; returns the sha256 of the file at its far end."""
        self.thread.join(self.timeout + 10)
        code = self.process.wait(10)
        self.client.bed.lab.end(self.process)
        if code != 0:
            log = (self.client.bed.lab.logs / f"{self.client.ns.role}-curl.log").read_text(errors="replace")
            raise AssertionError(f"curl ended with {code} after {self.received} bytes: {log[-300:]}")
        return self.head.decode().strip() if self.is_upload else self.hash.hexdigest()


class Bed:
    """Everything of one group of scenarios. Add clients, then start()."""

    router_class = Router

    def __init__(self, name, logs, content, outer=4):
        self.outer = outer
        self.content = content
        self.lab = Lab(name, logs)
        self.private, self.public = generate_key()
        self.router_ns = self.lab.namespace("router")
        self.server_ns = self.lab.namespace("server")
        self.far_ns = self.lab.namespace("far")
        self.router_ns.connect("egress", self.server_ns, "ingress", ["10.200.0.1/24", "fd00:200::1/64"],
                               ["10.200.0.2/24", "fd00:200::2/64"])
        self.server_ns.connect("beyond", self.far_ns, "near", ["10.201.0.1/24", "fd00:201::1/64"],
                               ["10.201.0.2/24", "fd00:201::2/64"])
        self.server_ns.sysctl("net.ipv4.ip_forward", "1")
        self.server_ns.sysctl("net.ipv6.conf.all.forwarding", "1")
        # As many ICMP errors as a traceroute asks for.
        for space in (self.server_ns, self.far_ns, self.router_ns):
            space.sysctl("net.ipv4.icmp_ratemask", "0")
            space.sysctl("net.ipv6.icmp.ratelimit", "0")
        self.router_ns.ip("route", "add", "10.201.0.0/24", "via", "10.200.0.2")
        self.router_ns.ip("route", "add", "fd00:201::/64", "via", "fd00:200::2")
        self.router_ns.ip("route", "add", "unreachable", "10.250.0.0/24")
        self.router_ns.ip("route", "add", "unreachable", "fd00:250::/64")
        self.far_ns.ip("route", "add", "default", "via", "10.201.0.1")
        self.far_ns.ip("route", "add", "default", "via", "fd00:201::1")
        self.router_ns.resolve_with(SERVER[4])
        self.allow_ping(True)
        self.config = RouterConfig(private_key=self.private, listen_port=ROUTER_PORT,
                                   addresses=[f"{INNER_ROUTER[4]}/24", f"{INNER_ROUTER[6]}/64"])
        self.clients = []
        self.router = self.router_class(self)

    def allow_ping(self, allowed):
        """Whether the kernel lets the router's user open ping sockets."""
        self.router_ns.sysctl("net.ipv4.ping_group_range", "0 2147483647" if allowed else "1 0")

    def add_client(self, psk=None, router_psk="same", known=True, behind=None):
        """`known`: a peer of the router; `behind`: the other router this client connects to."""
        client = Client(self, len(self.clients) + 1, psk, behind)
        self.clients.append(client)
        if known:
            self.config.peers.append(client.peer(router_psk))
        return client

    def start(self):
        self.start_servers(self.server_ns)
        self.server_ns.popen("iperf3", "-s", "-p", str(IPERF_PORT), name="iperf3")
        self.router.start()
        for client in self.clients:
            client.start()
        return self

    def start_servers(self, space):
        process = space.popen(sys.executable, str(HERE / "servers.py"), "--file", str(self.content.path),
                              name="servers", stdout=subprocess.PIPE)
        ready = process.stdout.readline()
        assert ready == b"ready\n", f"servers.py said {ready!r}"
        return process

    def start_relay(self, port, **faults):
        """A path with faults to the router: clients send to `port` instead of the router's own."""
        family = {4: ("0.0.0.0", "127.0.0.1"), 6: ("[::]", "[::1]")}[self.outer]
        options = [str(item) for name, value in faults.items() for item in (f"--{name.replace('_', '-')}", value)]
        process = self.router_ns.popen(
            str(ROOT / "build" / "release" / "bin" / "udp_relay"), "--listen", f"{family[0]}:{port}",
            "--server", f"{family[1]}:{ROUTER_PORT}", *options, name="relay", stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n", "the relay does not start"
        return process

    def close(self):
        self.lab.close()


class Content:
    """The file of random bytes that is sent through the tunnel, and what its pieces hash to."""

    SIZE = 200_000_000

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.path = pathlib.Path(folder) / "content.bin"
        with open(self.path, "wb") as file:
            left = self.SIZE
            while left > 0:
                left -= file.write(os.urandom(min(left, 1 << 22)))
        self.path.chmod(0o644)

    def sha256(self, size=None):
        digest = hashlib.sha256()
        left = self.SIZE if size is None else size
        with open(self.path, "rb") as file:
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
        return digest.hexdigest()

    def piece(self, size):
        """A file that holds the first `size` bytes."""
        path = self.path.with_name(f"piece-{size}.bin")
        with self.lock:  # groups of scenarios run side by side
            if not path.exists():
                with open(self.path, "rb") as source, open(path, "wb") as target:
                    target.write(source.read(size))
        return path
