"""Network namespaces and processes of one run, and their certain end.

Names carry the run's process id, so that runs do not meet; what a killed run left behind is swept by
the next. Processes are ended by their own id only.
"""

import atexit
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

RUN = f"wgi{os.getpid()}"
_labs = []
_labs_lock = threading.Lock()


class CommandFailed(AssertionError):
    """A command of a scenario ended with an error: the scenario's claim does not hold."""


def run(command, timeout=30, check=True, stdin=None):
    """Runs a command to its end and returns it, with its output as text."""
    try:
        completed = subprocess.run(command, timeout=timeout, text=True, input=stdin, capture_output=True,
                                   stdin=None if stdin is not None else subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired as expired:
        raise CommandFailed(f"{' '.join(command)}: not done after {timeout} s; said: {expired.stdout!r}") from None
    if check and completed.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}: exit code {completed.returncode}\n"
                            f"{completed.stdout}{completed.stderr}")
    return completed


def wait_until(condition, what, timeout=10.0, interval=0.05):
    """Polls until the condition holds and returns what it returned."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(interval)


class Namespace:
    """A network namespace with IPv4 and IPv6 up and no duplicate address detection."""

    def __init__(self, lab, role):
        self.lab = lab
        self.role = role
        self.name = f"{RUN}-{lab.name}-{role}"
        run(["ip", "netns", "add", self.name])
        self.sysctl("net.ipv6.conf.all.disable_ipv6", "0")
        self.sysctl("net.ipv6.conf.default.accept_dad", "0")
        self.ip("link", "set", "lo", "up")

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command, timeout=30, check=True, stdin=None):
        return run(self.command(*command), timeout, check, stdin)

    def ip(self, *arguments):
        return run(["ip", "-n", self.name, *arguments])

    def sysctl(self, key, value):
        self.run("sysctl", "-q", "-w", f"{key}={value}")

    def popen(self, *command, name, **options):
        return self.lab.popen(self.command(*command), name=f"{self.role}-{name}", **options)

    def connect(self, device, other, other_device, addresses, other_addresses):
        """A cable to another namespace."""
        self.ip("link", "add", "name", device, "type", "veth", "peer", "name", other_device, "netns", other.name)
        for space, link, own in ((self, device, addresses), (other, other_device, other_addresses)):
            for address in own:
                space.add_address(address, link)
            space.ip("link", "set", "dev", link, "up")

    def add_address(self, address, device):
        self.ip("addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def resolve_with(self, *servers):
        """What programs started here find in /etc/resolv.conf."""
        folder = pathlib.Path("/etc/netns") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in servers))

    def delete(self):
        delete_namespace(self.name)


def delete_namespace(name):
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    shutil.rmtree(pathlib.Path("/etc/netns") / name, ignore_errors=True)


@contextlib.contextmanager
def silently_cut(*ways):
    """Pairs of a namespace and an address it shall not reach: packets vanish, and nobody is told."""
    try:
        for space, address in ways:
            space.ip("route", "add", "blackhole", f"{address}/32")
        yield
    finally:
        for space, address in ways:
            space.ip("route", "del", "blackhole", f"{address}/32")


class Lab:
    """Owns namespaces, processes and files; close() ends all of them."""

    def __init__(self, name, logs):
        self.name = name
        self.logs = pathlib.Path(logs) / name
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{RUN}-{name}-"))
        self.folder.chmod(0o755)  # the router runs as another user
        self.namespaces = []
        self.processes = []
        with _labs_lock:
            _labs.append(self)

    def namespace(self, role):
        space = Namespace(self, role)
        self.namespaces.append(space)
        return space

    def popen(self, command, name, **options):
        """Starts a process whose output goes to a log named after it, unless stdout is given."""
        log = open(self.logs / f"{name}.log", "ab", buffering=0)
        options.setdefault("stdout", log)
        options.setdefault("stderr", log)
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(command, **options)
        log.close()
        self.processes.append(process)
        return process

    def end(self, process, timeout=5):
        """Asks a process to end, insists after a while; returns its exit code."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        if process.stdout:
            process.stdout.close()
        if process in self.processes:
            self.processes.remove(process)
        return process.returncode

    def close(self):
        for process in reversed(list(self.processes)):
            self.end(process, timeout=2)
        for space in self.namespaces:
            space.delete()
        self.namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        with _labs_lock:
            if self in _labs:
                _labs.remove(self)


def sweep():
    """Removes what runs left behind whose process is gone."""
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        name = line.split()[0] if line.split() else ""
        match = re.fullmatch(r"wgi(\d+)-[\w-]+", name)
        if match and not pathlib.Path(f"/proc/{match.group(1)}").exists():
            delete_namespace(name)


def close_all():
    for lab in list(_labs):
        lab.close()


def end_on_signals():
    """SIGTERM and SIGINT end the run as an exception does: with everything taken down."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    atexit.register(close_all)
