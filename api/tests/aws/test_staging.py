"""Staging is made on a simulated AWS, deployed to by the verbs and by the pipeline's steps, and taken away again.

The tests follow one another: what one leaves, the next begins with. No container runs in this AWS, and no traffic moves.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.site import Site
from tests.gateway import Gateway, one_model
from tests.operations.verb import Host
from tests.pages import ROOT
from tests.servers import Simulator, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("aws"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real gateway, in the place of those that a real AWS would run."""
    with (
        Simulator("--speed", "100") as replica,
        Gateway(tmp_path_factory.mktemp("gateway"), one_model([replica.url])) as gateway,
    ):
        yield gateway.url


@pytest.fixture(scope="module")
def host(site: Site, url: str, tmp_path_factory: pytest.TempPathFactory) -> Host:
    folder = tmp_path_factory.mktemp("deploys")
    settings = {
        **site.aws.environment,
        "PENSTOCK_PLATFORM": "ecs",
        "PENSTOCK_ECS_CLUSTER": site.deploy["cluster"],
        "PENSTOCK_RULE_ARN": site.deploy["rule_arn"],
        "PENSTOCK_IMAGE": site.deploy["image"],
        "PENSTOCK_SMOKE_URL": url,  # really it is site.deploy["smoke_url"], which no DNS knows here
        "PENSTOCK_PYTHON": sys.executable,
    }
    return Host(folder, folder / ".deploy", **settings)


def weights(site: Site) -> dict[str, int]:
    return {colour: each["Weight"] for colour, each in groups(site).items()}


def groups(site: Site) -> dict[str, Any]:
    (rule,) = site.aws.ask("elbv2", "describe-rules", "--rule-arns", site.deploy["rule_arn"])["Rules"]
    found = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return {colour: each for each in found for colour in ("blue", "green") if colour in each["TargetGroupArn"]}


def half(site: Site) -> dict[str, Any]:
    both = [{**each, "Weight": 50} for each in groups(site).values()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": both}}


def runs(site: Site, colour: str) -> tuple[dict[str, Any], int]:
    """What a task is made of, and how many there are."""
    cluster = ("--cluster", site.deploy["cluster"])
    (service,) = site.aws.ask("ecs", "describe-services", *cluster, "--services", f"penstock-{colour}")["services"]
    return definition(site, service["taskDefinition"]), service["desiredCount"]


def definition(site: Site, name: str) -> dict[str, Any]:
    told = site.aws.ask("ecs", "describe-task-definition", "--task-definition", name)
    return dict(told["taskDefinition"])


def version(site: Site, colour: str) -> str:
    return str(runs(site, colour)[0]["containerDefinitions"][0]["image"].rpartition(":")[2])


def told_by_terraform(site: Site, host: Host, setting: dict[str, str]) -> None:
    """A newer definition of green's family with one more setting, as an `apply` makes it, which runs nowhere yet."""
    newest = definition(site, f"{site.deploy['cluster']}-green")
    newest["containerDefinitions"][0]["environment"].append(setting)
    told = {name: newest[name] for name in ("family", "containerDefinitions", "networkMode", "cpu", "memory")}
    file = host.folder / "task.json"
    file.write_text(json.dumps(told))
    site.aws.ask("ecs", "register-task-definition", "--cli-input-json", f"file://{file}")


def roll_out(host: Host, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The step of deploy.yml."""
    command = [sys.executable, str(ROOT / "scripts/ci/roll_out.py"), *words[:2], url, *words[2:]]
    settings = {**host.environment, "STABLE_ASKS": "2", "STABLE_EVERY": "0", "STABLE_LIMIT": "5"}
    return subprocess.run(
        command, cwd=host.folder, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def test_a_second_plan_is_empty(site: Site) -> None:
    assert "No changes." in site.terraform("plan", "-detailed-exitcode")


def test_the_pipeline_s_step_deploys_and_people_go_back(site: Site, host: Host, url: str) -> None:
    told_by_terraform(site, host, {"name": "PENSTOCK_RANKING", "value": "round_robin"})
    done = roll_out(host, url, "blue-green", "0.2.0", "--watch=0")
    assert done.stdout.endswith("outcome=deployed\n"), done.stdout
    assert weights(site) == {"blue": 0, "green": 100}
    definition, count = runs(site, "green")
    assert count == runs(site, "blue")[1] == 2
    (api,) = definition["containerDefinitions"]
    assert api["image"] == f"{site.deploy['image']}:0.2.0"
    assert {"name": "PENSTOCK_RANKING", "value": "round_robin"} in api["environment"]

    assert host.run("rollback").code == 0
    assert weights(site) == {"blue": 100, "green": 0}


def test_a_rollout_that_fails_is_put_back(site: Site, host: Host, url: str) -> None:
    done = roll_out(host, url, "rolling", "never", "--ready-limit=1")
    assert done.stdout.endswith("outcome=not-deployed\n"), done.stdout
    assert "never runs, and is not ready" in done.stdout
    assert (version(site, "blue"), weights(site)) == ("0.1.0", {"blue": 100, "green": 0})


def test_one_that_is_not_well_from_outside_is_rolled_back(site: Site, host: Host) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = roll_out(host, nobody, "blue-green", "0.3.0", "--watch=0")
    assert done.stdout.endswith("outcome=rolled-back\n"), done.stdout
    assert (version(site, "blue"), weights(site)) == ("0.1.0", {"blue": 100, "green": 0})
    assert version(site, "green") == "0.3.0"


def test_what_deploys_did_is_no_change_to_terraform(site: Site, host: Host) -> None:
    site.aws.ask("elbv2", "modify-rule", "--rule-arn", site.deploy["rule_arn"], "--actions", json.dumps([half(site)]))
    assert weights(site) == {"blue": 50, "green": 50}
    assert "No changes." in site.terraform("plan", "-detailed-exitcode")


def test_everything_can_be_taken_away(site: Site) -> None:
    assert "Destroy complete!" in site.terraform("destroy", "-auto-approve", "-parallelism=30")
    assert site.aws.ask("ec2", "describe-vpcs", "--filters", "Name=tag:project,Values=penstock")["Vpcs"] == []
