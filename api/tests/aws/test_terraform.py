"""What can be said of the Terraform without an AWS: formatted, valid, in small files, each thing described."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from penstock.settings import Settings

from tests.aws.site import TERRAFORM, mirror
from tests.pages import page

FILES = sorted(path for path in TERRAFORM.rglob("*.tf") if ".terraform" not in path.parts)
ROOTS = ("environments/production", "state")  # staging is applied
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.M | re.S)
NAMES = [str(path.relative_to(TERRAFORM)) for path in FILES]


def run(environment: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_is_formatted(require: Callable[[str], str]) -> None:
    run({}, require("terraform"), "fmt", "-check", "-recursive", str(TERRAFORM))


@pytest.mark.slow
@pytest.mark.parametrize("root", ROOTS)
def test_it_is_valid(root: str, require: Callable[[str], str], tmp_path: Path) -> None:
    environment = {"TF_DATA_DIR": str(tmp_path), **mirror(tmp_path)}
    command = [require("terraform"), f"-chdir={TERRAFORM / root}"]
    run(environment, *command, "init", "-backend=false", "-input=false", "-lockfile=readonly")
    run(environment, *command, "validate")


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_small_and_describes_what_it_takes_and_gives(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 150
    for kind, name, body in BLOCK.findall(text):
        assert re.search(r'^  description += ".+\."$', body, re.M), name
        assert kind == "output" or "  type " in body, name


def test_modules_know_nothing_of_each_other() -> None:
    for path in (TERRAFORM / "modules").rglob("*.tf"):
        assert not re.search(r"^module ", path.read_text(), re.M), path


def test_every_module_is_used_and_says_what_it_needs() -> None:
    whole = "".join(path.read_text() for path in FILES)
    for folder in (TERRAFORM / "modules").iterdir():
        assert re.search(rf'source += "\.\./(\.\./)?modules/{folder.name}"', whole), folder.name
        assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf"} <= {path.name for path in folder.iterdir()}


def test_no_value_of_a_secret_is_ever_in_the_state() -> None:
    assert not [path for path in FILES if "aws_secretsmanager_secret_version" in path.read_text()]


def test_the_settings_are_those_of_compose_but_for_where_things_are() -> None:
    aws = Settings(**yaml.safe_load(page("infrastructure/terraform/region/penstock.yaml"))).model_dump()
    compose = Settings(**yaml.safe_load(page("infrastructure/compose/penstock.yaml"))).model_dump()
    for each in (aws, compose):
        del each["drain_delay_s"], each["drain_s"], each["redis_url"]
        (model,) = each["models"]
        del model["replicas"]
    assert aws == compose


def test_there_is_a_repository_for_each_image_of_the_pipeline() -> None:
    jobs = yaml.safe_load(page(".github/workflows/build.yml"))["jobs"]
    pushed = [each["name"] for each in jobs["image"]["strategy"]["matrix"]["include"]]
    (made,) = re.findall(r"for each in \[(.*?)\] : each", page("infrastructure/terraform/region/main.tf"))
    assert re.findall(r'"(\w+)"', made) == sorted(pushed)


def test_a_pool_s_model_is_one_of_ours() -> None:
    for environment in ("staging", "production"):
        text = page(f"infrastructure/terraform/environments/{environment}/variables.tf")
        model, weights, gpus = re.findall(r"^    (?:model|weights|gpus) += \"?([^\"\n]+)", text, re.M)[-3:]
        told = page(f"vllm/models/{model}.env").splitlines()
        assert f"SERVE_MODEL={weights}" in told
        assert next((line.partition("=")[2] for line in told if line.startswith("SERVE_GPUS")), "1") == gpus
