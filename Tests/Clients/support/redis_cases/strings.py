"""Values: GET, SET with its options, MGET, MSET, STRLEN, GETDEL, GETEX, SETNX, SETEX and PSETEX."""

from __future__ import annotations

from itertools import combinations

from ..parity import case, form, near, wait

ABOUT_A_HUNDRED_SECONDS = near(100_000, 5_000)
PTTL = form("PTTL k", ABOUT_A_HUNDRED_SECONDS)
# 2100-01-01, and 1970-01-01 00:00:01.
FUTURE, PAST = 4_102_444_800, 1
BINARY = bytes(range(256))

CONDITIONS = ("", "NX", "XX")
LIFETIMES = ("", "EX 100", "PX 100000", f"EXAT {FUTURE}", f"PXAT {FUTURE}000", "KEEPTTL")


def option_cases():
    """SET with every legal choice of options, on an absent key, a key, and a key with a time to live."""
    for condition in CONDITIONS:
        for lifetime in LIFETIMES:
            for get in ("", "GET"):
                options = " ".join(filter(None, (condition, get, lifetime)))
                expiry = "EXPIRETIME k" if "AT" in lifetime else form("TTL k", near(100, 5))
                yield case(
                    f"set with the options {options or 'none'}",
                    f"SET k one {options}".strip(), "GET k", expiry, "DEL k", "SET k old",
                    f"SET k two {options}".strip(), "GET k", expiry, "SET k old EX 100",
                    f"SET k three {options}".strip(), "GET k", expiry,
                )  # fmt: skip


def order_cases():
    """The same options in another order, and in small letters."""
    yield case("set with options in any order", "SET k v EX 100 NX GET", "SET k w GET XX PX 100000", PTTL,
               "GET k", "SET k x KEEPTTL GET XX", PTTL, "SET k y xx get keepttl", PTTL, "SET k z ex 100 nx",
               "GET k", "sEt k z eX 100", PTTL)


def conflict_cases():
    """Options that exclude each other, in both orders."""
    lifetimes = [choice for choice in LIFETIMES if choice]
    for one, other in combinations(lifetimes, 2):
        yield case(f"set with {one} and {other}", f"SET k v {one} {other}", f"SET k v {other} {one}",
                   "EXISTS k")
    for lifetime in lifetimes:
        yield case(f"set with {lifetime} twice", f"SET k v {lifetime} {lifetime}", "GET k")
    yield case("set with nx and xx", "SET k v NX XX", "SET k v XX NX", "SET k v NX NX", "SET k w XX XX",
               "GET k")
    yield case("set with get twice", "SET k v GET GET", "SET k w GET NX GET", "GET k")


def sized_values(*sizes):
    for size in sizes:
        yield from (("SET", "k", bytes(index * 7 % 251 for index in range(size))), "GET k", "STRLEN k")


INTEGERS_THAT_ARE_NONE = (
    '""', "abc", "1.5", "0x10", "1e3", "+1", "\\x201", "1\\x20", "01", "9223372036854775808",
    "-9223372036854775809", "99999999999999999999", "-", "1\\x00",
)  # fmt: skip
TIMES_THAT_ARE_WRONG = ("0", "-1", "-9223372036854775808", "9223372036854775807", "9223372036854775")

BINARY_CASES = (
    case("binary keys and values", ("SET", BINARY, BINARY), ("GET", BINARY), ("EXISTS", BINARY),
         ("STRLEN", BINARY), ("SET", b"\r\n", b"\r\n$5\r\n"), ("GET", b"\r\n"), ("GET", b"\r"),
         ("GET", b"\n"), ("MGET", BINARY, b"\x00", b"\r\n"), ("DEL", BINARY)),
    case("empty keys and values", 'SET "" value', 'GET ""', 'EXISTS ""', 'STRLEN ""', 'SET k ""', "GET k",
         "STRLEN k", "EXISTS k", 'DEL ""', "MSET \"\" \"\" a \"\"", 'MGET "" a b', "TYPE k", "PERSIST k",
         'SET k "" XX GET', 'GETDEL ""', 'GETEX a'),
    case("keys that differ in one byte", "SET k\\x00 a", "GET k", "GET k\\x00", "GET k\\x00\\x00", "SET K b",
         "GET k", "GET K", "EXISTS k K k\\x00"),
    case("a long key", ("SET", b"k" * 140, "v"), ("GET", b"k" * 140), ("GET", b"k" * 139),
         ("DEL", b"k" * 140)),
    case("values of several sizes", *sized_values(1, 4095, 4096, 4097, 65_537, 300_000)),
)

