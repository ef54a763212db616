"""docs/edge.md has every setting, error and metric of the edge, as its code has them."""

import re

from tests.pages import ROOT, page, rows, section

PAGE = page("docs/edge.md")
EDGE = ROOT / "infrastructure/nginx"
KINDS = {"CLIENT": "invalid_request_error", "LIMIT": "rate_limit_error", "SERVER": "server_error"}


def code(pattern: str, name: str) -> list[tuple[str, ...]]:
    """What a pattern finds in a file of the edge's, a line each."""
    found = re.findall(pattern, (EDGE / name).read_text(), re.MULTILINE)
    assert found
    return found


def test_every_setting_stands_there() -> None:
    told = [tuple(each) for each in rows(section(PAGE, "## Settings"))]
    assert told == [
        (f"`{name}`", "none" if default == "''" else f"`{default}`", sentence)
        for name, default, sentence in code(r"^setting (\w+) (\S+) \w+ '(.*)'$", "settings")
    ]


def test_every_setting_is_used_and_no_other() -> None:
    parts = [*EDGE.glob("conf/*"), *EDGE.glob("lua/*"), EDGE / "render", EDGE / "entrypoint"]
    used = {name for part in parts for name in re.findall(r"EDGE_[A-Z_]+", part.read_text())}
    made = {"EDGE_HOME", "EDGE_USER", "EDGE_PUBLIC_SUFFIX", "EDGE_REAL_IP"}
    assert used - made - {"EDGE_"} == {name for name, *_ in code(r"^setting (\w+) (\S+)", "settings")}


def test_every_error_stands_there() -> None:
    told = [tuple(each[:4]) for each in rows(section(PAGE, "## Errors"))]
    assert told == [
        (f"`{name}`", status, KINDS[kind], sentence)
        for name, status, kind, sentence in code(r'^  (\w+) = \{ (\d+), (\w+), "(.*)" \},$', "lua/refusals.lua")
    ]


def test_every_metric_stands_there() -> None:
    told = [
        (name.partition("{")[0].strip("`"), kind, sentence)
        for name, kind, sentence in rows(section(PAGE, "## Metrics"))
    ]
    made = code(r'metric\(lines, "(\w+)", "(\w+)", "(.*)"\)', "lua/exposition.lua")
    assert told == made
