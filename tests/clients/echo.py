"""A dialogue with an echo endpoint by Python's websockets: echo.py ws://HOST:PORT/PATH"""

import asyncio
import random
import sys

import websockets
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

URL = sys.argv[1]
SIZES = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 1_000_000]


def messages():
    """Texts and bytes of every size, some that compress well and some that do not."""
    chance = random.Random(6455)
    for size in SIZES:
        yield "κόσμε 👍 "[:size] * (size // 8)
        yield "x" * size
        yield chance.randbytes(size)
        yield bytes(size)


def echo_everything(name, **options):
    with connect(URL, max_size=None, **options) as socket:
        agreed = [extension.name for extension in socket.protocol.extensions]
        for message in messages():
            socket.send(message)
            heard = socket.recv(timeout=10)
            assert heard == message, f"{name}: {len(message)} sent, {len(heard)} heard"
        # Fragments, with a character cut in two.
        socket.send(["frag", "men", "", "ted"])
        assert socket.recv(timeout=10) == "fragmented", name
        socket.send([b"\xf0\x9f", b"\x91\x8d"], text=True)
        assert socket.recv(timeout=10) == "👍", name
        assert socket.ping(b"are you there").wait(timeout=10), f"{name}: no pong"
        # Ahead of the answers.
        for number in range(1000):
            socket.send(f"message {number}")
        for number in range(1000):
            assert socket.recv(timeout=10) == f"message {number}", name
        socket.close(4321, "good bye")
        assert socket.protocol.close_rcvd.code == 4321, f"{name}: {socket.protocol.close_rcvd}"
    print(name, "agreed on", agreed)
    return agreed


def refusals():
    """What is wrong is answered with the fitting code."""
    for name, frame, code in [
        ("not text", b"\x81\x81\0\0\0\0\xff", 1007),
        ("a reserved opcode", b"\x83\x80\0\0\0\0", 1002),
        ("too big", b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0", 1009),
    ]:
        with connect(URL, compression=None) as socket:
            socket.socket.sendall(frame)
            try:
                heard = socket.recv(timeout=10)
                raise AssertionError(f"{name}: heard {heard!r}")
            except ConnectionClosed as end:
                assert end.rcvd is not None and end.rcvd.code == code, f"{name}: {end!r}"


async def many():
    async def one(number):
        async with connect_async(URL) as socket:
            for turn in range(20):
                await socket.send(f"{number} {turn}" * 50)
                assert await socket.recv() == f"{number} {turn}" * 50

    await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(100))), 30)


print("websockets", websockets.__version__)
assert echo_everything("plain", compression=None) == []
assert echo_everything("as it comes") == ["permessage-deflate"]
for bits in [8, 9, 10, 12, 15]:
    for options in [{}, {"server_no_context_takeover": True, "client_no_context_takeover": True}]:
        # zlib cannot compress raw data with a window of 8 bits, so only the server's goes that low.
        offer = ClientPerMessageDeflateFactory(
            server_max_window_bits=bits, client_max_window_bits=max(bits, 9), **options
        )
        agreed = echo_everything(f"{bits} bits, {options}", extensions=[offer], compression=None)
        assert agreed == ["permessage-deflate"]
refusals()
asyncio.run(many())