BASIC_CASES = (
    case("set and get", "GET k", "SET k v", "GET k", "SET k w", "GET k", "get k", "SET k 1", "GET k"),
    case("set with get", "SET k v GET", "SET k w GET", "GET k", "SET k x NX GET", "GET k", "SET new x NX GET",
         "GET new", "SET none x XX GET", "EXISTS none"),
    case("set keeps or ends a time to live", "SET k v EX 100", "SET k w KEEPTTL", PTTL, "SET k x", "TTL k",
         "SET k y PX 100000", PTTL, "SET k z XX KEEPTTL", PTTL, "SET k a NX", PTTL),
    case("set with a time in the past", f"SET k v EXAT {PAST}", "EXISTS k", "GET k", f"SET k v PXAT {PAST}",
         "EXISTS k", "DBSIZE", f"SET k v GET EXAT {PAST}", "SET k v", f"SET k w GET EXAT {PAST}", "GET k",
         "SET k v", f"SET k w NX EXAT {PAST}", "GET k"),
    case("set with options that do not exist", "SET k v FOO", "SET k v EX", "SET k v PX", "SET k v EXAT",
         "SET k v NX FOO", "SET k v 10", 'SET k v ""', "SET k v EX 10 FOO", "SET k v EX NX", "SET k v IFEQ x",
         "SET k v PERSIST", "EXISTS k"),
    case("mget", "MGET a", "MSET a 1 b 2 c 3", "MGET a b c d a", "MGET a", "MGET none", "MGET", "mget a"),
    case("mset", "MSET a 1", "MSET a 2 b 3 a 4", "MGET a b", "MSET a", "MSET a 1 b", "MSET", "SET a 1 EX 100",
         "MSET a 2", "TTL a"),
    case("strlen", "STRLEN k", "SET k hello", "STRLEN k", 'SET k ""', "STRLEN k", "STRLEN", "STRLEN a b"),
    case("setnx", "SETNX k v", "SETNX k w", "GET k", "TTL k", "SETNX k", "SETNX k v w"),
    case("setex", "SETEX k 100 v", PTTL, "GET k", "SETEX k 0 v", "SETEX k -1 v", "SETEX k abc v",
         "SETEX k 9223372036854775807 v", "SETEX k 9223372036854775 v", "SETEX k 9223372036854774 v",
         "SETEX k 1.5 v", "SETEX k 1", "SETEX k 1 v x"),
    case("psetex", "PSETEX k 100000 v", PTTL, "GET k", "PSETEX k 0 v", "PSETEX k -1 v", "PSETEX k abc v",
         "PSETEX k 9223372036854775807 v", "PSETEX k 9223372036854775808 v", "PSETEX k 1", "PSETEX k 1 v x"),
    case("a value is gone after its time", "SET k v PX 200", "SET l v EX 10", "PSETEX m 200 v", "GET k",
         wait(0.35), "GET k", "EXISTS k", "TTL k", "PTTL k", "EXPIRETIME k", "STRLEN k", "TYPE k", "GET m",
         "MGET k m", "DEL k", "GETDEL m", "PERSIST m", "EXPIRE m 10", "TOUCH k", "SETNX k new", "GET k",
         "TTL k", "GET l"),
    case("a condition sees the end of a value", "SET k v PX 200", wait(0.35), "SET k w XX", "SET k w NX",
         "GET k", "SET k v PX 200", wait(0.35), "SET k w GET", "SET k v PX 200", wait(0.35),
         "SET k w KEEPTTL", "TTL k"),
    case("getdel", "GETDEL k", "SET k v", "GETDEL k", "EXISTS k", "GETDEL", "GETDEL a b"),
    case("getex without options", "GETEX k", "SET k v EX 100", "GETEX k", PTTL, "GETEX",
         "GETEX none PERSIST"),
    case("getex with options", "SET k v", "GETEX k EX 100", PTTL, "GETEX k PX 100000", PTTL,
         "GETEX k PERSIST", "TTL k", f"GETEX k EXAT {FUTURE}", "EXPIRETIME k", f"GETEX k PXAT {FUTURE}000",
         "PEXPIRETIME k", "getex k persist", "TTL k", "GETEX none EX 100", "EXISTS none"),
    case("getex with a time in the past", "SET k v", f"GETEX k EXAT {PAST}", "EXISTS k", "SET k v",
         f"GETEX k PXAT {PAST}", "EXISTS k"),
    case("getex with options that are wrong", "SET k v", "GETEX k EX", "GETEX k EX 10 PX 10",
         "GETEX k EX 10 PERSIST", "GETEX k PERSIST EX 10", "GETEX k PERSIST PERSIST", "GETEX k KEEPTTL",
         "GETEX k NX", "GETEX k FOO", "GETEX k EX 10 EX 10", "GETEX none FOO", "GETEX none EX abc",
         "GETEX none EX 0", "TTL k"),
)

NUMBER_CASES = (
    *(case(f"set with {option} and a time that is no integer", *(f"SET k v {option} {text}"
           for text in INTEGERS_THAT_ARE_NONE), "EXISTS k") for option in ("EX", "PX", "EXAT", "PXAT")),
    *(case(f"set with {option} and a time out of range", *(f"SET k v {option} {text}"
           for text in TIMES_THAT_ARE_WRONG), form("TTL k", lambda reply: reply[:2]))
      for option in ("EX", "PX", "EXAT", "PXAT")),
    *(case(f"getex with {option} and a wrong time", "SET k v", *(f"GETEX k {option} {text}"
           for text in INTEGERS_THAT_ARE_NONE + TIMES_THAT_ARE_WRONG), form("TTL k", lambda reply: reply[:2]))
      for option in ("EX", "PX", "EXAT", "PXAT")),
    case("set judges its options before its time", "SET k v EX abc FOO", "SET k v EX 0 NX XX",
         "SET k v FOO EX 0", "SET k v EX abc PX 10", "SET k v NX EX 0", "SET k v XX EX abc GET"),
    case("the largest times", "SET k v EX 9223372036854774", "EXISTS k", "SET k v PX 9223372036854775807",
         "SET k v EXAT 9223372036854775", "EXPIRETIME k", "SET k v PXAT 9223372036854775807", "PEXPIRETIME k",
         "SET k v EXAT 9223372036854776", "EXISTS k"),
)

OPTION_CASES = (*option_cases(), *order_cases(), *conflict_cases())
CASES = BASIC_CASES + BINARY_CASES + NUMBER_CASES
