"""LMCache's Redis connector, put and get, by a process that stays: it takes long to start.

Reads `COUNT CONNECTIONS` from each line of its input, and prints bytes a second as RemoteBench does. Its
connector has a pool of connections; so many calls are under way at a time. LMCache must be installed for
the Python that runs this.

Usage: python lmcache_remote.py URL
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Clients"))
import lmcache_round  # noqa: E402

VALUE_BYTE_COUNT = 4 << 20


async def each(count: int, width: int, operation) -> float:
    """Seconds that an operation takes for all numbers, `width` of them at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await operation(number)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(width)))
    return time.perf_counter() - start


def main() -> None:
    session = lmcache_round.Session(sys.argv[1])
    connector = session.connector()
    item, _ = session.object(1)
    assert item.get_physical_size() == VALUE_BYTE_COUNT

    async def put(number: int) -> None:
        item.ref_count_up()
        await connector.put(session.key(number + 1), item)

    for line in sys.stdin:
        count, width = (int(word) for word in line.split())
        missing = 0

        async def get(number: int) -> None:
            nonlocal missing
            found = await connector.get(session.key(number + 1))
            if found is None:
                missing += 1
            else:
                found.ref_count_down()

        total = count * VALUE_BYTE_COUNT
        put_rate = total / session.run(each(count, width, put))
        get_rate = total / session.run(each(count, width, get))
        print(json.dumps({"put": put_rate, "get": get_rate, "wrong": missing}), flush=True)
    # Its close() waits for itself.
    os._exit(0)


if __name__ == "__main__":
    main()
