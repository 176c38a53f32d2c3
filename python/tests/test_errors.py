"""The exceptions, one for each status of the library."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
import reprise
from reprise.errors import from_status

from conftest import ROOT

BUILT_IN = {
    "InvalidArgument": ValueError,
    "NotConnected": ConnectionError,
    "Timeout": TimeoutError,
    "Refused": PermissionError,
    "LengthMismatch": ValueError,
    "SystemError_": OSError,
}


def header_statuses() -> dict[str, int]:
    header = next((ROOT / "Sources").rglob("reprise.h")).read_text()
    return {name: int(number) for name, number in re.findall(r"REPRISE_ERROR_(\w+) = (-\d+)", header)}


def test_each_status_of_the_header_has_an_exception():
    for name, status in header_statuses().items():
        error = from_status(status, "what was wrong")
        assert type(error) is not reprise.Error, name
        assert error.status == status and str(error) == "what was wrong"


def test_an_unknown_status_is_an_error_all_the_same():
    error = from_status(-99, "new")
    assert type(error) is reprise.Error and error.status == -99


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_exceptions_are_of_pythons_kinds_too(name):
    cls = getattr(reprise, name)
    assert issubclass(cls, BUILT_IN[name]) and issubclass(cls, reprise.Error)
    for again in (copy.copy(cls("text")), pickle.loads(pickle.dumps(cls("text")))):
        assert type(again) is cls and str(again) == "text" and again.status == cls.status
