"""The protocol: inline commands, odd but legal framing, and framing that closes the connection."""

from __future__ import annotations

from ..parity import case, closing, raw

PING = b"*1\r\n$4\r\nPING\r\n"


def inline(text: bytes, replies: int = 1):
    return raw(text, replies)


INLINE_CASES = (
    case("inline commands", inline(b"PING\r\n"), inline(b"PING\n"), inline(b"ping hello\r\n"),
         inline(b"SET k v\r\n"), inline(b"GET k\r\n"), inline(b"  GET   k  \r\n"), inline(b"\tGET\tk\r\n"),
         inline(b"GET k\r\r\n"), inline(b"NOSUCH a b\r\n"), inline(b"GET\r\n"), inline(b"EXISTS k k\n")),
    case("inline commands with quotes", inline(b'SET k "a b"\r\n'), inline(b"GET k\r\n"),
         inline(b'SET k "\\x41\\n\\r\\t\\b\\a\\"\\\\ \\q"\r\n'), inline(b"GET k\r\n"),
         inline(b"SET k 'a \\' \\n \" b'\r\n"), inline(b"GET k\r\n"), inline(b'SET "" ""\r\n'),
         inline(b'GET ""\r\n'), inline(b"GET ''\r\n"), inline(b'SET k "\\x4"\r\n'), inline(b"GET k\r\n"),
         inline(b'SET k "\\xzz"\r\n'), inline(b"GET k\r\n"), inline(b"SET k 'it''s'\r\n", 1)),
    case("inline quotes in the middle of a word", inline(b'SET k a"b"\r\n'), inline(b"GET k\r\n")),
    case("empty lines are passed over", inline(b"\r\nPING\r\n"), inline(b"\n\n\nPING\n"),
         inline(b"   \r\nPING\r\n")),
    *(case(f"inline quotes that do not balance: {text!r}", closing(raw(text + b"\r\n"))) for text in (
        b'SET k "abc', b"SET k 'abc", b'SET k "abc\\"', b'SET k "a"b', b"SET k 'a'b", b'"', b"'",
        b'SET "k" "v"x',
    )),
    case("a line that is too long", closing(raw(b"G" * 65_537))),
    case("a line that is nearly too long", inline(b"ECHO " + b"g" * 60_000 + b"\r\n")),
    case("a line in pieces", raw(b"PI", 0), raw(b"NG he", 0), raw(b"llo\r", 0), raw(b"\n")),
    case("inline and arrays together", raw(PING + b"PING\r\n" + PING + b"\r\n" + PING, 4)),
)

FRAMING_CASES = (
    case("an empty array is passed over", raw(b"*0\r\n" + PING), raw(b"*-1\r\n" + PING),
         raw(b"*-10\r\n" + PING)),
    case("counts with signs and zeros", raw(b"*01\r\n$4\r\nPING\r\n", 1, True)),
    case("a length with a plus sign", raw(b"*1\r\n$+4\r\nPING\r\n", 1, True)),
    case("a length with a zero before it", raw(b"*1\r\n$04\r\nPING\r\n", 1, True)),
    case("a length with a space", raw(b"*1\r\n$ 4\r\nPING\r\n", 1, True)),
    case("an empty command name", raw(b"*1\r\n$0\r\n\r\n")),
    case("a deep pipeline", raw(PING * 1000, 1000)),
    case("a command in pieces", *(raw(bytes([byte]), 0) for byte in PING[:-1]), raw(PING[-1:])),
)

ERROR_CASES = tuple(
    case(f"broken framing: {data[:40]!r}", closing(raw(data))) for data in (
        b"*1\r\n$-1\r\n", b"*1\r\n$-5\r\n", b"*1\r\n$abc\r\n", b"*1\r\n$\r\n", b"*1\r\n$1.5\r\n",
        b"*1\r\n$99999999999999999999\r\n", b"*1\r\n$9223372036854775807\r\n",
        b"*1\r\n$-9223372036854775808\r\n", b"*1\r\nPING\r\n", b"*1\r\n:4\r\n", b"*1\r\n+PING\r\n",
        b"*1\r\n*1\r\n", b"*1\r\n\r\n", b"*2\r\n$3\r\nGET\r\nk\r\n", b"*2\r\n$3\r\nGET\r\n$-1\r\n",
        b"*abc\r\n", b"*\r\n", b"*1.5\r\n", b"*2147483648\r\n", b"*99999999999999999999\r\n",
        b"*9223372036854775807\r\n", b"*+1\r\n", b"*1\r\n$4x\r\n", b"* 1\r\n",
        b"*1" + b"1" * 65_536, b"*1\r\n$" + b"1" * 65_536,
    )
) + (
    case("commands before broken framing are answered",
         closing(raw(PING + b"*1\r\n$3\r\nGET\r\n*1\r\n$-7\r\n"), 3)),
    case("nothing after broken framing is answered", closing(raw(b"*1\r\n$x\r\n" + PING))),
    case("a request of HTTP", closing(raw(b"POST / HTTP/1.1\r\n"), 0)),
    case("another request of HTTP", closing(raw(b"post / HTTP/1.1\r\n"), 0)),
    case("a header of HTTP", closing(raw(b"Host: localhost\r\n"), 0)),
    case("a whole request of HTTP", closing(raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n"), 0)),
    case("POST as an array", closing(raw(b"*1\r\n$4\r\nPOST\r\n"), 0)),
    case("GET of HTTP is a command with too many arguments, and then comes its host",
         closing(raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 1)),
)

CASES = INLINE_CASES + FRAMING_CASES + ERROR_CASES
