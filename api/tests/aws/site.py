"""The staging environment on a simulated AWS, made by Terraform as people make it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tests.pages import ROOT
from tests.servers import free_port

TERRAFORM = ROOT / "infrastructure/terraform"
MIRRORS = ("/opt/tf-plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins")
HOST = "staging.penstock.example.com"
STATE = "state-of-a-test"


def mirror(folder: Path) -> dict[str, str]:
    """Where this machine has providers on its disk, they are taken from there."""
    there = next((each for each in MIRRORS if (Path(each) / "registry.terraform.io").exists()), None)
    if there is None:
        return {}
    told = folder / "terraform.rc"
    told.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{there}"\n  }}\n}}\n')
    return {"TF_CLI_CONFIG_FILE": str(told)}


class Aws:
    """A simulated AWS of its own; a context manager. Every service says that two tasks of it run."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self._tools = tools / "bin"
        self._log = (folder / "aws.log").open("w")
        self._port = free_port()
        self.environment: Mapping[str, str] = {
            **os.environ,
            **mirror(folder),
            "PATH": f"{self._tools}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_S3_USE_PATH_STYLE": "true",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "3",
        }

    def __enter__(self) -> Self:
        settings = {"MOTO_ECS_SERVICE_RUNNING": "2", "MOTO_ACM_VALIDATION_WAIT": "1"}
        self._process = subprocess.Popen(
            [self._tools / "python", "-W", "ignore", Path(__file__).parent / "simulated.py", str(self._port)],
            env={**self.environment, **settings},
            stdout=self._log,
            stderr=self._log,
        )
        for _ in range(600):
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/moto-api/data.json", timeout=5),
            ):
                return self
            time.sleep(0.1)
        raise RuntimeError("the simulated AWS does not answer")

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def ask(self, *words: str) -> Any:
        done = subprocess.run(
            ["aws", *words, "--output", "json"], env=self.environment, stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout or "null")


class Site:
    """A copy of the project's Terraform, with its state in the simulated S3."""

    def __init__(self, folder: Path, aws: Aws) -> None:
        self.aws = aws
        shutil.copytree(TERRAFORM, folder / "terraform", ignore=shutil.ignore_patterns(".terraform"))
        self._where = folder / "terraform/environments/staging"

    def begin(self) -> None:
        aws = self.aws
        where = ("--region", "eu-west-1", "--create-bucket-configuration", "LocationConstraint=eu-west-1")
        aws.ask("s3api", "create-bucket", "--bucket", STATE, *where)
        zone = aws.ask("route53", "create-hosted-zone", "--name", HOST, "--caller-reference", "test")
        told = {"zone_id": zone["HostedZone"]["Id"].rpartition("/")[2], "cache": None}
        (self._where / "test.auto.tfvars.json").write_text(json.dumps(told))
        self.terraform("init", f"-backend-config=bucket={STATE}")

    def terraform(self, *words: str, code: int = 0) -> str:
        command = ["terraform", f"-chdir={self._where}", words[0], "-no-color", "-input=false", *words[1:]]
        done = subprocess.run(
            command, env=self.aws.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == code, done.stdout[-6000:]
        return done.stdout

    @cached_property
    def deploy(self) -> dict[str, str]:
        told: dict[str, str] = self._json("output", "-json", "deploy")
        return told

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = self._json("show", "-json")
        return told

    def _json(self, *words: str) -> Any:
        command = ["terraform", f"-chdir={self._where}", *words]
        return json.loads(subprocess.run(command, env=self.aws.environment, stdout=subprocess.PIPE, check=True).stdout)
