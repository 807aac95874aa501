"""A web proxy that only tunnels (CONNECT, RFC 9110 9.3.6), as offices have one. Prints 'ready'.

usage: connect_proxy.py PORT [--user NAME:PASSWORD] [--name NAME=ADDRESS]...

A client without the user's credentials gets 407. Names are those given, and none else: the client's own
resolver need not know them. Commands on standard input, each answered by one line of JSON with
tunnels (open), opened, refused and bytes (up, down) so far: `status`, and `cut`, which ends all tunnels.
"""

import argparse
import asyncio
import base64
import json
import sys


class Proxy:
    def __init__(self, options):
        self.expected = f"Basic {base64.b64encode(options.user.encode()).decode()}" if options.user else None
        self.names = dict(entry.split("=", 1) for entry in options.name)
        self.tunnels = set()
        self.opened = self.refused = 0
        self.bytes = {"up": 0, "down": 0}

    def refuse(self, writer, status, *headers):
        self.refused += 1
        writer.write("\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", ""]).encode())
        writer.close()

    async def pump(self, reader, writer, direction):
        try:
            while data := await reader.read(1 << 16):
                self.bytes[direction] += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(self, reader, writer):
        try:
            request, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        method, target, *_ = (*request.split(), "", "")
        host, _, port = target.rpartition(":")
        if method != "CONNECT":
            self.refuse(writer, "405 Method Not Allowed", "Allow: CONNECT")
        elif self.expected and headers.get("proxy-authorization") != self.expected:
            self.refuse(writer, "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="tests"')
        else:
            await self.tunnel(reader, writer, host, port)

    async def tunnel(self, reader, writer, host, port):
        try:
            onward_reader, onward = await asyncio.open_connection(self.names.get(host, host), int(port))
        except (OSError, ValueError):
            self.refuse(writer, "502 Bad Gateway")
            return
        self.opened += 1
        self.tunnels.add((writer, onward))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(self.pump(reader, onward, "up"), self.pump(onward_reader, writer, "down"))
        self.tunnels.discard((writer, onward))

    def obey(self, command):
        answer = {"tunnels": len(self.tunnels), "opened": self.opened, "refused": self.refused, "bytes": self.bytes}
        if command == "cut":
            for writer in [writer for pair in self.tunnels for writer in pair]:
                writer.transport.abort()
        return answer


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--user")
    parser.add_argument("--name", action="append", default=[])
    options = parser.parse_args()
    proxy = Proxy(options)
    await asyncio.start_server(proxy.accept, port=options.port)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)
    while line := await commands.readline():
        print(json.dumps(proxy.obey(line.decode().strip())), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
