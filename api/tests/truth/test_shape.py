"""The project keeps its shape: small files, small functions, short decisions, a licence and a changelog."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock import __version__
from tests.pages import ROOT, page

FILE_LINES = 200
WHOLE = {"api/penstock/errors.py": 300}  # a family tree is read whole
FUNCTION_LINES = 60
DECISION_LINES = 35
HOUSES = ("api/penstock", "vllm/simulator/vllm_simulator", "vllm/serving/vllm_serving")
SOURCES = sorted(path for house in HOUSES for path in (ROOT / house).rglob("*.py"))
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_outgrows_its_noun() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > WHOLE.get(name, FILE_LINES)} == {}


def test_no_function_outgrows_a_screen() -> None:
    sizes = {f"{path.relative_to(ROOT)}:{name}": size for path in SOURCES for name, size in functions(path)}
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_whole_and_listed(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= DECISION_LINES
    for part in ("Context", "The line", "What got harder", "Refused", "In the code"):
        assert f"**{part}.**" in text, part
    title = text.splitlines()[0].partition(". ")[2]
    assert f"[{title}]({path.name})" in page("docs/decisions/README.md")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_changelog_has_this_version() -> None:
    assert f"\n## {__version__}" in page("CHANGELOG.md")
    assert f'version = "{__version__}"' in page("pyproject.toml")


def test_the_licence_is_apache_2() -> None:
    licence = page("LICENSE")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in page("pyproject.toml")
