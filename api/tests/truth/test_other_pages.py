"""docs/architecture.md has the table of outcomes, and docs/simulator.md every flag and fault, as the code has them."""

import dataclasses
import re

from penstock.upstream.verdicts import VERDICTS
from tests.pages import named, page, rows, section
from vllm_simulator.cli import build_parser
from vllm_simulator.faults import KINDS, Fault

SIMULATOR = page("docs/simulator.md")


def test_the_table_of_outcomes_is_the_code_s() -> None:
    told = [each for each in rows(page("docs/architecture.md")) if len(each) == 5]
    assert [each[0] for each in told] == list(VERDICTS)
    for (_, _, hears, onward, last), verdict in zip(told, VERDICTS.values(), strict=True):
        assert hears == verdict.hears
        assert onward.replace(" ", "_").startswith(verdict.onward)
        if verdict.error is not None:
            assert last.startswith(f"{verdict.error.status} `{verdict.error.code}`")


def test_every_flag_of_the_simulator_stands_there() -> None:
    flags = {action.option_strings[-1] for action in build_parser()._actions} - {"--help"}
    assert {named(flag) for flag, *_ in rows(section(SIMULATOR, "## Flags"))} == flags


def test_every_fault_and_option_stands_there() -> None:
    told = list(rows(section(SIMULATOR, "## Breaking it")))
    assert {named(each[0]): each[1] for each in told if len(each) == 2} == KINDS
    options = {field.name for field in dataclasses.fields(Fault)} - {"kind"}
    assert {named(each[0]) for each in told if len(each) == 3} == options


def test_the_faults_in_the_examples_can_be_set() -> None:
    kinds = re.findall(r'"kind": "(\w+)"', SIMULATOR)
    assert kinds
    assert set(kinds) <= set(KINDS)
