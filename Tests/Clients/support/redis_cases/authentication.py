"""Commands before and after AUTH, on a server with a password."""

from __future__ import annotations

from ..parity import case, closing, form, raw
from .connection import HELLO

PASSWORD = "correct horse"
LOGIN = ("AUTH", PASSWORD)


CASES = tuple(
    case(name, *steps, protocols=(2,)) for name, *steps in (
        ("commands before auth", "GET k", "SET k v", "PING", "ECHO a", "SELECT 0", "CLIENT ID", "INFO",
         "DBSIZE", "COMMAND", "CONFIG GET maxmemory", "FLUSHALL", "TIME", "CLUSTER INFO", "READONLY",
         "GETNAME"),
        ("what does not exist or has wrong arguments, before auth", "NOSUCH", "NOSUCH a b", "GET", "CLIENT",
         "CLIENT NOSUCH", "AUTH", "AUTH a b c", "CLIENT SETNAME me", "CLIENT GETNAME",
         "CLIENT GETNAME x"),
        ("quit and reset before auth", "RESET", closing("QUIT")),
        ("auth with the password", LOGIN, "PING", "SET k v", "GET k", LOGIN),
        ("auth with user and password", ("AUTH", "default", PASSWORD), "GET none"),
        ("a wrong password", "AUTH wrong", "GET k", 'AUTH ""', "AUTH default wrong",
         ("AUTH", "nobody", PASSWORD), ("AUTH", "DEFAULT", PASSWORD), ("AUTH", PASSWORD + " "),
         ("AUTH", PASSWORD[:-1]), ("AUTH", PASSWORD + "\0"), "GET k", LOGIN, "GET none"),
        ("a wrong password after the right one", LOGIN, "AUTH wrong", "GET none", "AUTH default wrong",
         "PING"),
        ("hello before auth", "HELLO", "HELLO 2", "HELLO 3", "HELLO 4", "HELLO abc", "HELLO 3 SETNAME me",
         "HELLO 3 AUTH default wrong", ("HELLO", 3, "AUTH", "nobody", PASSWORD), "HELLO 3 AUTH default",
         "GET k"),
        ("hello with auth", form(("HELLO", 3, "AUTH", "default", PASSWORD), HELLO), "GET none", "PING"),
        ("hello 2 with auth", form(("HELLO", 2, "AUTH", "default", PASSWORD, "SETNAME", "me"), HELLO),
         "GET none", "CLIENT GETNAME"),
        ("hello with a wrong name and the right password",
         ("HELLO", 3, "AUTH", "default", PASSWORD, "SETNAME", "a b"), "GET none"),
        ("a failed hello leaves the protocol alone", LOGIN, "HELLO 3 AUTH default wrong", "GET none"),
        ("reset forgets the password", LOGIN, "GET none", "RESET", "GET none", "PING", LOGIN, "GET none"),
        ("reset goes back to protocol 2", form(("HELLO", 3, "AUTH", "default", PASSWORD), HELLO), "RESET",
         LOGIN, "GET none"),
        ("ten arguments before auth", ("NOSUCH", *"123456789")),
        ("eleven arguments before auth", closing(raw(b"*11\r\n"))),
        ("a negative count before auth", raw(b"*-1\r\n*1\r\n$4\r\nPING\r\n")),
        ("an argument of 16,384 bytes before auth", ("AUTH", "x" * 16_384)),
        ("an argument of 16,385 bytes before auth", closing(raw(b"*2\r\n$4\r\nAUTH\r\n$16385\r\n"))),
        ("many arguments after auth", LOGIN, ("EXISTS", *map(str, range(2000))), ("SET", "k", "x" * 20_000),
         "STRLEN k"),
        ("inline auth", raw(b'AUTH "correct horse"\r\n'), "GET none"),
        ("in one pipeline", raw(b"PING\r\nAUTH wrong\r\nAUTH \"correct horse\"\r\nPING\r\n", 4)),
    )
)
