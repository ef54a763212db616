"""A test whose server is missing is skipped loudly, and fails where nothing may be skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WISHES = """
import pytest

def test_first(require):
    require("no-such-server")

def test_second(require):
    require("no-such-server")

def test_skipped_by_itself():
    pytest.skip("for a reason of its own")

@pytest.mark.xfail
def test_known_to_fail():
    assert False

def test_met(require):
    assert require("sh").endswith("/sh")
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("mode", "outcome"), [("", "1 passed, 3 skipped, 1 xfailed"), ("all", "3 failed, 1 passed, 1 xfailed")]
)
def test_a_wish_not_met(tmp_path: Path, workers: str, mode: str, outcome: str) -> None:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_wishes.py").write_text(WISHES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            workers,
            "-p",
            "no:cacheprovider",
            "-o",
            "asyncio_mode=auto",
            tmp_path,
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent), "PENSTOCK_REQUIRE": mode},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert outcome in run.stdout
    assert ("2 tests SKIPPED for want of: no-such-server (2)" in run.stdout) == (mode == "")
    assert (run.returncode == 0) == (mode == "")
