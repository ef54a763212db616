"""The workflows keep their rules, and docs/pipelines.md has every secret and variable that they read."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.pages import ROOT, named, page, rows, section

Node = dict[str, Any]
FOLDER = ROOT / ".github/workflows"
WORKFLOWS: dict[str, Node] = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.iterdir())}
TEXT = "\n".join(path.read_text() for path in sorted(FOLDER.iterdir()))
JOBS = [(f"{file}:{name}", job) for file, flow in WORKFLOWS.items() for name, job in flow["jobs"].items()]
STEPS = [(where, step) for where, job in JOBS for step in job.get("steps", ())]
BODIES = [(where, step["run"]) for where, step in STEPS if "run" in step]
FOREIGN = {"cosign", "vllm/cpu/install"}
"""What a step may call besides scripts/."""
PAGE = page("docs/pipelines.md")


def triggers(file: str) -> Node:
    """YAML reads `on:` as true."""
    (found,) = (value for key, value in WORKFLOWS[file].items() if str(key) == "True")
    return dict(found)


def commands(body: str) -> Iterator[str]:
    """The program of each line."""
    for line in body.strip().splitlines():
        words = [word for word in shlex.split(line) if word not in ("sudo", "python3")]
        yield words[0]


def test_there_are_three() -> None:
    assert list(WORKFLOWS) == ["build.yml", "deploy.yml", "test.yml"]


def test_every_action_is_pinned_by_commit_with_its_version() -> None:
    used = re.findall(r"uses: (?!\./)(.+)", TEXT)
    assert len(used) > 10
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_one_action_has_one_commit() -> None:
    used = set(re.findall(r"uses: (\S+)@(\S+)", TEXT))
    assert len(used) == len({name for name, _ in used})


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_workflow_starts_with_no_permission_and_no_second_copy_of_itself(file: str) -> None:
    assert WORKFLOWS[file]["permissions"] == {}
    assert WORKFLOWS[file]["concurrency"]["group"]


@pytest.mark.parametrize(("where", "job"), JOBS)
def test_a_job_has_a_limit_and_says_what_it_may_do(where: str, job: Node) -> None:
    assert "permissions" in job, where
    assert "uses" in job or 0 < job["timeout-minutes"] <= 120, where
    writes = {scope for scope, access in job["permissions"].items() if access == "write"}
    assert writes == ({"packages", "id-token"} if where == "build.yml:image" else set())


def test_no_checkout_leaves_its_credentials() -> None:
    checkouts = [step for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len([name for name, job in JOBS if "steps" in job])
    assert {step["with"]["persist-credentials"] for step in checkouts} == {False}


@pytest.mark.parametrize(("where", "body"), BODIES)
def test_a_step_is_short_and_calls_a_script_that_is_there(where: str, body: str) -> None:
    assert len(body.strip().splitlines()) <= 3
    for program in commands(body):
        if program not in FOREIGN:
            assert program.startswith("scripts/"), where
            assert (ROOT / program).is_file(), where


@pytest.mark.parametrize(("where", "body"), BODIES)
def test_nothing_is_pasted_into_a_step(where: str, body: str) -> None:
    assert "${{" not in body, where


def test_a_script_of_bash_can_be_run() -> None:
    listed = ["git", "-C", str(ROOT), "ls-files", "scripts"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split():
        path = ROOT / name
        if path.exists() and path.read_bytes().startswith(b"#!"):
            assert path.stat().st_mode & 0o111, name


def test_secrets_go_to_one_step_each_and_to_no_job() -> None:
    for where, job in JOBS:
        assert "secrets." not in str(job.get("env", "")), where
    for file, flow in WORKFLOWS.items():
        assert "secrets." not in str(flow.get("env", "")), file


def test_the_page_has_every_secret_and_variable() -> None:
    told = {(named(name), kind) for name, kind, _ in rows(section(PAGE, "## Before the first run"))}
    used = {(name, "secret") for name in re.findall(r"secrets\.(\w+)", TEXT)}
    used |= {(name, "variable") for name in re.findall(r"vars\.(\w+)", TEXT)}
    assert told == used


def test_the_page_has_every_workflow_and_environment() -> None:
    assert {named(each[0]) for each in rows(PAGE.split("\n## ")[0])} == set(WORKFLOWS)
    used = {job["environment"] for _, job in JOBS if isinstance(job.get("environment"), str)}
    used |= {job["environment"]["name"] for _, job in JOBS if isinstance(job.get("environment"), dict)}
    assert len(used) == 3
    assert all(f"`{name}`" in section(PAGE, "## Before the first run") for name in used)


def test_tests_run_on_pull_requests_and_before_every_build() -> None:
    assert "pull_request" in triggers("test.yml")
    assert "pull_request_target" not in TEXT
    build = WORKFLOWS["build.yml"]["jobs"]
    assert build["test"]["uses"] == "./.github/workflows/test.yml"
    assert build["image"]["needs"] == "test"


def test_an_image_is_tagged_last_and_only_after_the_scan_and_the_signature() -> None:
    steps = WORKFLOWS["build.yml"]["jobs"]["image"]["steps"]
    does = [step.get("uses", step.get("run", "")).split("@")[0].split()[0] for step in steps]
    order = ["docker/build-push-action", "anchore/scan-action", "cosign", "scripts/ci/publish_tags"]
    assert [each for each in does if each in order] == order
    build = next(step["with"] for step in steps if step.get("id") == "build")
    assert "tags" not in build
    assert "push-by-digest=true" in build["outputs"]
    assert (build["sbom"], build["provenance"]) == (True, "mode=max")
    assert build["cache-to"].endswith(",mode=max")


def test_only_a_build_of_main_that_succeeded_is_deployed() -> None:
    assert triggers("deploy.yml")["workflow_run"] == {
        "workflows": [WORKFLOWS["build.yml"]["name"]],
        "types": ["completed"],
        "branches": ["main"],
    }
    condition = WORKFLOWS["deploy.yml"]["jobs"]["deploy"]["if"]
    for part in ("conclusion == 'success'", "event == 'push'", "head_branch == 'main'", "== github.repository"):
        assert part in condition


def test_slack_hears_of_every_end() -> None:
    notify = WORKFLOWS["deploy.yml"]["jobs"]["notify"]
    assert (notify["needs"], notify["if"]) == ("deploy", "${{ always() }}")


def test_a_deploy_is_never_cancelled_for_the_next() -> None:
    assert WORKFLOWS["deploy.yml"]["concurrency"]["cancel-in-progress"] is False
