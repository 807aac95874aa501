"""Sessions that the router itself ends while it serves on, because nothing answers at their other end: a machine
whose process stands still, as that of a page in a suspended laptop, and one whose path is silently gone."""

import contextlib
import re
import signal
import time

from bed import SERVER
from lab import silently_cut, wait_until
from scenarios import MB
from scrape import scrape
from vm_scenarios import VmScenario

DEAD = 'wgrouter_ws_closed_total{reason="dead"}'
SESSIONS = 'wgrouter_ws_sessions{service="ethernet"}'
OPENED = 'wgrouter_ws_sessions_total{service="ethernet"}'
LEASES = 'wgrouter_dhcp_leases{network="default"}'


@contextlib.contextmanager
def asleep(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


class SleepingMachine(VmScenario):
    """The router asks a session that is silent for 2 s, and ends it after two questions without answer."""

    @classmethod
    def prepare(cls):
        cls.bed.config.extra["ws"] = {"ping_interval": "2s"}

    def counts(self):
        return scrape(self.bed.router)

    def address(self):
        return re.search(r"inet (\S+)", self.vm.run("ip -4 addr show eth0")).group(1)

    def test_a_lease_arrives(self):
        self.report(self.vm.connect("-x", "hostname:machine")["ip"])

    def goes_on_after(self, interruption):
        """A transfer outlives its session, which the router ends as dead; the machine keeps its lease, unasked."""
        size, address, before = 4 * MB, self.address(), self.counts()
        self.start_to_fetch(size)
        with interruption:
            wait_until(lambda: self.counts()[DEAD] == before[DEAD] + 1, "the router ends the session", timeout=20)
            self.assertEqual(self.counts()[SESSIONS], 0)
        began = time.monotonic()
        wait_until(lambda: self.counts()[SESSIONS] == 1, "another session", timeout=30)
        self.report(f"another session after {time.monotonic() - began:.1f} s")
        code, output = self.vm.finish(90)
        self.assertEqual((code, output.splitlines()), (0, [f"{self.content.sha256(size)}  -"]))
        self.report(f"done after {time.monotonic() - began:.1f} s")

        self.assertEqual(self.vm.pings(SERVER[4]), 2)
        after = self.counts()
        self.assertEqual((after[SESSIONS], after[OPENED] - before[OPENED]), (1, 1))
        self.assertEqual(self.address(), address)
        self.assertEqual(after[LEASES], before[LEASES])
        asked = [name for name, value in after.samples.items()
                 if name.startswith("wgrouter_dhcp_messages_total{") and value != before[name]]
        self.assertEqual(asked, [], "the machine asked for an address again")

    def test_a_machine_that_sleeps_goes_on_when_it_wakes(self):
        self.goes_on_after(asleep(self.vm.console))

    def test_a_machine_whose_path_was_silently_gone_goes_on_when_it_is_back(self):
        self.goes_on_after(silently_cut((self.bed.router_ns, "172.31.1.2"), (self.host.ns, self.host.router_address)))


ALL = [SleepingMachine]
