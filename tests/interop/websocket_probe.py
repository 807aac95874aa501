"""Opens one WebSocket and tells what came of it, as JSON on standard output.

usage: websocket_probe.py URL [--say TEXT] [--origin ORIGIN] [--subprotocol NAME]... [--linger SECONDS]
                              [--wait-for-close SECONDS]

refused: the status line; subprotocol: what was chosen; heard: the first message; code, reason: the close
frame. With --wait-for-close, 'open' is printed as soon as the first message was answered.
"""

import argparse
import asyncio
import json

from websocket_client import TEXT, Closed, Refused, WebSocket


async def probe(options):
    headers = [f"Origin: {options.origin}"] if options.origin else []
    try:
        socket = await WebSocket.connect(options.url, subprotocols=options.subprotocol, headers=headers)
    except Refused as refused:
        return {"refused": str(refused)}
    seen = {"subprotocol": socket.subprotocol}
    try:
        if options.say:
            socket.send(options.say.encode(), TEXT)
        seen["heard"] = (await asyncio.wait_for(socket.receive(), options.linger))[1].decode()
        if options.wait_for_close:
            print("open", flush=True)
            await asyncio.wait_for(socket.receive(), options.wait_for_close)
    except Closed as closed:
        seen.update(code=closed.code, reason=closed.reason)
    except asyncio.IncompleteReadError:
        seen["code"] = 1006  # what a page would be told
    except TimeoutError:
        pass
    socket.abort()
    return seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--say")
    parser.add_argument("--origin")
    parser.add_argument("--subprotocol", action="append", default=[])
    parser.add_argument("--linger", type=float, default=5)
    parser.add_argument("--wait-for-close", type=float)
    print(json.dumps(asyncio.run(probe(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
