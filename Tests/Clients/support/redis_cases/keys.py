"""Keys: EXISTS, DEL, UNLINK, TOUCH, TYPE, KEYS, SCAN, DBSIZE, FLUSHDB, FLUSHALL and MEMORY USAGE."""

from __future__ import annotations

from .. import resp
from ..parity import Session, case, form, in_any_order, kind, near, shape, wait

PATTERN_KEYS = (
    b"a", b"b", b"c", b"ab", b"abc", b"abbc", b"hello", b"hallo", b"hxllo", b"hllo", b"heello", b"h*llo",
    b"h?llo",
    b"h[a]llo", b"h^llo", b"h-llo", b"h\\llo", b"h]llo", b"H", b"HELLO", b"", b"\x00", b"\xff\xfe", b"a\nb",
    b"model@1@0@00ff@uint8", b"model@1@0@00fe@uint8", b"[", b"*", b"a/b", b"a b",
)  # fmt: skip
PATTERNS = (
    b"*", b"**", b"*a*", b"?", b"??", b"a*", b"*c", b"h?llo", b"h*llo", b"h[ae]llo", b"h[a-x]llo",
    b"h[x-a]llo",
    b"h[^e]llo", b"h[^a-z]llo", b"h[!e]llo", b"h\\*llo", b"h\\?llo", b"h\\[a\\]llo", b"h\\\\llo", b"h[*]llo",
    b"h[?]llo", b"h[\\]]llo", b"h[\\-]llo", b"h[]llo", b"h[", b"h[a", b"h[^", b"[", b"\\[", b"[[]", b"\\",
    b"h\\", b"[^a]", b"[a-c]", b"[c-a]", b"[a-]", b"[-a]", b"[a-c-e]", b"hello", b"HELLO", b"h", b"", b"\x00",
    b"\xff*",
    b"*\n*", b"a?b", b"*?*?*", b"a**c", b"model@*@uint8", b"*fe@*", b"*[f]e@*", b"[^]", b"[]", b"h[^^]llo",
    b"a/*",
    b"\\a", b"\\ab*", b"h[\\a]llo", b"h[\\^]llo", b"h[a^]llo", b"[a-c]b*", b"*[", b"*\\", b"?*", b"*?",
)  # fmt: skip


def store_patterns(session: Session) -> None:
    for key in PATTERN_KEYS:
        session.connection().raw("SET", key, "v")


def scan(session: Session, *arguments) -> None:
    """Walks a whole SCAN; what it finds is compared as a set, and each page by its shape."""
    found, cursor, page_count = set(), b"0", 0
    while page_count < 10_000:
        reply = resp.parse(session.connection().raw("SCAN", cursor, *arguments))
        if isinstance(reply, resp.Error):
            session.record(f"SCAN {arguments}", f"-{reply}".encode())
            return
        cursor, keys = reply
        found.update(keys)
        page_count += 1
        if cursor == b"0":
            break
    session.record(f"SCAN {arguments}", repr(sorted(found)).encode())


def scan_patterns(session: Session) -> None:
    store_patterns(session)
    scan(session)
    for pattern in PATTERNS:
        scan(session, "MATCH", pattern)
        scan(session, "COUNT", 3, "MATCH", pattern)


def scan_many(session: Session) -> None:
    client = session.connection()
    for index in range(1000):
        client.raw("SET", f"key:{index}", "v")
    for count in (1, 10, 100, 1000, 100_000):
        scan(session, "COUNT", count)
    scan(session, "COUNT", 10, "TYPE", "string", "MATCH", "*7")
    scan(session, "TYPE", "list")


def scan_through_changes(session: Session) -> None:
    """Every key that is there from the first page to the last is found, whatever happens to others."""
    client, found, cursor = session.connection(), set(), b"0"
    for index in range(300):
        client.raw("MSET", f"stays:{index}", "v", f"goes:{index}", "v")
    for page in range(10_000):
        cursor, keys = resp.parse(client.raw("SCAN", cursor, "COUNT", 7))
        found.update(key for key in keys if key.startswith(b"stays:"))
        if cursor == b"0":
            break
        client.raw("DEL", f"goes:{page}")
        client.raw("SET", f"comes:{page}", "v")
    session.record("all that stayed were found", b"%d" % len(found))


