"""Connections: PING, ECHO, HELLO, AUTH without a password, SELECT, QUIT, RESET and CLIENT."""

from __future__ import annotations

from .. import resp
from ..parity import Session, case, closing, fields, form, masked, matching, near, on, raw

HELLO = masked("server", "version", "id")
CLIENT_FIELDS = fields(
    "id", "addr", "laddr", "fd", "name", "age", "idle", "flags", "db", "cmd", "user", "resp"
)  # fmt: skip


def client_id(session: Session, connection: str) -> bytes:
    """The id of a connection, which differs between servers and is not compared."""
    client = session.connection(connection)
    return b"%d" % client.call("CLIENT", "ID")


def kill_by_id(session: Session) -> None:
    session.do(("CLIENT", "KILL", "ID", client_id(session, "other")))
    session.record("the other", session.ending(session.connection("other")))
    session.do(("CLIENT", "KILL", "ID", "999999999"))
    session.do("PING")


def own_address(session: Session, connection: str) -> str:
    host, port = session.connection(connection).socket.getsockname()
    return f"{host}:{port}"


def named(session: Session, label: str, *arguments) -> None:
    """A command whose arguments differ between servers, under a label that does not."""
    session.record(label, session.connection().raw(*arguments))


def kill_by_address(session: Session) -> None:
    session.do(on("other", "PING"))
    named(session, "old form", "CLIENT", "KILL", own_address(session, "other"))
    session.record("the other", session.ending(session.connection("other")))
    session.do(on("third", "PING"))
    named(session, "new form", "CLIENT", "KILL", "ADDR", own_address(session, "third"))
    session.record("the third", session.ending(session.connection("third")))
    named(session, "gone", "CLIENT", "KILL", own_address(session, "third"))
    named(session, "gone too", "CLIENT", "KILL", "ADDR", own_address(session, "third"))


def kill_oneself(session: Session) -> None:
    own = client_id(session, "first")
    named(session, "not oneself", "CLIENT", "KILL", "ID", own)
    named(session, "not oneself, in words", "CLIENT", "KILL", "ID", own, "SKIPME", "yes")
    named(session, "oneself", "CLIENT", "KILL", "ID", own, "SKIPME", "no")
    session.record("and then", session.ending(session.connection("first")))


def kill_oneself_in_the_old_form(session: Session) -> None:
    named(session, "oneself", "CLIENT", "KILL", own_address(session, "first"))
    session.record("and then", session.ending(session.connection("first")))


def kill_by_user_and_type(session: Session) -> None:
    session.do(on("other", "PING"))
    # Connections that have just been closed may still be counted.
    session.do(form("CLIENT KILL USER default TYPE normal", matching(r":[1-9]\d*\r\n")))
    session.record("the other", session.ending(session.connection("other")))
    session.do("CLIENT KILL TYPE replica")
    session.do("CLIENT KILL TYPE pubsub")


def list_by_id(session: Session) -> None:
    session.do("CLIENT SETNAME one")
    own, other = client_id(session, "first"), client_id(session, "other")
    for label, ids in (("own", [own]), ("both", [own, other]), ("none", ["999999999"])):
        reply = resp.parse(session.connection().raw("CLIENT", "LIST", "ID", *ids))
        session.record(label, b"%d lines" % reply.count(b"\n"))


def ids_grow(session: Session) -> None:
    first, other = int(client_id(session, "first")), int(client_id(session, "other"))
    session.record("the later id is larger", b"%d" % (other > first))
    session.record("an id stays", b"%d" % (int(client_id(session, "first")) == first))


