"""Runs the interop scenarios in network namespaces of their own and reports each as one test.

usage: run.py [--suite NAME] [--results FILE] [--logs FOLDER] [--jobs N] [--control] [--list] [CLASS[.test]...]

Suites: interop, WireGuard clients; websocket, WireGuard over WebSockets, the server's manners, Prometheus;
browser, machines in v86 (tests/browser).

Needs root, to make namespaces and TUN devices for the clients; the router runs as nobody. Every
scenario is bounded in time, and everything made is removed at the end, however it comes.
"""

import argparse
import concurrent.futures
import importlib
import inspect
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import traceback
import unittest

import bed
import lab
import scenarios

TOOLS = ("ip", "wg", "wireguard-go", "setpriv", "sysctl", "curl", "iperf3", "dig", "ping", "traceroute", "openssl")
BROWSER = pathlib.Path(__file__).resolve().parents[1] / "browser"
SUITES = {"interop": ("scenarios",),
          "websocket": ("websocket_scenarios", "two_router_scenarios", "metrics_scenarios"),
          "browser": ("vm_scenarios", "sleep_scenarios")}


def why_not():
    """The reason why nothing can run here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun for the clients"
    if not os.path.exists("/proc/sys/net/ipv6"):
        return "no IPv6 in this kernel"
    probe = f"{lab.RUN}-probe"
    try:
        lab.run(["ip", "netns", "add", probe])
        lab.run(["ip", "-n", probe, "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"])
    except lab.CommandFailed as failed:
        return f"no network namespaces here: {failed}"
    finally:
        lab.delete_namespace(probe)
    return None


class Reporter(unittest.TestResult):
    """Says each verdict as it falls, and keeps it for the results file."""

    lock = threading.Lock()

    def __init__(self, suite, results):
        super().__init__()
        self.suite = suite
        self.results = results
        self.began = {}
        self.passed = 0
        self.failed_subtests = set()

    @staticmethod
    def name(test):
        if isinstance(test, unittest.TestCase):
            claim = getattr(test, "_testMethodName").removeprefix("test_").replace("_", " ")
            return f"{type(test).__name__}: {claim}"
        return str(test)

    def say(self, verdict, test, reason="", details=""):
        spent = f"{time.monotonic() - self.began.get(test, time.monotonic()):.1f} s"
        notes = "; ".join(getattr(test, "notes", []))
        with self.lock:
            print(f"{verdict:4} {self.name(test)} ({spent}{'; ' + notes if notes else ''}) {reason}", flush=True)
            if details:
                print("".join(f"     {line}\n" for line in details.splitlines()), flush=True)
            if self.results:
                with open(self.results, "a", encoding="utf-8") as file:
                    file.write(f"{verdict}\t{self.suite}: {self.name(test)}\t{reason}\n")

    def details(self, test, error):
        text = "".join(traceback.format_exception(*error, limit=-4))
        used = getattr(type(test), "bed", None)
        log = used.router.log() if used else ""
        return text + ("\nthe router's log ends with:\n" + "\n".join(log.splitlines()[-25:]) if log else "")

    def startTest(self, test):
        super().startTest(test)
        self.began[test] = time.monotonic()
        test.notes = []

    def addSuccess(self, test):
        super().addSuccess(test)
        if test not in self.failed_subtests:
            self.passed += 1
            self.say("pass", test)

    def addSubTest(self, test, subtest, error):
        if error is None:
            return
        super().addSubTest(test, subtest, error)
        first = test not in self.failed_subtests
        self.failed_subtests.add(test)
        where = subtest._subDescription()
        if first:
            self.say("fail", test, where, self.details(test, error))
        else:
            with self.lock:
                print(f"     also {where}: {error[1]}", flush=True)

    def failed(self, test, error):
        if test in self.failed_subtests:
            with self.lock:
                print(f"     and then: {error[1]}", flush=True)
        else:
            self.say("fail", test, "see the log", self.details(test, error))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.failed(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skip", test, reason)


def tests_of(cls, wanted):
    """The tests of a class in the order of the text, those of its bases first."""
    names = [name for base in reversed(inspect.getmro(cls)) for name in vars(base) if name.startswith("test_")]
    if wanted and cls.__name__ not in wanted:
        names = [name for name in names if f"{cls.__name__}.{name}" in wanted]
    return [cls(name) for name in names]


def run_class(cls, wanted, suite, results):
    result = Reporter(suite, results)
    unittest.TestSuite(tests_of(cls, wanted)).run(result)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=SUITES, default="interop")
    parser.add_argument("--results")
    parser.add_argument("--logs")
    parser.add_argument("--jobs", type=int, default=2, help="groups of scenarios run at the same time")
    parser.add_argument("--control", action="store_true", help="a kernel router in place of ours: tests the harness")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("wanted", nargs="*", metavar="CLASS[.test]")
    options = parser.parse_args()
    options.logs = options.logs or str(bed.ROOT / "build" / "check" / options.suite)

    sys.path.append(str(BROWSER))
    modules = [importlib.import_module(name) for name in SUITES[options.suite]]
    classes = [cls for module in modules for cls in module.ALL if tests_of(cls, options.wanted)]
    if options.list:
        for cls in classes:
            for test in tests_of(cls, options.wanted):
                print(f"{cls.__name__}.{getattr(test, '_testMethodName')}")
        return 0
    if not classes:
        parser.error("no such scenario")

    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        if options.results:
            with open(options.results, "a", encoding="utf-8") as file:
                file.write(f"skip\t{options.suite}\t{reason}\n")
        return 0

    lab.end_on_signals()
    lab.sweep()
    pathlib.Path(options.logs).mkdir(parents=True, exist_ok=True)
    scenarios.Scenario.logs = options.logs
    scenarios.Scenario.report = lambda self, text: self.notes.append(text)
    if options.control:
        bed.Bed.router_class = bed.ControlRouter
        classes = [cls for cls in classes if cls.control_knows]

    with tempfile.TemporaryDirectory(prefix=f"{lab.RUN}-content-") as folder:
        os.chmod(folder, 0o755)
        scenarios.Scenario.content = bed.Content(folder)
        # LongTransfer only waits: it does not count as a job.
        waiting = scenarios.LongTransfer in classes
        try:
            with concurrent.futures.ThreadPoolExecutor(options.jobs + waiting) as pool:
                outcomes = list(pool.map(lambda cls: run_class(cls, options.wanted, options.suite, options.results),
                                         classes))
        finally:
            lab.close_all()

    passed = sum(outcome.passed for outcome in outcomes)
    skipped = sum(len(outcome.skipped) for outcome in outcomes)
    # A test fails once, in whatever part; a class whose bed did not come up fails without a test.
    failed = sum(len({getattr(test, "test_case", test) for test, _ in outcome.failures + outcome.errors})
                 for outcome in outcomes)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