COUNT = near(1 << 20, 1 << 20)
CASES = (
    case("exists", "EXISTS k", "SET k v", "EXISTS k", "EXISTS k k k none", "EXISTS", "exists K"),
    case("del and unlink", "DEL k", "MSET a 1 b 2 c 3 d 4", "DEL a none b", "UNLINK c c d", "DBSIZE",
         "UNLINK k", "DEL", "UNLINK", "MSET a 1", "DEL a a"),
    case("touch", "TOUCH k", "MSET a 1 b 2", "TOUCH a b none a", "TOUCH", "GET a"),
    case("type", "TYPE k", "SET k v", "TYPE k", "TYPE", "TYPE a b", "type k"),
    case("dbsize", "DBSIZE", "MSET a 1 b 2", "DBSIZE", "DEL a", "DBSIZE", "DBSIZE x", "SET k v PX 200",
         "DBSIZE", wait(0.5), "GET k", "DBSIZE"),
    case("keys", "KEYS *", store_patterns, *(form(("KEYS", pattern), in_any_order) for pattern in PATTERNS),
         "KEYS", "KEYS a b", form("keys *", in_any_order)),
    case("keys leaves out what has ended", "SET k v PX 200", "SET l v", wait(0.35), "KEYS *"),
    case("scan of nothing", "SCAN 0", "SCAN 0 MATCH *", "SCAN 0 COUNT 10", "SCAN 0 TYPE string"),
    case("scan of one", "SET k v", "SCAN 0", "SCAN 0 MATCH nope", "SCAN 0 TYPE string", "SCAN 0 TYPE STRING",
         "SCAN 0 TYPE list", "SCAN 0 TYPE hash", "SCAN 0 COUNT 1000 MATCH * TYPE string", "scan 0 match k",
         "SCAN 0 MATCH a MATCH k", "SCAN 0 COUNT 5 COUNT 1000"),
    case("scan leaves out what has ended", "SET k v PX 200", "SET l v", wait(0.35), "SCAN 0 COUNT 100"),
    case("scan with patterns", scan_patterns),
    case("scan of many", scan_many),
    case("scan while keys come and go", scan_through_changes),
    case("scan with errors", "SCAN", "SCAN abc", 'SCAN ""', "SCAN -1", "SCAN 1.5",
         "SCAN 99999999999999999999", "SCAN 18446744073709551616", "SCAN 0 COUNT", "SCAN 0 COUNT 0",
         "SCAN 0 COUNT -1", "SCAN 0 COUNT abc", "SCAN 0 COUNT 1.5", "SCAN 0 MATCH", "SCAN 0 TYPE",
         "SCAN 0 FOO bar", "SCAN 0 FOO", "SCAN 0 MATCH * FOO", "SCAN abc FOO", "SCAN 0 COUNT abc FOO bar"),
    case("scan with a cursor of nobody's", form("SCAN 12345", shape),
         form("SCAN 18446744073709551615", shape)),
    case("flushdb and flushall", "MSET a 1 b 2", "FLUSHDB", "DBSIZE", "GET a", "MSET a 1", "FLUSHALL",
         "DBSIZE", "MSET a 1", "FLUSHDB ASYNC", "DBSIZE", "MSET a 1", "FLUSHALL SYNC", "DBSIZE", "MSET a 1",
         "FLUSHALL async", "DBSIZE", "MSET a 1", "flushdb sync", "DBSIZE", "MSET a 1", "FLUSHALL NOW",
         "FLUSHDB NOW", "FLUSHALL ASYNC SYNC", "FLUSHDB SYNC x", 'FLUSHDB ""', "DBSIZE", "SET k v EX 100",
         "FLUSHALL", "SET k v", "TTL k"),
    case("memory usage", "MEMORY USAGE k", "SET k v", form("MEMORY USAGE k", kind),
         form("MEMORY USAGE k SAMPLES 0", kind), form("MEMORY USAGE k SAMPLES 5", kind),
         form("memory usage k samples 5", kind), "MEMORY USAGE k SAMPLES", "MEMORY USAGE k SAMPLES abc",
         "MEMORY USAGE k SAMPLES -1", "MEMORY USAGE k FOO 1", "MEMORY USAGE", "MEMORY", "MEMORY NOSUCH",
         "MEMORY USAGE none SAMPLES 5", form("MEMORY USAGE k SAMPLES 1 SAMPLES 2", kind)),
)
