"""The bill of materials has every package that is locked for the runtime, by its version and hashes, and no other."""

import json
import re
import subprocess
import sys

from penstock import __version__
from tests.pages import ROOT, page

LOCK = page("requirements/runtime.txt")


def test_it_is_the_lock() -> None:
    ran = subprocess.run([sys.executable, str(ROOT / "scripts/sbom.py")], capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    own = told["metadata"]["component"]
    assert (own["name"], own["version"], own["licenses"][0]["license"]["name"]) == (
        "penstock",
        __version__,
        "Apache-2.0",
    )
    assert [each["purl"] for each in told["components"]] == [
        f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)
    ]
    hashes = [each["content"] for one in told["components"] for each in one["externalReferences"][0]["hashes"]]
    assert hashes == re.findall(r"sha256:([0-9a-f]{64})", LOCK)
    assert all(one["externalReferences"][0]["hashes"] for one in told["components"])
    licensed = {one["name"] for one in told["components"] if "licenses" in one}
    assert {"fastapi", "orjson", "redis", "uvloop"} <= licensed
