"""Generate api/baml_client from api/baml_src. Every build of the wheel does so too.

The client is in no commit. It is made when it is missing, or older than a source, this script or the baml-py
that makes it. It takes no network and no environment, and a tenth of a second.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

API = Path(__file__).parents[1] / "api"
SOURCES = API / "baml_src"
CLIENT = API / "baml_client"
BAML_CLI = "import sys, baml_py; sys.argv[0] = 'baml-cli'; baml_py.invoke_runtime_cli()"


def generate() -> None:
    """Make the client where it is not up to date. SystemExit, with what baml-cli objects to, if it cannot."""
    if _stale():
        command = [sys.executable, "-c", BAML_CLI, "generate", "--from", str(SOURCES)]
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"baml-cli generate: {made.stdout}{made.stderr}")
        (CLIENT / "__init__.py").touch()


def _stale() -> bool:
    made = CLIENT / "__init__.py"
    if not made.exists():
        return True
    baml_py = importlib.metadata.distribution("baml-py").locate_file("baml_py")
    inputs = [SOURCES, *SOURCES.iterdir(), Path(__file__), Path(str(baml_py))]
    return max(path.stat().st_mtime for path in inputs) > made.stat().st_mtime


if __name__ == "__main__":
    generate()
