"""Carries a WireGuard client's datagrams over a WebSocket, one binary message each. Dials at the first
datagram and again whenever the connection is gone. Prints 'ready'.

usage: udp_to_websocket.py PORT URL [--authority FILE] [--subprotocol NAME]... [--like PROGRAM]

Like wstunnel, as its WebSocket and HTTP libraries write: unmasked frames and pings without content (more often
than its one in 30 s), header names in lower case. Like uwgsocks (userspace-wireguard-socks): a Host without port
and brackets, and no close frame.
"""

import argparse
import asyncio
import ssl
import sys

import websocket_client
from websocket_client import Manner, WebSocket

MANNERS = {"wstunnel": Manner(masks=False, lower_case=True), "uwgsocks": Manner(host_has_port=False), None: Manner()}
PING_INTERVAL = 0.3
LONGEST_QUEUE = 1 << 20  # bytes on their way to the router; beyond, datagrams are dropped as UDP does


class Shim(asyncio.DatagramProtocol):
    def __init__(self, options):
        self.options = options
        self.client = None  # where WireGuard's socket is
        self.socket = None
        self.dialing = None
        self.pinging = None
        self.early = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.client = address
        if self.socket is None:
            self.early = [*self.early[-64:], data]
            self.dialing = self.dialing or asyncio.create_task(self.serve())
        elif self.socket.writer.transport.get_write_buffer_size() < LONGEST_QUEUE:
            self.socket.send(data)

    async def serve(self):
        try:
            self.socket = await WebSocket.connect(self.options.url, self.options.authority, self.options.subprotocol,
                                                  manner=MANNERS[self.options.like])
            if self.options.like == "wstunnel":
                self.pinging = asyncio.create_task(self.ping())
            print(f"connected, subprotocol {self.socket.subprotocol}", file=sys.stderr, flush=True)
            for data in self.early:
                self.socket.send(data)
            self.early = []
            while True:
                kind, data = await self.socket.receive()
                if kind == websocket_client.BINARY:
                    self.transport.sendto(data, self.client)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, websocket_client.Refused,
                websocket_client.Closed) as error:
            print(f"ended: {error!r}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)
        finally:
            if self.pinging:
                self.pinging.cancel()
            if self.socket:
                self.socket.abort()
            self.socket = self.dialing = None


    async def ping(self):
        self.socket.ping()
        while self.socket.unanswered:
            await asyncio.sleep(PING_INTERVAL)
        print("a ping was answered", file=sys.stderr, flush=True)
        while True:
            self.socket.ping()
            await asyncio.sleep(PING_INTERVAL)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("url")
    parser.add_argument("--authority")
    parser.add_argument("--subprotocol", action="append", default=[])
    parser.add_argument("--like", choices=[name for name in MANNERS if name])
    options = parser.parse_args()
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Shim(options), ("127.0.0.1", options.port))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
