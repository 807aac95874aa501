"""A TCP path that can be cut: each line on standard input ends all its connections. Prints 'ready'.

usage: cut_proxy.py LISTEN_PORT SERVER_HOST SERVER_PORT
"""

import asyncio
import sys

writers = set()


async def pump(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    port, host, server_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])

    async def accept(reader, writer):
        try:
            onward_reader, onward = await asyncio.open_connection(host, server_port)
        except OSError:
            writer.close()
            return
        pair = {writer, onward}
        writers.update(pair)
        await asyncio.gather(pump(reader, onward), pump(onward_reader, writer))
        writers.difference_update(pair)

    await asyncio.start_server(accept, "127.0.0.1", port)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready", flush=True)
    while await lines.readline():
        print(f"cut {len(writers) // 2}", flush=True)
        for writer in list(writers):
            writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(main())
