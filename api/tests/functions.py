"""The typed functions that tests run: the shipped ones, and any .baml text taken the way that a user's file goes."""

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.functions.catalog import Function, load
from penstock.functions.environment import prepare_environment

USERS_FILE = Path(__file__).parent / "unit" / "functions.baml"
BAML = [sys.executable, "-c", "import baml_py; baml_py.invoke_runtime_cli()"]

GIVEN: dict[str, dict[str, Any]] = {
    "AnswerFromContext": {"question": "Which?", "passages": [{"id": "p-1", "text": "This one."}]},
    "ClassifyTicket": {"text": "I was charged twice.", "product": "Harbour CRM"},
    "ExtractInvoice": {"text": "Invoice 7. Total 12.00"},
    "ScreenMessage": {"text": "Hello"},
    "SummarizeThread": {"messages": [{"author": "Ada", "text": "Thursday."}]},
}
"""Arguments for each of the shipped ones."""


def shipped() -> Mapping[str, Function]:
    prepare_environment(os.environ)
    return load()


def users(source: str, folder: Path) -> Mapping[str, Function]:
    """Check, generate and load the functions of a .baml text, in an empty folder whose name is of its own."""
    (folder / "baml_src").mkdir()
    (folder / "baml_src" / "functions.baml").write_text(source)
    for command in ("check", "generate"):
        told = subprocess.run(
            [*BAML, command, "--from", folder / "baml_src"], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr
    package = f"users_{abs(hash(folder))}"
    (folder / "baml_client").rename(folder / package)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    prepare_environment(os.environ)
    try:
        return load(package)
    finally:
        sys.path.remove(str(folder))
