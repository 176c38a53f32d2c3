"""Times to live: EXPIRE and its kin with their conditions, TTL and its kin, PERSIST."""

from __future__ import annotations

from itertools import permutations

from ..parity import case, form, near, wait
from .strings import FUTURE, INTEGERS_THAT_ARE_NONE, PAST, PTTL

COMMANDS = ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")
# For each command: a time, an earlier one and a later one.
TIMES = {
    "EXPIRE": (100, 50, 200),
    "PEXPIRE": (100_000, 50_000, 200_000),
    "EXPIREAT": (FUTURE, FUTURE - 50, FUTURE + 50),
    "PEXPIREAT": (FUTURE * 1000, FUTURE * 1000 - 50_000, FUTURE * 1000 + 50_000),
}


def ttl_of(command: str):
    return "PEXPIRETIME k" if command.endswith("AT") else form("TTL k", near_one_of)


def near_one_of(reply: bytes) -> bytes:
    for seconds in (50, 100, 200):
        compared = near(seconds, 5)(reply)
        if compared != reply:
            return compared
    return reply


def condition_cases():
    for command, (now, earlier, later) in TIMES.items():
        ttl = ttl_of(command)
        yield case(
            f"{command} with its conditions",
            f"{command} k {now} NX", f"{command} k {now} XX", f"{command} k {now} GT",
            f"{command} k {now} LT", "SET k v", f"{command} k {now} XX", "TTL k",
            f"{command} k {now} GT", "TTL k",
            f"{command} k {now} LT", ttl, "PERSIST k", f"{command} k {now} NX", ttl,
            f"{command} k {later} NX", ttl, f"{command} k {earlier} GT", ttl, f"{command} k {later} GT", ttl,
            f"{command} k {later} LT", ttl, f"{command} k {earlier} LT", ttl, f"{command} k {now} XX", ttl,
            f"{command} k {earlier} XX LT", ttl, f"{command} k {now} XX GT", ttl,
            f"{command} k {later} xx gt", ttl,
        )  # fmt: skip
        yield case(
            f"{command} with conditions that conflict", "SET k v",
            *(f"{command} k {now} {one} {two}" for one, two in permutations(("NX", "XX", "GT", "LT"), 2)),
            f"{command} k {now} NX NX", f"{command} k {later} XX XX", f"{command} k {earlier} GT GT",
            f"{command} k {now} FOO", f"{command} k {now} NX FOO", f"{command} none {now} FOO",
            f"{command} none {now} NX XX",
            f'{command} k {now} ""', f"{command} k abc FOO", f"{command} k abc GT LT",
        )  # fmt: skip


def number_cases():
    for command in COMMANDS:
        yield case(f"{command} with a time that is no integer", "SET k v",
                   *(f"{command} k {text}" for text in INTEGERS_THAT_ARE_NONE),
                   *(f"{command} none {text}" for text in INTEGERS_THAT_ARE_NONE[:3]), "TTL k")
        for text in ("9223372036854775807", "-9223372036854775808", "9223372036854775", "-9223372036854775",
                     "9223372036854776", "9223372036854774", "0", "-1"):
            yield case(f"{command} with {text}", "SET k v", f"{command} k {text}", "EXISTS k",
                       form("TTL k", lambda reply: reply[:2]), f"{command} none {text}")
        yield case(f"{command} with too few or many arguments", command, f"{command} k",
                   f"{command} k 1 NX XX GT")


READING_CASES = (
    case("ttl, pttl, expiretime and pexpiretime", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k",
         "SET k v", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k", f"EXPIREAT k {FUTURE}",
         "EXPIRETIME k", "PEXPIRETIME k", f"PEXPIREAT k {FUTURE}499", "EXPIRETIME k", "PEXPIRETIME k",
         f"PEXPIREAT k {FUTURE}500", "EXPIRETIME k", "PEXPIRETIME k"),
    case("seconds are rounded", "SET k v PX 100400", form("TTL k", near(100, 1)), "PEXPIRE k 900", "TTL k",
         "PEXPIRE k 400", "TTL k", "EXISTS k"),
    case("persist", "PERSIST k", "SET k v", "PERSIST k", "EXPIRE k 100", "PERSIST k", "TTL k", "PERSIST k",
         "PERSIST", "PERSIST a b"),
    case("expire", "EXPIRE k 100", "SET k v", "EXPIRE k 100", PTTL, "PEXPIRE k 100000", PTTL,
         "expire k 100 nx"),
    case("a time in the past deletes", "SET k v", f"EXPIREAT k {PAST}", "EXISTS k", "SET k v", "EXPIRE k 0",
         "EXISTS k", "SET k v", "EXPIRE k -1", "EXISTS k", "SET k v", "PEXPIRE k -1", "EXISTS k", "SET k v",
         f"PEXPIREAT k {PAST}", "EXISTS k", "SET k v", "PEXPIREAT k 0", "DBSIZE", "SET k v EX 100",
         f"EXPIREAT k {PAST} GT", "EXISTS k", f"EXPIREAT k {PAST} LT", "EXISTS k", "SET k v",
         f"EXPIREAT k {PAST} XX", "EXISTS k", f"EXPIREAT k {PAST} NX", "EXISTS k"),
    case("expire ends a key", "SET k v", "PEXPIRE k 200", "GET k", wait(0.35), "GET k", "TTL k",
         "PEXPIRE k 200", "SET k v", "PEXPIRE k 200", "PERSIST k", wait(0.35), "GET k", "PEXPIRE k 200",
         "SET k w", wait(0.35), "GET k", "PEXPIRE k 200", "SET k w KEEPTTL", wait(0.35), "GET k"),
    case("reading a time to live with too few or many arguments", "TTL", "TTL a b", "PTTL", "PTTL a b",
         "EXPIRETIME", "EXPIRETIME a b", "PEXPIRETIME", "PEXPIRETIME a b"),
)

CASES = READING_CASES + (*condition_cases(), *number_cases())
