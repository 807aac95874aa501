"""A WebSocket client of the tests (RFC 6455), with or without TLS: asyncio and nothing else."""

import asyncio
import base64
import dataclasses
import hashlib
import os
import ssl
import struct
import urllib.parse

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The server did not answer the upgrade as RFC 6455 wants it."""


@dataclasses.dataclass
class Closed(Exception):
    code: int
    reason: str


def mask(data, key):
    """Both ways; as one large number, because a loop over bytes is slow here."""
    size = len(data)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def frame(opcode, data, masks=True):
    size, flag = len(data), 0x80 if masks else 0
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, flag | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, flag | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, flag | 127, size)
    if not masks:
        return head + data
    key = os.urandom(4)
    return head + key + mask(data, key)


@dataclasses.dataclass(frozen=True)
class Manner:
    """What programs do each in their own way."""

    masks: bool = True
    host_has_port: bool = True  # and an IPv6 address its brackets
    lower_case: bool = False    # names of headers, and what Connection says


class WebSocket:
    """send() queues a message; receive() returns the next (opcode, bytes), answering pings on the way."""

    def __init__(self, reader, writer, subprotocol, masks):
        self.reader = reader
        self.writer = writer
        self.subprotocol = subprotocol
        self.masks = masks
        self.unanswered = 0  # pings

    @classmethod
    async def connect(cls, url, authority=None, subprotocols=(), headers=(), manner=Manner()):
        parts = urllib.parse.urlsplit(url)
        secure = parts.scheme == "wss"
        context = ssl.create_default_context(cafile=authority) if secure else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=context)
        key = base64.b64encode(os.urandom(16))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc if manner.host_has_port else parts.hostname
        lines = [f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key.decode()}",
                 "Sec-WebSocket-Version: 13", *headers]
        if subprotocols:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(subprotocols)}")
        if manner.lower_case:
            names = (line.partition(":") for line in lines)
            lines = [f"{name.lower()}:{value.lower() if name == 'Connection' else value}" for name, _, value in names]
        writer.write("\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode())
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answer = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        expected = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if status.split()[1:2] != ["101"] or answer.get("sec-websocket-accept") != expected:
            writer.close()
            raise Refused(status)
        return cls(reader, writer, answer.get("sec-websocket-protocol"), manner.masks)

    def send(self, data, opcode=BINARY):
        self.writer.write(frame(opcode, data, self.masks))

    def ping(self):
        """Sends one without content."""
        self.unanswered += 1
        self.send(b"", PING)

    async def receive(self):
        whole, kind = b"", None
        while True:
            first, second = await self.reader.readexactly(2)
            opcode, size = first & 15, second & 127
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
            data = await self.reader.readexactly(size)
            if opcode == PING:
                self.send(data, PONG)
            elif opcode == CLOSE:
                self.send(data[:2], CLOSE)
                raise Closed(*struct.unpack("!H", data[:2]), data[2:].decode()) if data else Closed(1005, "")
            elif opcode == PONG:
                self.unanswered = 0
            else:
                kind = opcode if opcode != CONTINUATION else kind
                whole += data
                if first & 0x80:
                    return kind, whole

    def abort(self):
        self.writer.transport.abort()
