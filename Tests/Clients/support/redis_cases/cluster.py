"""CLUSTER, READONLY and their like: outside a cluster, and on a cluster of one."""

from __future__ import annotations

from ..parity import case, fields, form, matching, shape

SLOT_KEYS = (
    "a", "foo", "bar", "123456789", '""', "{user}a", "{user}b", "{}a", "{}", "a{b}c", "a{b{c}d}", "{{a}}b",
    "a{", "a}b{c}", "\\x00\\xff", "foo{bar}{zap}", "foo{}{bar}",
)  # fmt: skip

OUTSIDE_CASES = (
    case("cluster commands outside a cluster", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER INFO",
         "CLUSTER MYID", "CLUSTER NODES", "CLUSTER KEYSLOT a", "CLUSTER NOSUCH", "CLUSTER", "CLUSTER KEYSLOT",
         "CLUSTER SLOTS x", "cluster slots", "READONLY", "READONLY x"),
)

INFO = fields("cluster_state", "cluster_slots_assigned", "cluster_slots_ok", "cluster_slots_pfail",
              "cluster_slots_fail", "cluster_known_nodes", "cluster_size", "cluster_current_epoch",
              "cluster_my_epoch", "cluster_stats_messages_sent",
              "cluster_stats_messages_received")  # fmt: skip
NODE_LINE = (
    r"[$=]\d+\r\n(txt:)?[0-9a-f]{40} [^ ]*:\d+@\d+(,[^ ]*)? "
    r"myself,master - 0 \d+ \d+ connected 0-16383\n\r\n"
)

CASES = (
    case("cluster keyslot", *(f"CLUSTER KEYSLOT {key}" for key in SLOT_KEYS), "CLUSTER KEYSLOT",
         "CLUSTER KEYSLOT a b"),
    case("cluster slots", form("CLUSTER SLOTS", shape), "CLUSTER SLOTS x"),
    case("cluster shards", form("CLUSTER SHARDS", shape), "CLUSTER SHARDS x"),
    case("cluster info", form("CLUSTER INFO", INFO),
         form("CLUSTER INFO", matching(r".*cluster_state:ok\r\ncluster_slots_assigned:16384\r\n.*")),
         form("CLUSTER INFO", matching(r".*cluster_known_nodes:1\r\ncluster_size:1\r\n.*")),
         "CLUSTER INFO x"),
    case("cluster myid", form("CLUSTER MYID", matching(r"\$40\r\n[0-9a-f]{40}\r\n")), "CLUSTER MYID x"),
    case("cluster nodes", form("CLUSTER NODES", matching(NODE_LINE)), "CLUSTER NODES x"),
    case("cluster subcommands that do not exist", "CLUSTER", "CLUSTER NOSUCH", "CLUSTER NOSUCH a",
         'CLUSTER ""'),
    case("readonly", "READONLY", "GET k", "READONLY x", "readonly"),
    case("select in a cluster", "SELECT 0", "SELECT 1", "SELECT abc", "SELECT -1"),
    case("commands on one key in a cluster", "SET k v", "GET k", "DEL k", "EXISTS k", "SET {a}1 v",
         "MGET {a}1 {a}2", "MSET {a}1 v {a}2 w", "DEL {a}1 {a}2", "DBSIZE", "KEYS *", "SCAN 0", "FLUSHALL"),
    case("info says that it is a cluster", form("INFO cluster", matching(r".*cluster_enabled:1\r\n.*")),
         form("INFO server", matching(r".*redis_mode:cluster\r\n.*"))),
    case("hello says that it is a cluster",
         form("HELLO 3", matching(r".*\$4\r\nmode\r\n\$7\r\ncluster\r\n.*"))),
)  # fmt: skip
