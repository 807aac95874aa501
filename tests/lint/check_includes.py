"""Checks who may include and use what: the edges between modules, and where IO, cryptography,
configuration, threads and the clock may appear."""

import re
import sys

import tree

EDGES = {
    "core": set(),
    "wireguard": {"core"},
    "slirp": {"core"},
    "ws": {"core"},
    "metrics": {"core"},  # and the *counters.h of the protocol modules, below
    "cmd": {"ws", "wireguard", "slirp", "metrics", "core"},
}

# Files that do IO: the shells around the pure cores.
SHELL = (
    r"core/io/.*|core/egress/.*|(.*/)?\w*_(port|bridge|server)\.(h|cc)|(.*/)?\w*session\.(h|cc)"
    r"|slirp/forward\w*\.(h|cc)|ws/(\w+/)?(server|listener|dialer|http_\w+)\.(h|cc)|metrics/registry\.(h|cc)|cmd/.*"
)

THIRD_PARTY = r"(boost|yaml-cpp|prometheus|gtest|gmock|benchmark|sodium|openssl)(/|\.h)"

# What the code says, and the only files that may say it.
INCLUDE_RULES = [
    (r"boost/(asio|beast)\b", SHELL, "Asio and Beast belong to files that do IO"),
    (r"boost/(?!asio|beast|system|intrusive|container|circular_buffer|unordered)", r"$^",
     "no other part of Boost"),
    (r"(openssl|sodium)\b", r"wireguard/crypto(_\w+)?\.cc|core/(secret|keyed_hash)\.cc|ws/(tls|handshake_key)\.cc|ws/derp/box\.cc",
     "cryptographic libraries have few, named users"),
    (r"yaml-cpp/", r"cmd/config_\w+\.(cc|h)", "YAML is read in cmd/config_*"),
    (r"prometheus/", r"metrics/.*", "prometheus-cpp belongs to metrics/"),
]
CODE_RULES = [
    (r"\b(secure_)?getenv\s*\(|\benviron\b", r"cmd/config_\w+\.(cc|h)", "the environment is read in cmd/config_*"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex|timed_mutex|lock_guard|unique_lock|scoped_lock|shared_lock"
     r"|condition_variable\w*|atomic\w*|thread|jthread|this_thread|async|promise|future|call_once|once_flag"
     r"|counting_semaphore|binary_semaphore|latch|barrier)\b",
     r"core/io/.*|core/counters\.h|core/log\.cc|core/egress/resolver\.(h|cc)|ws/source_limits\.h",
     "locks, atomics and threads belong to core/io and core/counters.h"),
    (r"\bthread_local\b", r"core/(packet_buffer|log)\.cc|core/io/.*", "no hidden per-thread state"),
    (r"\bClock::now\s*\(", rf"core/time\.(h|cc)|{SHELL}", "only shells read the clock; cores take `Instant now`"),
    (r"\b(steady_clock|system_clock|high_resolution_clock)::now|\bclock_gettime\s*\(|\bgettimeofday\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)",
     r"core/time\.(h|cc)|core/log\.cc|cmd/.*", "the clock is read through core/time.h"),
    (r"\bstd::(random_device|mt19937(_64)?|rand|srand)\b|(?<![\w:.])rand\s*\(|\bgetrandom\s*\(",
     r"core/(rng|keyed_hash|secret)\.cc", "randomness comes from an Rng&"),
    (r"\bshared_from_this\b|\benable_shared_from_this\b", r"$^", "ownership is explicit"),
    (r"\basio::detached\b", r"$^", "a coroutine nobody owns"),
    (r"\bstd::(cout|cerr|clog)\b|(?<![\w:.>])printf\s*\(", r"cmd/.*|core/log\.cc", "output goes through core/log.h"),
    (r"\breinterpret_cast\s*<\s*(const\s+)?(struct\s+)?(ip|tcp|udp|icmp|eth)\w*hdr\b", r"$^",
     "headers are read through core/wire"),
]


def may_edge(source, target_path):
    module, target = source.split("/")[0], target_path.split("/")[0]
    if module == target or target in EDGES[module]:
        return True
    return module == "metrics" and target in tree.MODULES and target_path.endswith("counters.h")


def check(path, text):
    code = tree.code_of(text)
    for number, line in enumerate(code.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*(<[^>]*>|"[^"]*")', line)
        if include:
            target = include.group(1)
            name = target[1:-1]
            if target[0] == '"':
                if re.match(THIRD_PARTY, name):
                    pass
                elif not (tree.ROOT / name).is_file():
                    yield number, f"{target}: no such file below the root"
                elif name.split("/")[0] == "tests":
                    yield number, f"{target}: the product includes a test"
                elif not may_edge(path, name):
                    yield number, f"{target}: {path.split('/')[0]} may not include {name.split('/')[0]}"
            for pattern, allowed, why in INCLUDE_RULES:
                if re.match(pattern, name) and not re.fullmatch(allowed, path):
                    yield number, f"{target}: {why}"
            continue
        for pattern, allowed, why in CODE_RULES:
            found = re.search(pattern, line)
            if found and not re.fullmatch(allowed, path):
                yield number, f"`{found.group().strip()}`: {why}"
    if path.endswith(".h") and "#pragma once" not in code:
        yield 1, "a header without #pragma once"


def main():
    faults = 0
    for path in tree.sources(*tree.MODULES):
        for number, fault in check(path, tree.read(path)):
            print(f"{path}:{number}: {fault}")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
