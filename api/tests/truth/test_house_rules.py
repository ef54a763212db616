"""Rules of this house that no linter knows, each with a piece of code that breaks it, so that none sleeps.

What ruff can say it says: its rules S are bandit's, BLE, ASYNC and the banned imports are in pyproject.toml.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from penstock.settings import Settings
from pydantic import BaseModel, SecretStr
from tests.pages import ROOT

SOURCES = {str(path.relative_to(ROOT / "api/penstock")): path for path in (ROOT / "api/penstock").rglob("*.py")}
TREES = {name: ast.parse(path.read_text()) for name, path in SOURCES.items()}
Rule = Callable[[str, ast.AST], bool]
"""Whether this node of this file breaks it."""

PLAIN = {"app.py", "callers/place.py", "settings/settings.py", "settings/traces.py", "smoke.py", "surfaces/auth.py"}
"""Where a secret is taken out of its wrapping: what is made there hides it again, or is a hash."""
DIALS = {"upstream/transport.py"}
TELLS = re.compile(
    r"(authorization|body|bodies|content|cookie|field|header|key|message|password|prompt|raw|secret|token)s?"
)
NOT_A_SECRET = {"api_key_env", "key"}
"""The name of a variable, and the path of a file."""


def called(node: ast.AST) -> str:
    """The last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def is_log(node: ast.AST) -> bool:
    if called(node) not in ("debug", "info", "warning", "error", "exception", "critical"):
        return False
    of = getattr(getattr(node, "func", None), "value", None)
    return "log" in str(getattr(of, "attr", getattr(of, "id", ""))).lower()


def says_a_secret(file: str, node: ast.AST) -> bool:
    """A line of the log has no member for what it must not hold."""
    return is_log(node) and any(TELLS.fullmatch(word.arg or "**") or word.arg is None for word in node.keywords)  # type: ignore[attr-defined]


def makes_up_an_event(file: str, node: ast.AST) -> bool:
    """What a line tells of is a constant; what varies stands in members, which are looked at."""
    if not is_log(node) or file == "surfaces/protocol.py":  # uvicorn's log, in our own errors' words
        return False
    first = node.args[0] if node.args else None  # type: ignore[attr-defined]
    return not isinstance(first, ast.Constant)


def unwraps_a_secret(file: str, node: ast.AST) -> bool:
    return called(node) == "get_secret_value" and file not in PLAIN


def believes_any_certificate(file: str, node: ast.AST) -> bool:
    """But for `smoke-test --insecure`, which says so."""
    if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context"):
        return True
    if isinstance(node, ast.Assign):
        names = [getattr(target, "attr", "") for target in node.targets]
        return "check_hostname" in names or "verify_mode" in names
    words = {word.arg: word.value for word in node.keywords} if isinstance(node, ast.Call) else {}
    return "verify" in words and file != "smoke.py"


def dials(file: str, node: ast.AST) -> bool:
    return called(node) in ("create_connection", "open_connection", "urlopen") and file not in DIALS


def is_global(file: str, node: ast.AST) -> bool:
    return isinstance(node, ast.Global)


def swallows(file: str, node: ast.AST) -> bool:
    """Whoever catches everything says why beside it."""
    broad = isinstance(node, ast.ExceptHandler) and getattr(node.type, "id", "") in ("Exception", "BaseException")
    if not broad or file not in SOURCES:
        return broad and file not in SOURCES
    return "#" not in SOURCES[file].read_text().splitlines()[node.lineno - 1]  # type: ignore[attr-defined]


def hands_on_headers(file: str, node: ast.AST) -> bool:
    """A client's headers are read by name, never copied; nor are a target's."""
    if not (isinstance(node, ast.Starred | ast.DictComp | ast.ListComp) or called(node) in ("update", "items", "copy")):
        return False
    held = [getattr(each, "attr", getattr(each, "id", "")) for each in ast.walk(node)]
    return "headers" in held and file.startswith(("surfaces/", "upstream/")) and file not in COPIES


COPIES = {
    "surfaces/cold.py": "FastAPI's scope has them",
    "surfaces/reader.py": "a request to upgrade is read again",
    "surfaces/status_page.py": "its own, which are constant",
    "surfaces/translate.py": "Allow, of a 405",
    "upstream/collector.py": "our own, to the collector",
    "upstream/target.py": "our own, to a target",
}


def is_fast_to_say_no(file: str, node: ast.AST) -> bool:
    """A secret is looked up by its hash; it is never compared."""
    if not isinstance(node, ast.Compare) or not any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
        return False
    names = [getattr(each, "attr", getattr(each, "id", "")) for each in (node.left, *node.comparators)]
    return any(re.fullmatch(r"_?(secret|bearer|password|authorization)", name) for name in names)


RULES: dict[Rule, str] = {
    says_a_secret: "log.info('asked', headers=headers)",
    makes_up_an_event: "self._log.error(f'failed: {error}')",
    unwraps_a_secret: "settings.redis_url.get_secret_value()",  # pragma: allowlist secret
    believes_any_certificate: "context.verify_mode = ssl.CERT_NONE",
    dials: "await asyncio.open_connection(host, port)",
    is_global: "def f():\n    global x",
    swallows: "try:\n    pass\nexcept Exception:\n    pass",
    hands_on_headers: "sent = {name: value for name, value in wire.headers.items()}",
    is_fast_to_say_no: "bearer == self._bearer",
}


def breaches(rule: Rule, file: str, tree: ast.AST) -> Iterator[str]:
    yield from (f"{file}:{getattr(node, 'lineno', 0)}" for node in ast.walk(tree) if rule(file, node))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert [each for name, tree in TREES.items() for each in breaches(rule, name, tree)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_sees_what_breaks_it(rule: Rule) -> None:
    assert list(breaches(rule, "surfaces/none.py", ast.parse(RULES[rule])))


def parts(root: type[BaseModel]) -> set[type[BaseModel]]:
    """The model, and those that it is made of."""
    inside = [field.annotation for field in root.model_fields.values()]
    for hint in inside:
        inside += get_args(hint)
    return {root}.union(*(parts(each) for each in inside if isinstance(each, type) and issubclass(each, BaseModel)))


def test_every_setting_that_holds_a_secret_hides_it() -> None:
    found = {
        f"{part.__name__}.{name}": SecretStr in (field.annotation, *get_args(field.annotation))
        for part in parts(Settings)
        for name, field in part.model_fields.items()
        if re.search(r"key|secret|password|headers|redis_url", name) and name not in NOT_A_SECRET
    }
    assert found == dict.fromkeys(
        ("Settings.api_keys", "Settings.operator_keys", "Settings.redis_url", "Traces.headers"), True
    )


def test_no_exception_to_a_rule_is_left_over() -> None:
    for file in {*PLAIN, *DIALS, *COPIES}:
        assert Path(SOURCES[file]).exists()
