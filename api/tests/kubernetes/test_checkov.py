"""checkov objects to what is waived with a reason, and to nothing else."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.conftest import FOLDER

pytestmark = pytest.mark.slow


def test_checkov_objects_to_what_is_waived_alone(
    rendered: Mapping[str, list[Any]], tools: Path, tmp_path: Path
) -> None:
    for name, manifests in rendered.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(manifests))
    command = [tools / "checkov", "-d", tmp_path, "--framework", "kubernetes", "--skip-download", "-o", "json"]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)
    failed = {each["check_id"]: each["resource"] for each in told["results"]["failed_checks"]}
    waived = yaml.safe_load((FOLDER / "waivers.yml").read_text())
    assert told["summary"]["passed"] > 500
    assert set(failed) == set(waived), failed
    assert all(len(reason) > 40 for reason in waived.values())
