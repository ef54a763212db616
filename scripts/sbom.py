"""Write what the wheel runs with as a bill of materials, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json).

    .venv/bin/python scripts/sbom.py >penstock.cdx.json

Every package of `requirements/runtime.txt` stands there with its version, when it is needed, its licence if it is
installed here, and the hashes of its files, one of which every installation is held to.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements/runtime.txt"
ENTRY = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<only>[^\\]+?))? *\\$", re.MULTILINE)

Json = dict[str, Any]


def document() -> Json:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component("application", project["name"], project["version"], project["license"])},
        "components": list(components(LOCK.read_text())),
    }


def components(lock: str) -> Iterator[Json]:
    """One for each entry of the lock."""
    starts = list(ENTRY.finditer(lock))
    ends = [each.start() for each in starts[1:]] + [len(lock)]
    for found, end in zip(starts, ends, strict=True):
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", lock[found.end() : end])
        made = component("library", found["name"], found["version"], licence(found["name"]))
        made["purl"] = f"pkg:pypi/{found['name']}@{found['version']}"
        made["externalReferences"] = [
            {
                "type": "distribution",
                "url": made["purl"],
                "comment": "the files that may be installed, by their hashes",
                "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
            }
        ]
        if found["only"]:
            made["properties"] = [{"name": "python:marker", "value": found["only"]}]
        yield made


def component(kind: str, name: str, version: str, said: str) -> Json:
    made: Json = {"type": kind, "bom-ref": f"{name}@{version}", "name": name, "version": version}
    if said:
        made["licenses"] = [{"license": {"name": said}}]
    return made


def licence(name: str) -> str:
    """As the package says itself, on one line; empty where it does not, or is not installed."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License")]
    said = [*(told.get_all("License-Expression") or ()), ", ".join(classified), *(told.get_all("License") or ())]
    return next(filter(None, said), "").partition("\n")[0]


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
    print()
