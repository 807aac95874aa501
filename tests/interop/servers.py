"""The servers behind the router: HTTP for files, echo, half-close, DNS. Prints 'ready' once all listen."""

import argparse
import asyncio
import hashlib
import http.server
import os
import socket
import socketserver
import struct
import sys
import threading
import urllib.parse

HTTP_PORT = 8080
ECHO_PORT = 7
ANSWER_AT_EOF_PORT = 7001   # reads to the end, then answers with the sha256 and as many bytes again
CLOSES_FIRST_PORT = 7002    # sends, shuts down its side, then reads to the end and writes down the sha256
DIGEST_PORT = 7003          # tells the last sha256 that CLOSES_FIRST_PORT wrote down
DNS_PORT = 53
CLOSES_FIRST_BYTES = 1_000_000
ADDRESSES = {"host.interop.test": ("10.200.0.2", "fd00:200::2")}


class FileHandler(http.server.BaseHTTPRequestHandler):
    """GET sends the file (or its first ?size= bytes); PUT answers with the sha256 of the body."""

    protocol_version = "HTTP/1.1"
    path_of_file = None

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        with open(self.path_of_file, "rb") as file:
            size = int(query.get("size", [os.fstat(file.fileno()).st_size])[0])
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.flush()
            offset = 0
            while offset < size:
                offset += os.sendfile(self.connection.fileno(), file.fileno(), offset, min(size - offset, 1 << 20))

    def do_PUT(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left > 0:
            chunk = self.rfile.read1(min(left, 1 << 20))
            if not chunk:
                return
            digest.update(chunk)
            left -= len(chunk)
        body = digest.hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_expect_100(self):
        return True  # do_PUT answers it

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass


class FileServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 1024

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)  # HTTPServer would ask the resolver for our name

    def handle_error(self, request, client_address):
        pass  # clients of the scenarios may leave as they like


async def echo(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.close()


async def answer_at_eof(reader, writer):
    digest, size = hashlib.sha256(), 0
    while data := await reader.read(1 << 16):
        digest.update(data)
        size += len(data)
    writer.write(digest.hexdigest().encode() + b"\n")
    for _ in range(size // 1000):
        writer.write(b"a" * 1000)
        await writer.drain()
    writer.close()


last_digest = b"none"


async def closes_first(reader, writer):
    global last_digest
    writer.write(b"b" * CLOSES_FIRST_BYTES)
    writer.write_eof()
    digest = hashlib.sha256()
    while data := await reader.read(1 << 16):
        digest.update(data)
    last_digest = digest.hexdigest().encode()
    writer.close()


async def tell_digest(_reader, writer):
    writer.write(last_digest)
    writer.close()


class UdpEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


def dns_answer(query):
    """A and AAAA of the names we know; NXDOMAIN for the rest."""
    offset, labels = 12, []
    while query[offset]:
        labels.append(query[offset + 1 : offset + 1 + query[offset]].decode())
        offset += 1 + query[offset]
    question = query[12 : offset + 5]
    kind = struct.unpack("!H", query[offset + 1 : offset + 3])[0]
    known = ADDRESSES.get(".".join(labels).lower())
    records = b""
    if known and kind in (1, 28):
        data = socket.inet_pton(*((socket.AF_INET, known[0]) if kind == 1 else (socket.AF_INET6, known[1])))
        records = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    flags = 0x8580 if known else 0x8583
    return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


class UdpDns(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(dns_answer(data), address)


async def tcp_dns(reader, writer):
    try:
        while True:
            size = struct.unpack("!H", await reader.readexactly(2))[0]
            answer = dns_answer(await reader.readexactly(size))
            writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


def dual_stack(kind, port):
    listener = socket.socket(socket.AF_INET6, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    return listener


async def serve():
    for port, handler in ((ECHO_PORT, echo), (ANSWER_AT_EOF_PORT, answer_at_eof), (CLOSES_FIRST_PORT, closes_first),
                          (DIGEST_PORT, tell_digest), (DNS_PORT, tcp_dns)):
        await asyncio.start_server(handler, sock=dual_stack(socket.SOCK_STREAM, port), backlog=1024)
    loop = asyncio.get_running_loop()
    # Answers of a wildcard socket leave from the address the kernel picks: one per family here.
    for port, protocol in ((ECHO_PORT, UdpEcho), (DNS_PORT, UdpDns)):
        await loop.create_datagram_endpoint(protocol, sock=dual_stack(socket.SOCK_DGRAM, port))
    print("ready", flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", required=True)
    options = parser.parse_args()
    FileHandler.path_of_file = options.file
    files = FileServer(("::", HTTP_PORT), FileHandler)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    asyncio.run(serve())


if __name__ == "__main__":
    sys.exit(main())
