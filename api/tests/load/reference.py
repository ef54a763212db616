"""Work that never changes, for other work to be compared with: JSON, strings, dictionaries, calls.

For each line on stdin it does so many turns, and says so.
"""

import sys

import orjson

DOCUMENT = b'{"model":"tiny","messages":[{"role":"user","content":"' + b"hello there " * 16 + b'"}],"max_tokens":64}'


def turn() -> bytes:
    seen = {f"name-{number}": step(number, DOCUMENT) for number in range(40)}
    return orjson.dumps({**orjson.loads(DOCUMENT), "seen": seen})


def step(number: int, document: bytes) -> int:
    return document.find(b"max_tokens") + number


print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        turn()
    print("done", flush=True)
