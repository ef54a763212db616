"""The locks hold what pyproject.toml asks for, every file by its hash, and name no host."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    "runtime": PROJECT["project"]["dependencies"],
    "dev": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
    "build": PROJECT["build-system"]["requires"],
    "cloud": (ROOT / "requirements/cloud.in").read_text().splitlines(),
}


def locked(name: str) -> dict[str, str]:
    """Each package of a lock with its version; one that only some Pythons need is still one line."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", lock(name), re.MULTILINE)
    return dict(pins)


def lock(name: str) -> str:
    return (ROOT / f"requirements/{name}.txt").read_text()


@pytest.mark.parametrize("name", ASKED)
def test_every_direct_dependency_is_locked_at_a_version_that_it_allows(name: str) -> None:
    pins = locked(name)
    for wish in map(Requirement, ASKED[name]):
        version = pins[wish.name.lower().replace("_", "-")]
        assert wish.specifier.contains(version), f"{wish}, but {version} is locked: run scripts/lock"


@pytest.mark.parametrize("name", ASKED)
def test_every_package_has_hashes_and_no_host_is_named(name: str) -> None:
    text = lock(name)
    for entry in re.split(r"\n(?=\w)", text):
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert "--index" not in text


def test_the_sets_agree_on_every_version() -> None:
    dev = locked("dev")
    assert {**dev, **locked("runtime"), **locked("build")} == dev
