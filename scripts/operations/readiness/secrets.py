"""Secrets lie in files that are nobody else's, are none that everybody knows, and stand in no environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from operations.errors import CannotAsk
from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground, listed

EVERYBODY_S = ("sk-none-yet", "none-yet", "changeme", "admin", "password", "secret")
SHORTEST = 16
NAMED = re.compile(r"(KEYS?|TOKEN|PASSWORD|SECRET)$")
KEYS = ("api_keys", "operator_keys", "grafana_password")
OPTIONAL = ("huggingface_token",)
PUBLIC = ("GPG_KEY",)
"""Python's images name the key that they were signed with."""


def files(ground: Ground) -> Seen:
    folder = ground.inside.secrets
    found = dict(read(folder))
    if not _paid(ground):
        found.pop("openai_api_key", None)
    wrong = [*_open(folder, found), *_known(found)]
    return judged(f"the files in {folder}, and who may read them", wrong, listed(found))


def environments(ground: Ground) -> Seen:
    told = ground.inside.environments()
    values = {value for text in read(ground.inside.secrets).values() for value in _values(text)}
    wrong = [
        f"{name}: {variable}"
        for name, environment in told.items()
        for variable, value in environment.items()
        if (NAMED.search(variable) and value and variable not in PUBLIC) or any(secret in value for secret in values)
    ]
    return judged("the environment of everything that runs", wrong, f"no secret in that of {listed(told, 30)}")


def read(folder: Path) -> Mapping[str, str]:
    """What each holds. Raises CannotAsk."""
    try:
        return {path.name: path.read_text().strip() for path in sorted(folder.iterdir()) if path.is_file()}
    except OSError as error:
        raise CannotAsk(f"{folder} cannot be read: {error}") from None


def first_key(text: str) -> str:
    """Of a file of keys: `name=key` each."""
    words = re.split(r"[\s,]+", text)
    return words[0].partition("=")[2] or words[0]


def _paid(ground: Ground) -> bool:
    """Whether there is a cloud, which wants a key."""
    return any(each["kind"] == "cloud" for each in ground.targets(ground.one().name))


def _values(text: str) -> Iterator[str]:
    """What would give it away, with its name and without."""
    for word in re.split(r"[\s,]+", text):
        yield from (each for each in (word, word.partition("=")[2]) if len(each) >= SHORTEST)


def _open(folder: Path, found: Mapping[str, str]) -> Iterator[str]:
    """The folder may be shut, or each of the files."""
    if not found:
        yield "there is none"
    if folder.stat().st_mode & 0o022:
        yield f"{folder} can be written by others"
    shut = not folder.stat().st_mode & 0o077
    for name in found:
        mode = (folder / name).stat().st_mode
        if mode & 0o022 or not (shut or not mode & 0o077):
            yield f"{name} has mode {mode & 0o777:o}, its folder {folder.stat().st_mode & 0o777:o}"


def _known(found: Mapping[str, str]) -> Iterator[str]:
    for name, text in found.items():
        if (text.partition("=")[2] or text) in EVERYBODY_S:
            yield f"{name} is still as it was made"
        elif not text and name not in OPTIONAL:
            yield f"{name} is empty"
        elif name in KEYS and any(len(word) < SHORTEST for word in re.split(r"[\s,]+", text)):
            yield f"{name} holds one of less than {SHORTEST} characters"
