"""Guests in v86, in Node or in a page of headless Chromium, as objects a scenario gives commands to."""

import functools
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import parts
from lab import CommandFailed

HERE = pathlib.Path(__file__).resolve().parent
START_TIMEOUT = 60
BOOT_TIMEOUT = 180  # from nothing to the saved state, on a busy machine
PATIENCE = 5  # times as long as on an idle host
PAGE_PORT = 8090


@functools.cache
def why_not(*programs):
    """The reason why there can be no machine here, or None. Fetches what is not there yet."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    try:
        parts.guest()
        parts.node_modules()
    except parts.Missing as reason:
        return str(reason)
    return None


class Fault(AssertionError):
    """The machine itself did not do as told."""


def saved_state(nic):
    """The guest as it is before it has a network driver, booted once and kept: 1 s in place of 10."""
    key = f"{parts.guest().key}-{parts.node_modules().parent.name}"

    def make(folder):
        # No relay: nothing is sent before the driver is there.
        settings = parts.guest_settings(nic, save=folder / "state", relay="ws://127.0.0.1:9/")
        parts.run(f"boot of a guest with {nic}", ["node", str(HERE / "node_vm.mjs"), json.dumps(settings)],
                  timeout=BOOT_TIMEOUT)

    return parts.made_once(f"state-{nic}-{key}", make) / "state"


class Machine:
    """A process that takes commands and tells events, one JSON object a line."""

    def __init__(self, space, name, nic):
        self.space = space
        self.name = name
        self.nic = nic
        self.events = queue.Queue()
        self.notes = []
        self.count = 0
        self.freed = 0  # how often v86 had lost the machine's interrupts (guest.mjs)
        self.processes = []

    def begin(self, *command, environment=None):
        process = self.space.popen(*command, name=self.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={**os.environ, **(environment or {})})
        self.processes.append(process)
        self.console = process
        threading.Thread(target=self.read, args=(process.stdout,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.events.put(json.loads(line))
        self.events.put({"event": "ended"})

    def waited(self):
        """Seconds that the machine's process could not run because others did."""
        try:
            return int(pathlib.Path(f"/proc/{self.console.pid}/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def expect(self, wanted, seconds):
        """The event, within so many seconds of the machine's own: on a busy host it gets few of them."""
        began, waited = time.monotonic(), self.waited()
        while True:
            spent = time.monotonic() - began
            left = min(seconds - (spent - (self.waited() - waited)), PATIENCE * seconds - spent)
            try:
                event = self.events.get(timeout=max(0.0, left))
            except queue.Empty:
                if left > 0:
                    continue
                raise Fault(f"{self.name}: no '{wanted}' within {seconds} s of its own, {spent:.0f} s in all; "
                            f"notes: {self.notes}") from None
            if event["event"] == wanted:
                return event
            if event["event"] in ("ended", "error"):
                raise Fault(f"{self.name}: {event}; notes: {self.notes}")
            self.notes.append(event.get("text", event["event"]))

    def start(self, command):
        """Gives the guest a line of shell without waiting for its end."""
        self.count += 1
        self.console.stdin.write(json.dumps({"id": self.count, "command": command}).encode() + b"\n")
        self.console.stdin.flush()

    def is_busy(self):
        """The command given last has not ended."""
        return not any(event.get("id") == self.count for event in list(self.events.queue))

    def finish(self, seconds):
        """Waits for the end of the command given last; returns its exit code and what it said."""
        result = self.expect("result", seconds)
        assert result["id"] == self.count, "commands of a machine run one after another"
        self.freed = result["freed"]
        return result["code"], result["output"]

    def run(self, command, seconds=30, check=True):
        """Runs a line of shell in the guest and returns what it said."""
        self.start(command)
        code, output = self.finish(seconds)
        if check and code != 0:
            raise CommandFailed(f"{self.name}: {command}: exit code {code}\n{output}")
        return output

    def pings(self, host, count=2, wait=2):
        """How many of `count` pings were answered."""
        return self.run(f"ping -c {count} -W {wait} {host}", count * (wait + 1) + 10, check=False).count("bytes from")

    def connect(self, *lease_options):
        """Loads the driver and asks for a lease; returns what the server said, by udhcpc's names."""
        self.run(f"load {self.nic} && lease {' '.join(lease_options)}", 40)
        lines = self.run("cat /tmp/lease.bound").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def end(self):
        for process in reversed(self.processes):
            if process.stdin:
                process.stdin.close()
            self.space.lab.end(process, timeout=2)


def start_chromium(space, name, url, *options):
    """A headless browser with a profile of its own; returns its process and the profile's folder."""
    profile = tempfile.mkdtemp(dir=space.lab.folder, prefix="chromium-")
    process = space.popen(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        f"--user-data-dir={profile}", *options, url, name=f"{name}-chromium", env={**os.environ, "HOME": profile})
    return process, profile


class NodeVm(Machine):
    """v86 in Node."""

    def __init__(self, space, name, nic, relay, authority=None, **options):
        super().__init__(space, name, nic)
        settings = parts.guest_settings(nic, saved_state(nic), relay=relay, **options)
        environment = {"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {}
        self.begin("node", str(HERE / "node_vm.mjs"), json.dumps(settings), environment=environment)
        self.expect("ready", START_TIMEOUT)


class PageVm(Machine):
    """v86 in a page of headless Chromium that accepts the certificate with this public key."""

    def __init__(self, space, name, nic, relay, accepted_key, **options):
        super().__init__(space, name, nic)
        settings = parts.guest_settings(nic, saved_state(nic))
        settings["options"] = {"nic": nic, "relay": relay, **options}
        self.begin(sys.executable, str(HERE / "page_server.py"), str(PAGE_PORT), json.dumps(settings))
        self.expect("serving", 10)
        browser, self.profile = start_chromium(space, name, f"http://127.0.0.1:{PAGE_PORT}/",
                                               f"--ignore-certificate-errors-spki-list={accepted_key}")
        self.processes.append(browser)
        self.expect("ready", START_TIMEOUT)

    def end(self):
        super().end()
        shutil.rmtree(self.profile, ignore_errors=True)
