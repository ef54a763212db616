"""SECURITY.md names a test for each promise, and each of those is there."""

import ast
import re

from tests.pages import ROOT, page, rows, section

PAGE = page("SECURITY.md")


def test_each_promise_names_a_test_that_is_there() -> None:
    promises = list(rows(section(PAGE, "## What is promised")))
    assert len(promises) > 10
    for promise, held in promises:
        named = re.findall(r"`(api/tests/[\w/]+\.py)::(\w+)`", held)
        assert named, promise
        for file, test in named:
            functions = [node for node in ast.walk(ast.parse((ROOT / file).read_text())) if hasattr(node, "name")]
            assert test in [node.name for node in functions], f"{file} has no {test}"


def test_it_is_short_enough_to_be_read() -> None:
    assert len(PAGE.splitlines()) <= 120
