"""What a client program does and sees, as JSON on standard output. Run inside a client's namespace.

usage: probes.py connect|udp-errors|half-close|server-closes-first|many|udp-echo HOST PORT [ARGUMENT]
"""

import asyncio
import errno
import hashlib
import json
import os
import socket
import sys
import time

import servers

TIMEOUT = 20.0
IP_RECVERR, IPV6_RECVERR = 11, 25


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def error_name(error):
    return "timeout" if isinstance(error, TimeoutError) and error.errno is None else errno.errorcode.get(error.errno, str(error))


def connect(host, port):
    """Connects; tells the error and how long it took to learn it."""
    began, found = time.monotonic(), "connected"
    with socket.socket(family_of(host), socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT)
        try:
            client.connect((host, port))
        except OSError as error:
            found = error_name(error)
    return {"result": found, "seconds": time.monotonic() - began}


def udp_errors(host, port):
    """Sends datagrams from a connected socket; tells the error the kernel hands back."""
    began, found = time.monotonic(), "nothing"
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as client:
        level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if ":" in host else (socket.IPPROTO_IP, IP_RECVERR)
        client.setsockopt(level, option, 1)  # without it Linux keeps 'unreachable' to itself
        client.connect((host, port))
        client.settimeout(0.5)
        for _ in range(6):
            try:
                client.send(b"anyone?")
                client.recv(100)
            except TimeoutError:
                continue
            except OSError as error:
                found = error_name(error)
            break
    return {"result": found, "seconds": time.monotonic() - began}


def half_close(host, port, size):
    """Sends, shuts down the sending side, and still gets the whole answer."""
    data = os.urandom(size)
    with socket.create_connection((host, port), TIMEOUT) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(1 << 16):
            answer += chunk
    digest, _, rest = answer.partition(b"\n")
    return {"digest_matches": digest.decode() == hashlib.sha256(data).hexdigest(), "answer_bytes": len(rest)}


def server_closes_first(host, port, size):
    """Reads until the server shuts down its side, then still sends."""
    data = os.urandom(size)
    with socket.create_connection((host, port), TIMEOUT) as client:
        received = 0
        while chunk := client.recv(1 << 16):
            received += len(chunk)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(TIMEOUT)
        end = client.recv(1)
    wanted, deadline = hashlib.sha256(data).hexdigest(), time.monotonic() + TIMEOUT
    digest = ""
    while digest != wanted and time.monotonic() < deadline:
        with socket.create_connection((host, servers.DIGEST_PORT), TIMEOUT) as client:
            digest = client.recv(100).decode()
        time.sleep(0.05)
    return {"received": received, "digest_matches": digest == wanted, "end": len(end)}


async def many_async(host, port, count):
    opened = asyncio.Event()
    state = {"open": 0, "echoed": 0, "errors": {}}

    async def one(index):
        message = f"connection {index} ".encode() * 100
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), TIMEOUT)
            state["open"] += 1
            if state["open"] == count:
                opened.set()
            await asyncio.wait_for(opened.wait(), TIMEOUT)  # all are open at the same time
            writer.write(message)
            answer = await asyncio.wait_for(reader.readexactly(len(message)), TIMEOUT)
            state["echoed"] += answer == message
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            name = type(error).__name__
            state["errors"][name] = state["errors"].get(name, 0) + 1

    await asyncio.gather(*(one(index) for index in range(count)))
    return state


def many(host, port, count):
    return asyncio.run(many_async(host, port, count))


def udp_echo(host, port, size):
    """A datagram of that size there and back; asks again a few times, as UDP clients do."""
    data = os.urandom(size)
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect((host, port))
        for attempt in range(1, 6):
            client.send(data)
            try:
                if client.recv(1 << 16) == data:
                    return {"attempts": attempt}
            except TimeoutError:
                pass
    return {"attempts": 0}


def main(arguments):
    name, host, port, *rest = arguments
    probes = {"connect": connect, "udp-errors": udp_errors, "half-close": half_close,
              "server-closes-first": server_closes_first, "many": many, "udp-echo": udp_echo}
    print(json.dumps(probes[name](host, int(port), *map(int, rest))))


if __name__ == "__main__":
    main(sys.argv[1:])
