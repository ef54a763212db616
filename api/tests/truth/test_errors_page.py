"""docs/errors.md has every error code with its status and type, and no other."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import penstock
from penstock import errors
from penstock.errors import PenstockError, TargetRefused
from tests.pages import ROOT, named, page, rows

TOLD = {named(code): (status, kind) for code, status, kind, *_ in rows(page("docs/errors.md"))}
OF_TARGETS = {"context_length_exceeded"}
"""Codes that we give to a target's refusal; the status is the target's."""


def family(root: type[PenstockError] = PenstockError) -> Iterator[type[PenstockError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def test_every_code_stands_there_with_its_status_and_type() -> None:
    known = {
        error.code: ("the target's" if error is TargetRefused else str(error.status), error.type) for error in family()
    }
    known |= dict.fromkeys(OF_TARGETS, ("the target's", TargetRefused.type))
    assert known == TOLD


def test_codes_given_to_a_target_s_refusal_are_told() -> None:
    source = (ROOT / "api/penstock/upstream/refusal.py").read_text()
    given = set(re.findall(r'code = "(\w+)"', source)) | set(re.findall(r'"(\w+_not_found|not_found)"', source))
    assert OF_TARGETS <= given <= TOLD.keys()


def test_every_error_is_raised_or_caught_somewhere() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api/penstock").rglob("*.py") if path.name != "errors.py")
    unused = [error.__name__ for error in family() if not re.search(rf"\b{error.__name__}\b", sources)]
    assert not unused


def test_every_error_of_the_family_is_defined_in_one_place() -> None:
    for module in pkgutil.walk_packages(penstock.__path__, "penstock."):
        importlib.import_module(module.name)
    assert {error.__module__ for error in family()} == {errors.__name__}
