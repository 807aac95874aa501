"""The programs of a benchmark, each on its core: router, limit, load and far end."""

import contextlib
import json
import os
import select
import socket
import subprocess
import tempfile
import time

RUN_LIMIT = 60  # seconds that any one program may take beside what it measures


class Failed(Exception):
    pass


class Tools:
    def __init__(self, arguments):
        self.bin = arguments.bin
        cores = sorted(os.sched_getaffinity(0))
        self.router_core = {cores[0]}
        self.load_core = {cores[1 if len(cores) > 1 else 0]}
        self.seconds = arguments.seconds
        self.warm_up = arguments.warm_up

    def path(self, name):
        return os.path.join(self.bin, name)

    def spawn(self, command, cores, **options):
        # Set here, not in the child: taskset would cost the start-up time that is measured.
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            return subprocess.Popen(command, text=True, **options)
        finally:
            os.sched_setaffinity(0, own)

    def load(self, scenario, **keys):
        keys.setdefault("measured_ms", int(self.seconds * 1000))
        keys.setdefault("warm_up_ms", int(self.warm_up * 1000))
        limit = RUN_LIMIT + keys["measured_ms"] / 1000
        words = [f"{key}={int(value)}" for key, value in keys.items()]
        process = self.spawn([self.path("bench_load"), scenario, *words], self.load_core,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed(f"{scenario}: not finished after {limit:.0f} s") from None
        if process.returncode != 0:
            raise Failed(f"{scenario}: {errors.strip()}")
        return json.loads(output)


def read_line(stream, what):
    if not select.select([stream], [], [], 10)[0]:
        raise Failed(f"{what} says nothing")
    line = stream.readline()
    if not line:
        raise Failed(f"{what} has ended")
    return dict(pair.split("=") for pair in line.split())


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process):
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def host_server(tools):
    process = tools.spawn([tools.path("bench_host_server")], tools.load_core, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
    try:
        yield {name: int(port) for name, port in read_line(process.stdout, "host_server").items()}
    finally:
        end(process)


class Router:
    """A fresh router, and the milliseconds from its start to its first answer to an initiation."""

    def __init__(self, tools, folder, port, peers, sections=""):
        self.port = port
        state = tempfile.mkdtemp(dir=folder)
        conf = os.path.join(folder, "bench.conf")
        yaml = os.path.join(folder, "bench.yaml")
        with open(conf, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            subprocess.run([tools.path("bench_load"), "conf", str(port), str(peers)], stdout=file, check=True)
        with open(yaml, "w") as file:
            # A port of its own for the metrics too: another router may run on this host.
            file.write("egress:\n  allow: [loopback]\nprocessor:\n  workers: 1\nlog:\n  level: warn\n"
                       f"metrics:\n  port: {free_port(socket.SOCK_STREAM)}\n"
                       f"state:\n  folder: {state}\n{sections}")
        probe = tools.spawn([tools.path("bench_load"), "first_answer", f"router={port}"], tools.load_core,
                            stdout=subprocess.PIPE)
        self.log = open(os.path.join(folder, "router.log"), "w")
        try:
            read_line(probe.stdout, "the probe")
            began = time.monotonic()
            self.process = tools.spawn([tools.path("wgrouter"), "run", "--config", yaml, "--wg-config", conf],
                                       tools.router_core, stdout=self.log, stderr=self.log)
            try:
                answered = float(read_line(probe.stdout, "the router")["answered_at"])
            except Failed as failure:
                end(self.process)
                with open(self.log.name) as file:
                    raise Failed(f"{failure}: {file.read()[-2000:]}") from None
        finally:
            end(probe)
        self.start_ms = (answered - began) * 1000
        # The probe was the first peer; a second initiation of that peer within 20 ms would be a flood, and the
        # next try comes after five seconds.
        time.sleep(0.05)

    def close(self):
        end(self.process)
        self.log.close()


class Limit:
    """A limit program in one of its modes; account() is what it says of itself at the end."""

    def __init__(self, tools, program, mode, *words):
        began = time.monotonic()
        self.process = tools.spawn([tools.path(program), mode, *map(str, words)], tools.router_core,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(read_line(self.process.stdout, "limit")["port"])
        self.start_ms = (time.monotonic() - began) * 1000

    def account(self):
        self.process.stdin.close()
        figures = read_line(self.process.stdout, "limit")
        self.process.wait(timeout=10)
        return {name: float(value) for name, value in figures.items()}

    def close(self):
        if self.process.poll() is None:
            end(self.process)
