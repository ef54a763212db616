"""The wheel is whole: what it installs runs without the checkout that it was built from."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
IMPORTS = "import penstock, baml_client.sync_client, vllm_simulator; print(penstock, baml_client, vllm_simulator)"


def test_the_wheel_holds_the_gateway_the_generated_client_and_the_simulator(tmp_path: Path) -> None:
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, timeout=100)
    (wheel,) = tmp_path.glob("penstock-*.whl")
    site = tmp_path / "site"
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, timeout=100)

    imported = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert imported.stdout.count(str(site)) == 3, imported.stdout
    assert (site / "bin/penstock").exists()
    assert (site / "penstock/surfaces/status.html").exists()
    assert (site / "penstock/prices.yml").exists()
