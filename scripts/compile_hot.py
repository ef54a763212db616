"""Compile what every request goes through, with mypyc: as a script, in place; as part of a build of the wheel, into it.

    .venv/bin/python scripts/compile_hot.py             beside the sources, where Python then finds it first
    .venv/bin/python scripts/compile_hot.py --remove    so that the sources run again

The sources stay as they are, and run uncompiled wherever this was not done. It takes a C compiler, Python's headers and
a minute. `--types` names the Python that has the packages which Penstock needs, if it is another: their types are read.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from mypyc.build import mypycify
from setuptools import setup

API = Path(__file__).parents[1] / "api"
GROUP = "penstock_hot"
HOT = {
    "callers": "keyring",
    "limits": "allowance limiter meter purse queue seats till",
    "state": "ledger",
    "surfaces": """auth bounds cors farewell framing front functions gate media openai protocol reader relay render
        shape visit wire""",
    "telemetry": "families journal metrics record tariff",
    "upstream": """alarm attempt backoff breaker call chat_events chunks connection dialects dispatch edit envelope
        exchange pool rank refusal reply responses_events sse stream streams target transport usage
        verdicts window wire_errors wording""",
    "usage": "files spool tally",
}
"""`telemetry/lines.py` is not among them, since structlog keeps weak references to it, nor is `upstream/patience.py`,
which is an asynchronous generator: mypyc makes neither."""
LINKED = ["-Wl,-Bsymbolic"] if sys.platform == "linux" else []
"""Calls within the extension go straight to the function, not through a table that another library could change."""


def compile_into(folder: Path, types: str) -> None:
    """Put the compiled modules under this folder, where `api` has their sources. SystemExit if one cannot be."""
    folder = folder.resolve()
    sources = [f"penstock/{room}/{name}.py" for room, names in HOT.items() for name in names.split()]
    with tempfile.TemporaryDirectory() as made, contextlib.chdir(API):
        rules = Path(made, "mypy.ini")
        rules.write_text("[mypy]\nplugins = pydantic.mypy\nfollow_imports = silent\n")
        told = [f"--config-file={rules}", f"--python-executable={types}", f"--cache-dir={made}"]
        extensions = mypycify([*told, *sources], group_name=GROUP, target_dir=made, debug_level="0")
        for extension in extensions:
            extension.extra_link_args += LINKED
        words = ["--quiet", "build_ext", f"--build-lib={folder}", f"--build-temp={made}"]
        setup(name=GROUP, packages=[], ext_modules=extensions, script_args=words)


def remove() -> None:
    for built in (*API.glob(f"{GROUP}*.so"), *API.glob("penstock/**/*.so")):
        built.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description="Compile what every request goes through.")
    parser.add_argument("--remove", action="store_true", help="what was compiled in place")
    parser.add_argument("--into", type=Path, default=API, help="a folder (in place)")
    parser.add_argument("--types", default=sys.executable, help="a Python with Penstock's packages (this one)")
    options = parser.parse_args()
    if options.remove:
        remove()
    else:
        compile_into(options.into, options.types)


if __name__ == "__main__":
    main()
