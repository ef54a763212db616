"""Every page: its links and paths lead somewhere, its commands exist, its snippets are what they say."""

import ast
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from penstock.cli import main
from penstock.settings import Settings
from tests.functions import users
from tests.pages import PAGES, ROOT, blocks, page, prose

FOREIGN = {"aws", "curl", "docker", "kind", "kubectl", "terraform", "vllm"}
"""Commands of other projects."""
SHELL = set("! [[ break do done echo else exit export fi for if read set sleep source then until while".split())
BEGINS = {"!", "do", "else", "if", "then", "until", "while"}
"""Words of the shell that a command stands behind."""
NOT_YET = "api/baml_src/rate_review.baml"
"""The file that the README tells the reader to write."""
ROOMS = r"\.github|api|docs|infrastructure|monitoring|requirements|scripts|vllm"
PATH = re.compile(rf"`((?:{ROOMS})/[\w./-]+|pyproject\.toml|LICENSE)[^`]*`")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
class TestEveryPage:
    def test_its_links_lead_somewhere(self, path: Path) -> None:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose(path.read_text())):
            assert link.startswith("https://") or (path.parent / link).exists(), link

    def test_the_paths_that_it_names_are_there(self, path: Path) -> None:
        for name in set(PATH.findall(prose(path.read_text()))) - {NOT_YET}:
            assert (ROOT / name).exists(), name

    def test_the_commands_that_it_shows_exist(self, path: Path) -> None:
        for block in blocks(str(path.relative_to(ROOT)), "bash"):
            for command in commands(block):
                assert exists(command), f"{command} in {block}"

    def test_penstock_s_commands_and_flags_exist(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        lines = "\n".join(blocks(str(path.relative_to(ROOT)), "bash"))
        for verb, rest in re.findall(
            r"penstock (serve|simulate|status|smoke-test|check-config|demo|cost|capacity|measure)\b(.*)", lines
        ):
            with pytest.raises(SystemExit):
                main([verb, "--help"])
            known = capsys.readouterr().out
            assert all(flag in known for flag in re.findall(r"--[\w-]+", rest)), rest

    def test_its_json_and_yaml_can_be_read(self, path: Path) -> None:
        name = str(path.relative_to(ROOT))
        for block in blocks(name, "json"):
            json.loads(block)
        for block in blocks(name, "yaml"):
            Settings(**yaml.safe_load(block))


def commands(block: str) -> Iterator[str]:
    """Each word of a block where a command stands."""
    lexer = shlex.shlex(re.sub(r"\\\n", " ", block), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split = " \t", True
    begins = True
    for word in lexer:
        if begins and not re.match(r"\w+\+?=", word):
            yield from [] if set(word) <= set("();<>|&\n") else [word]
            begins = word in BEGINS
        begins = begins or (bool(word) and set(word) <= set("();|&\n"))


def exists(command: str) -> bool:
    if command in FOREIGN | SHELL or command == ".venv/bin/penstock":
        return True
    return shutil.which(command) is not None or shutil.which(str(ROOT / command)) is not None


def test_the_readme_s_python_is_python() -> None:
    snippets = blocks("README.md", "python")
    assert snippets
    for snippet in snippets:
        ast.parse(snippet)


def test_the_readme_s_configuration_can_be_used() -> None:
    (block,) = blocks("README.md", "yaml")
    settings = Settings(**yaml.safe_load(block))
    assert settings.models[0].replicas[1].api_key_env == "VLLM_KEY"


def test_the_readme_s_function_is_served_and_its_answer_is_of_its_type(tmp_path: Path) -> None:
    (source,) = blocks("README.md", "baml")
    shared = ("clients", "generators", "untrusted")
    with_shared = "\n".join([*(page(f"api/baml_src/{name}.baml") for name in shared), source])
    function = users(with_shared, tmp_path)["RateReview"]
    assert function.description in source

    (arguments,) = re.findall(r"RateReview -H .*?\n\s+-d '(.*?)'", page("README.md"))
    assert function.build(function.arguments.model_validate_json(arguments))["messages"]
    (answer,) = re.findall(r"The answer: `(.*?)`", page("README.md"))
    assert function.dump(function.parse(answer)).decode() == answer
