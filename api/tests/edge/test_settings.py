"""What cannot be set is told before anything starts."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.edge import ENTRYPOINT


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "EDGE_PEERS cannot be ''"),
        ({"EDGE_PEERS": "api-1:8080"}, "EDGE_PEERS cannot be"),
        ({"EDGE_PEERS": "blue=api-1"}, "api-1 is no host:port"),
        ({"EDGE_PEERS": "blue=api-1:1 green=api-1:2"}, "EDGE_PEERS names api-1 twice"),
        ({"EDGE_PEERS": "blue=api-1:1 blue=api-2:2"}, "EDGE_PEERS names blue twice"),
        ({"EDGE_PEERS": "blue=api-1:1", "EDGE_KEY_RATE": "many"}, "EDGE_KEY_RATE cannot be 'many'"),
        ({"EDGE_PEERS": "blue=api-1:1", "EDGE_MAX_BODY_BYTES": "-1"}, "EDGE_MAX_BODY_BYTES cannot be '-1'"),
        ({"EDGE_PEERS": "blue=api-1:1", "EDGE_TRUSTED_PROXIES": "10.0.0.1; }"}, "EDGE_TRUSTED_PROXIES cannot be"),
        ({"EDGE_PEERS": "blue=api-1:1", "EDGE_TRUSTED_PROXIES": "everyone"}, "everyone"),
        ({"EDGE_PEERS": "blue=api-1:1", "EDGE_TLS_DIR": "/proc/none"}, "cannot write"),
    ],
)
def test_it_does_not_start(require: Callable[[str], str], tmp_path: Path, settings: dict[str, str], why: str) -> None:
    require("nginx-lua")
    folders = {f"EDGE_{name}_DIR": str(tmp_path) for name in ("TLS", "STATE", "ACME", "RUN")}
    run = subprocess.run(
        [ENTRYPOINT], env={**os.environ, **folders, **settings}, capture_output=True, text=True, timeout=20, check=False
    )
    assert run.returncode != 0
    assert why in run.stderr
