"""Clients that hold connections, in a process of their own: `crowd.py PORT COUNT idle|drip`.

Idle ones say nothing, not even the beginning of a handshake. Those that drip send a byte of their headers now and then,
and come again when they are cut off. It prints `there` when all have come. When its input ends it prints how many of
the idle are still connected, or how often one that drips was cut off, and is gone.
"""

import asyncio
import contextlib
import resource
import select
import socket
import ssl
import sys

DRIP_S = 0.5
START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX: "


def idle(port: int, count: int) -> None:
    crowd = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(count)]
    print("there", flush=True)
    sys.stdin.read()
    poll = select.poll()
    for each in crowd:
        poll.register(each, select.POLLIN)  # nothing is said to them but that it is over
    print(count - len(poll.poll(0)), flush=True)


async def drip(port: int, count: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    come = asyncio.Semaphore(0)
    cut_off = 0

    async def one() -> None:
        nonlocal cut_off
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            come.release()
            with contextlib.suppress(OSError):  # cut off while it sends
                writer.write(START)
                while not reader.at_eof():
                    writer.write(b"x")
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1000), DRIP_S)
            cut_off += 1
            writer.transport.abort()

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    for _ in range(count):
        await come.acquire()
    print("there", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(cut_off, flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if sys.argv[3] == "idle":
        idle(int(sys.argv[1]), int(sys.argv[2]))
    else:
        asyncio.run(drip(int(sys.argv[1]), int(sys.argv[2])))
