"""What every build of the wheel makes before it packs: the BAML client and, where it is asked for, compiled modules.

PENSTOCK_COMPILE asks for them. It names the Python whose environment has the packages that Penstock needs.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = Path(__file__).parent


class WheelHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        _run("generate_baml.py")
        types = os.environ.get("PENSTOCK_COMPILE")
        if types and version != "editable":  # there a source that is changed would have no effect
            self._compile(types, build_data)

    def _compile(self, types: str, build_data: dict[str, Any]) -> None:
        self._made = tempfile.TemporaryDirectory()  # until the wheel is packed, and this object with it is gone
        folder = Path(self._made.name)
        _run("compile_hot.py", "--into", str(folder), "--types", types)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"] |= {str(file): str(file.relative_to(folder)) for file in folder.rglob("*.so")}


def _run(script: str, *words: str) -> None:
    subprocess.run([sys.executable, str(SCRIPTS / script), *words], check=True)
