"""Test classes in pairs: the same tests against a node, and against a real Redis as their control."""

from __future__ import annotations

import importlib.util
import unittest

from .redis_server import RedisServer, require, start_subject


def require_module(name: str, package: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise unittest.SkipTest(f"{package} is not installed for this Python; scripts/python-env installs it")


class WithServer:
    """Starts one server for the tests of a class; a subclass says which, and what it needs."""

    options: dict = {}
    # Programs and (module, package) pairs that the tests cannot do without.
    programs: tuple = ()
    modules: tuple = ()
    server: object

    @classmethod
    def setUpClass(cls):
        for name in cls.programs:
            require(name)
        for module, package in cls.modules:
            require_module(module, package)
        cls.server = cls.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def setUp(self):
        with self.server.connect() as client:
            if self.server.password:
                client.call("AUTH", self.server.password)
            client.call("FLUSHALL")


class AgainstNode(WithServer):
    @classmethod
    def start(cls):
        return start_subject(**cls.options)


class AgainstRedis(WithServer):
    @classmethod
    def start(cls):
        require("redis-server")
        ours = {"memory", "arguments"}
        return RedisServer(**{name: value for name, value in cls.options.items() if name not in ours})


def pairs(module: dict, *classes: type) -> None:
    """Makes of each class two test cases in a module: one against a node, one against a Redis."""
    for tests in classes:
        for server in (AgainstNode, AgainstRedis):
            name = f"{tests.__name__}{server.__name__}"
            bases = (tests, server, unittest.TestCase)
            module[name] = type(name, bases, {"__module__": module["__name__"]})
