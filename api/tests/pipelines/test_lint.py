"""Every check of scripts/lint finds what it is there for, and the hooks run all of them on a clean tree."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.pages import ROOT, page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORKFLOW = """
name: planted
on: push
permissions: {{}}
concurrency: {{group: planted, cancel-in-progress: true}}
jobs:
  planted:
    name: planted
    runs-on: ubuntu-24.04
    {job}
    steps:
      - uses: {action}
        with: {{persist-credentials: false}}
"""
PINNED = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
PLANTED = [
    ("format", "scripts/ci/planted.py", "x = [ 1,2 ]\n", "planted.py"),
    ("format", "scripts/ci/planted", "#!/usr/bin/env bash\nif true; then\n      echo\nfi\n", "scripts/ci/planted"),
    ("style", "scripts/ci/planted.py", "import os\n", "F401"),
    ("types", "scripts/ci/planted.py", 'x: int = "a"\n', "planted.py:1"),
    ("layers", "api/penstock/state/planted.py", "import penstock.app\n", "penstock.state.planted -> penstock.app"),
    ("shell", "scripts/ci/planted", "#!/usr/bin/env bash\necho $1\n", "SC2086"),
    ("yaml", "planted.yml", "a: 1\na: 2\n", "duplication"),
    ("images", "planted/Dockerfile", "FROM debian\nRUN cd /tmp\n", "DL3006"),
    ("images", "planted.compose.yml", "services: {a: {image: x, prots: []}}\n", "prots"),
    ("secrets", "planted.txt", "AKIA" + "QYLPMN5HHHFPZAM2\n", "AWS Access Key"),
    ("secrets", "planted.py", 'password = "Xk29' + 'dkqWWzz"\n', "Secret Keyword"),
    ("baml", "api/baml_src/planted.baml", "class Planted { a Nowhere }\n", "Nowhere"),
    (
        "workflows",
        ".github/workflows/planted.yml",
        WORKFLOW.format(job="needs: nobody", action=PINNED),
        'needs job "nobody"',
    ),
    (
        "workflows",
        ".github/workflows/planted.yml",
        WORKFLOW.format(job="timeout-minuets: 1", action=PINNED),
        "timeout-minuets",
    ),
    (
        "workflows",
        ".github/workflows/planted.yml",
        WORKFLOW.format(job="timeout-minutes: 1", action="actions/checkout@v6"),
        "unpinned-uses",
    ),
]


class Tree:
    """A copy of what git would take, checked with the programs that are here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        shutil.copytree(ROOT / "api/baml_client", root / "api/baml_client")
        (root / "scripts/env").write_text("#!/usr/bin/env bash\n")
        self.run("git", "init", "-q")
        self.run("git", "add", "-A")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PENSTOCK_REQUIRE": "all", "PYTHONPATH": str(self.root / "api"), "NO_COLOR": "1"}
        env |= {"PRE_COMMIT_HOME": str(self.root / ".cache/pre-commit")}
        env = {name: value for name, value in env.items() if not name.startswith("GIT_")}
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Tree:
    for program in ("zizmor", "pre-commit", "hadolint", "npm"):
        require(program)
    return Tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def plant(tree: Tree) -> Iterator[Callable[[str, str], None]]:
    planted = []

    def put(name: str, text: str) -> None:
        path = tree.root / name
        planted.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    yield put
    for path in planted:
        path.unlink()


def test_the_hooks_pass_on_this_tree_without_a_network(tree: Tree) -> None:
    done = tree.run("pre-commit", "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Failed" not in done.stdout


@pytest.mark.parametrize(("check", "name", "text", "told"), PLANTED)
def test_a_planted_defect_is_found(
    tree: Tree, plant: Callable[[str, str], None], check: str, name: str, text: str, told: str
) -> None:
    plant(name, text)
    done = tree.run("scripts/lint", check)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr


def test_a_check_that_is_not_there_is_refused(tree: Tree) -> None:
    done = tree.run("scripts/lint", "nothing")
    assert done.returncode == 2
    assert "no check is called nothing" in done.stderr


def test_each_check_has_a_hook_and_each_has_a_planted_defect() -> None:
    (checks,) = re.findall(r"^all=\((.*)\)$", page("scripts/lint"), re.MULTILINE)
    hooks = [hook for repo in yaml.safe_load(page(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
    assert {hook["entry"].removeprefix("scripts/lint ") for hook in hooks} == set(checks.split())
    assert {check for check, *_ in PLANTED} == set(checks.split())
    assert {hook["language"] for hook in hooks} == {"system"}
