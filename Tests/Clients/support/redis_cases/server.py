"""The server itself: COMMAND, CONFIG, INFO, TIME, the arity of every command, and unknown commands."""

from __future__ import annotations

from ..parity import case, fields, form, kind, matching, shape

# Every command of the node, with the counts of arguments after its name that are wrong.
WRONG_COUNTS = {
    "PING": (2,), "ECHO": (0, 2), "SELECT": (0, 2), "AUTH": (0,), "CLIENT": (0,), "CONFIG": (0,),
    "TIME": (1,), "DBSIZE": (1,), "EXISTS": (0,), "GET": (0, 2), "MGET": (0,), "STRLEN": (0, 2),
    "SET": (0, 1), "MSET": (0, 1, 3), "SETEX": (0, 1, 2, 4), "PSETEX": (0, 1, 2, 4), "SETNX": (0, 1, 3),
    "TTL": (0, 2), "PTTL": (0, 2), "EXPIRE": (0, 1), "PEXPIRE": (0, 1), "EXPIREAT": (0, 1),
    "PEXPIREAT": (0, 1), "EXPIRETIME": (0, 2), "PEXPIRETIME": (0, 2), "PERSIST": (0, 2), "TYPE": (0, 2),
    "TOUCH": (0,), "DEL": (0,), "UNLINK": (0,), "GETDEL": (0, 2), "GETEX": (0,), "SCAN": (0,),
    "KEYS": (0, 2), "CLUSTER": (0,), "READONLY": (1,), "MEMORY": (0,), "RESET": (1,),
}  # fmt: skip
WRONG_SUBCOMMAND_COUNTS = {
    "CLIENT SETNAME": (0, 2), "CLIENT GETNAME": (1,), "CLIENT ID": (1,), "CLIENT INFO": (1,),
    "CLIENT NO-EVICT": (0, 2), "CLIENT KILL": (0,), "COMMAND COUNT": (1,), "CONFIG GET": (0,),
    "CONFIG SET": (0, 1), "CONFIG RESETSTAT": (1,), "MEMORY USAGE": (0,),
}  # fmt: skip


def arity_cases():
    for name, counts in (WRONG_COUNTS | WRONG_SUBCOMMAND_COUNTS).items():
        lines = [" ".join([name] + ["1"] * count) for count in counts]
        yield case(f"{name} with a wrong number of arguments", *lines, *(line.lower() for line in lines))


UNKNOWN_CASES = (
    # Not "GET" with a NUL behind it: Redis compares names up to the NUL, and finds GET where its random hash
    # seed puts both into one bucket.
    case("unknown commands", "NOSUCH", "nosuch", "NOSUCH a b c", 'NOSUCH ""', 'NOSUCH a "" b', '""', "GETT k",
         "NOSUCH a'b", "\\x00", "NOSUCH \\x00a", "NO\\r\\nSUCH a\\r\\nb", "SETT k v EX 10", "GET\\x20k"),
    case("unknown commands with long arguments", ("NOSUCH", "x" * 100, "y" * 100, "z" * 100),
         ("NOSUCH", "x" * 127, "y"), ("NOSUCH", "x" * 128, "y"), ("NOSUCH", "x" * 129), ("N" * 127, "x"),
         ("N" * 128, "x"), ("N" * 129, "x"), ("N" * 300, "x" * 300), ("NOSUCH", *["abcdefgh"] * 30)),
    case("the connection goes on after an unknown command", "NOSUCH", "PING", "SET k v", "NOSUCH", "GET k"),
    case("letters of any case", "set K v", "gEt K", "Get K", "EXPIRE K 100 nx", "persist K", "dBsIzE",
         "MgEt K"),
)

CONFIG_CASES = (
    case("config get", form("CONFIG GET maxmemory", kind), "CONFIG GET nosuch", "CONFIG GET nosuch other",
         form("config get MAXMEMORY", kind), form("CONFIG GET *", kind), "CONFIG GET nosuch*"),
    case("config get as redis-benchmark asks it", form("CONFIG GET save", shape),
         form("CONFIG GET appendonly", shape)),
    case("config set of what does not exist", "CONFIG SET nosuch 1", "CONFIG SET nosuch 1 other 2",
         "CONFIG SET nosuch", "CONFIG SET a 1 b"),
    case("config resetstat", "CONFIG RESETSTAT", "config resetstat", "CONFIG RESETSTAT x"),
    case("config subcommands that do not exist", "CONFIG", "CONFIG NOSUCH", "CONFIG NOSUCH a", 'CONFIG ""'),
)

INFO_CASES = (
    case("info of everything",
         form("INFO", fields("redis_version", "role", "used_memory", "maxmemory", "connected_clients",
                             "uptime_in_seconds", "redis_mode", "run_id", "tcp_port", "process_id"))),
    case("info of sections",
         form("INFO server", fields("redis_version", "redis_mode", "run_id", "tcp_port", "role")),
         form("INFO replication", fields("role", "connected_slaves", "redis_version")),
         form("INFO REPLICATION", fields("role", "connected_slaves", "redis_version")),
         form("INFO memory", fields("used_memory", "maxmemory", "maxmemory_policy", "role")),
         form("INFO clients", fields("connected_clients", "role")),
         form("INFO stats", fields("total_connections_received", "total_commands_processed", "keyspace_hits",
                                   "keyspace_misses", "evicted_keys", "expired_keys", "role")),
         form("INFO everything", fields("redis_version", "role", "used_memory")),
         form("INFO all", fields("redis_version", "role", "used_memory")),
         form("INFO default", fields("redis_version", "role", "used_memory")),
         form("INFO server replication", fields("redis_version", "role", "used_memory")), "INFO nosuch",
         'INFO ""'),
    case("info says which role the server has",
         form("INFO replication", matching(r".*\r\nrole:master\r\n.*"))),
    case("info counts keys", "INFO keyspace", "MSET a 1 b 2", "EXPIRE a 100", form("INFO keyspace",
              matching(r"[$=]\d+\r\n(txt:)?# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=\d+.*"))),
)

COMMAND_CASES = (
    case("command without a subcommand", form("COMMAND", kind), form("command", kind)),
    case("command count", form("COMMAND COUNT", kind), "COMMAND COUNT x"),
    case("command docs", form("COMMAND DOCS", kind), form("COMMAND DOCS get", kind),
         form("COMMAND DOCS GET SET", kind), "COMMAND DOCS nosuch"),
    case("command subcommands that do not exist", "COMMAND NOSUCH", "COMMAND NOSUCH a", 'COMMAND ""'),
)

CASES = (
    case("time", form("TIME", shape), "TIME x"),
    *UNKNOWN_CASES,
    *CONFIG_CASES,
    *INFO_CASES,
    *COMMAND_CASES,
    *arity_cases(),
)