CASES = (
    case("ping", "PING", "ping", "PiNg", "PING hello", "PING \\x00\\xff", 'PING ""', "PING a b"),
    case("echo", "ECHO hello", 'ECHO ""', "ECHO \\r\\n", "ECHO", "ECHO a b"),
    case("hello keeps the protocol", form("HELLO", HELLO), "GET none", form("HELLO", HELLO)),
    case("hello 2 and 3", form("HELLO 2", HELLO), "GET none", form("HELLO 3", HELLO), "GET none",
         form("HELLO 2", HELLO), "GET none"),
    case("hello with a version that is not spoken", "HELLO 1", "HELLO 4", "HELLO 0", "HELLO -1", "HELLO 22",
         "GET none"),
    case("hello with a version that is no number", "HELLO three", 'HELLO ""', "HELLO 3.0", "HELLO 3x",
         "HELLO 99999999999999999999"),
    case("hello with a name", form("HELLO 3 SETNAME one", HELLO), "CLIENT GETNAME",
         form("HELLO 2 setname two", HELLO), "CLIENT GETNAME", "HELLO 3 SETNAME a\\x20b", "CLIENT GETNAME"),
    case("hello with options that are wrong", "HELLO 3 SETNAME", "HELLO 3 AUTH", "HELLO 3 AUTH user",
         "HELLO 3 AUTH nobody secret", "HELLO 3 FOO", "HELLO 3 SETNAME a FOO", "HELLO SETNAME a",
         "HELLO AUTH default x", "GET none"),
    case("hello with auth where there is no password", form("HELLO 3 AUTH default any", HELLO),
         form("HELLO 2 AUTH default any SETNAME me", HELLO), "CLIENT GETNAME"),
    case("auth where there is no password", "AUTH secret", "AUTH default secret", "AUTH nobody secret",
         "AUTH", "AUTH a b c", 'AUTH ""', "PING"),
    case("select", "SELECT 0", "SELECT 1", "SELECT 15", "SELECT 16", "SELECT -1", "SELECT abc", 'SELECT ""',
         "SELECT 0x0", "SELECT 00", "SELECT 99999999999999999999", "SELECT 4294967296", "SELECT",
         "SELECT 0 0"),
    case("quit", closing("QUIT")),
    case("quit with arguments", closing("QUIT now")),
    case("quit within a pipeline",
         raw(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n", 2, True)),
    case("reset", "CLIENT SETNAME me", "RESET", "CLIENT GETNAME", "GET none", "PING", "RESET now", "reset"),
    case("client names", "CLIENT GETNAME", "CLIENT SETNAME me", "CLIENT GETNAME", 'CLIENT SETNAME ""',
         "CLIENT GETNAME", "CLIENT SETNAME a\\x20b", "CLIENT SETNAME a\\nb", "CLIENT SETNAME \\xff",
         "CLIENT SETNAME \\x7f", "CLIENT SETNAME a!~", "CLIENT GETNAME", "client setname B",
         "client getname"),
    case("client id", form("CLIENT ID", near(1 << 30, 1 << 30)), "CLIENT ID 1", ids_grow),
    case("client info", form("CLIENT INFO", CLIENT_FIELDS), "CLIENT INFO x"),
    case("client list", form("CLIENT LIST", CLIENT_FIELDS), form("CLIENT LIST TYPE normal", CLIENT_FIELDS),
         "CLIENT LIST TYPE master", "CLIENT LIST TYPE replica", "CLIENT LIST TYPE slave",
         "CLIENT LIST TYPE pubsub", "CLIENT LIST TYPE nosuch", "CLIENT LIST TYPE", "CLIENT LIST ID",
         "CLIENT LIST ID abc", "CLIENT LIST ID 0", "CLIENT LIST ID -1", "CLIENT LIST nosuch",
         "CLIENT LIST TYPE normal x"),
    case("client list by id", list_by_id),
    case("client kill by id", kill_by_id),
    case("client kill by address", kill_by_address),
    case("client kill of oneself", kill_oneself),
    case("client kill of oneself in the old form", kill_oneself_in_the_old_form),
    case("client kill by user and type", kill_by_user_and_type),
    case("client kill with errors", "CLIENT KILL", "CLIENT KILL 127.0.0.1:1", "CLIENT KILL nowhere",
         "CLIENT KILL ID", "CLIENT KILL ID abc", "CLIENT KILL ID 0", "CLIENT KILL ID -5",
         "CLIENT KILL TYPE nosuch", "CLIENT KILL USER nobody", "CLIENT KILL SKIPME maybe",
         "CLIENT KILL FOO bar", "CLIENT KILL ADDR", "CLIENT KILL ADDR 1.2.3.4:5",
         "CLIENT KILL LADDR 1.2.3.4:5", "CLIENT KILL ID 999999999 ADDR", "CLIENT KILL ID 999999999 SKIPME"),
    case("client no-evict", "CLIENT NO-EVICT on", "CLIENT NO-EVICT OFF", "CLIENT NO-EVICT maybe",
         "CLIENT NO-EVICT", "CLIENT NO-EVICT on off"),
    case("client subcommands that do not exist", "CLIENT", "CLIENT NOSUCH", "CLIENT NOSUCH a b",
         "CLIENT a\\nb", "CLIENT GETNAME x", "CLIENT SETNAME", "CLIENT SETNAME a b", 'CLIENT ""'),
    case("the handshake of redis-py", "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip"),
)
