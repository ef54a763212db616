"""Clients of other makers use the gateway unchanged."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Gateway

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

CLIENTS = Path(__file__).parent / "clients"
Use = Callable[..., dict[str, Any]]  # what a client printed


@pytest.fixture(scope="module")
def use(require: Callable[[str], str], gateway: Gateway) -> Use:
    require("npm")
    subprocess.run([CLIENTS / "install"], env={**os.environ, "PYTHON": sys.executable}, check=True)

    def run(*command: str | Path) -> dict[str, Any]:
        done = subprocess.run([*command, f"{gateway.url}/v1"], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    return run


def test_openai_node(use: Use, require: Callable[[str], str]) -> None:
    said = use(require("node"), CLIENTS / "node" / "use.mjs")
    assert said["whole"]
    assert said["streamed"] == said["whole"]
    for weather in (said["tool"], said["shaped"]):
        assert sorted(weather) == ["city", "unit"]
        assert weather["unit"] in ("C", "F")
    assert said["response"]
    assert said["responded"] == said["response"]
    assert said["models"] == ["words"]
    assert said["tooLong"].startswith("BadRequestError 400")
    assert said["unknown"] == "NotFoundError 404 model_not_found"


def test_pydantic_ai(use: Use) -> None:
    """An agent talks, streams, answers in a type by schema, and in a type by calling a tool."""
    said = use(CLIENTS / "agent" / ".venv" / "bin" / "python", CLIENTS / "agent" / "use.py")
    assert said["said"]
    assert said["streamed"] == said["said"]
    assert said["tokens"] == 20
    for ticket in (said["shaped"], said["called"]):
        assert ticket["category"] in ("billing", "technical")
        assert ticket["reason"]
