"""Staging is made on a simulated AWS, deployed to by the verbs and by the pipeline's steps, and taken away again.

The tests follow one another: what one leaves, the next begins with. No container runs in this AWS, no traffic moves.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from penstock import __version__
from penstock.settings import Settings
from penstock.settings.parts import Replica, Timeouts

from tests.aws.made import Made, allowed, containers, made, of_kind
from tests.aws.site import Site
from tests.gateway import Gateway, one_model
from tests.operations.verb import Host
from tests.pages import ROOT
from tests.servers import Simulator
from tests.way_in import WayIn

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("aws"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def url(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real gateway, in the place of those that a real AWS would run, behind what the balancer's rule lets in."""
    patterns = [path for each in rule(site)["Conditions"] for path in each["PathPatternConfig"]["Values"]]
    with (
        Simulator("--speed", "100") as replica,
        Gateway(tmp_path_factory.mktemp("gateway"), one_model([replica.url])) as gateway,
        WayIn(gateway.url, patterns) as way_in,
    ):
        yield way_in.url


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


def rule(site: Site) -> dict[str, Any]:
    (found,) = site.aws.ask("elbv2", "describe-rules", "--rule-arns", site.deploy["rule_arn"])["Rules"]
    return dict(found)


def groups(site: Site) -> dict[str, Any]:
    found = rule(site)["Actions"][0]["ForwardConfig"]["TargetGroups"]
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


@pytest.fixture(scope="module")
def all_of_it(site: Site) -> list[Made]:
    return made(site.state())


class TestWhatIsMade:
    """The house's rules, asked of the state."""

    def test_everything_carries_the_tags_by_which_costs_are_told_apart(self, all_of_it: list[Made]) -> None:
        tagged = {each.address: each.values["tags_all"] for each in all_of_it if "tags_all" in each.values}
        assert len(tagged) > 50
        wanted = {"project": "penstock", "environment": "staging"}
        assert {name for name, tags in tagged.items() if not wanted.items() <= (tags or {}).items()} == set()

    def test_only_the_balancer_is_open_to_everyone(self, all_of_it: list[Made]) -> None:
        rules = of_kind(all_of_it, "aws_vpc_security_group_ingress_rule")
        everyone = {(each.module, each.values["from_port"]) for each in rules if each.values["cidr_ipv4"]}
        assert everyone == {("balancer", 80), ("balancer", 443)}
        out = of_kind(all_of_it, "aws_vpc_security_group_egress_rule")
        assert {each.values["to_port"] for each in out if each.values["cidr_ipv4"] == "0.0.0.0/0"} == {443}

    def test_replicas_are_reached_from_gateways_alone(self, all_of_it: list[Made]) -> None:
        groups = {each.values["id"]: each.module for each in of_kind(all_of_it, "aws_security_group")}
        rules = of_kind(all_of_it, "aws_vpc_security_group_ingress_rule")
        doors = {
            (each.values["from_port"], groups[each.values["referenced_security_group_id"]])
            for each in rules
            if each.values["referenced_security_group_id"]
        }
        assert doors == {(8080, "balancer"), (8000, "api_service"), (2049, "gpu_pool")}

    def test_no_role_may_do_more_than_it_needs(self, all_of_it: list[Made]) -> None:
        without_resource = {"ecr:GetAuthorizationToken", "ecs:DiscoverPollEndpoint"}
        for address, actions, resources in allowed(all_of_it):
            assert not [each for each in actions if each.endswith("*")], address
            assert "*" not in resources or set(actions) <= without_resource, address
        assert not [each for each in all_of_it if each.kind == "aws_iam_role_policy_attachment"]
        (role,) = (
            each
            for each in of_kind(all_of_it, "aws_iam_role")
            if each.address.endswith("api_service.aws_iam_role.task")
        )
        assert not [
            each for each in of_kind(all_of_it, "aws_iam_role_policy") if each.values["role"] == role.values["id"]
        ]

    def test_logs_are_encrypted_and_end(self, all_of_it: list[Made]) -> None:
        for each in of_kind(all_of_it, "aws_cloudwatch_log_group"):
            assert each.values["retention_in_days"] == 365, each.address
            assert each.values["kms_key_id"], each.address

    def test_containers_are_locked_pinned_and_heard(self, all_of_it: list[Made]) -> None:
        seen = dict(containers(all_of_it))
        for address, each in containers(all_of_it):
            assert each["readonlyRootFilesystem"] is True, address
            assert each["user"] == "65532:65532", address
            assert each["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}, address
            assert each["logConfiguration"]["logDriver"] == "awslogs", address
            assert re.search(r":v?\d+\.\d+\.\d+$", each["image"]), address
            assert "penstock" not in each["image"] or each["image"].endswith(f":{__version__}")
        assert len(seen) == 4

    def test_who_leaves_has_longer_than_the_longest_call(self, all_of_it: list[Made]) -> None:
        longest_s = Timeouts().total_s
        for each in of_kind(all_of_it, "aws_lb_target_group"):
            assert int(each.values["deregistration_delay"]) > longest_s
        (balancer,) = of_kind(all_of_it, "aws_lb")
        assert balancer.values["idle_timeout"] > longest_s

    def test_the_gateways_settings_are_read_as_they_are_written(
        self, all_of_it: list[Made], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (api,) = (each for address, each in containers(all_of_it) if address.endswith('["blue"]'))
        for each in api["environment"]:
            monkeypatch.setenv(each["name"], each["value"])
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
        (model,) = Settings().models
        (replica,) = model.replicas
        (names,) = of_kind(all_of_it, "aws_service_discovery_private_dns_namespace")
        assert replica == Replica(url=f"http://vllm.{names.values['name']}:8000", each_address=True)
        assert model.fallback[0].cloud in Settings().clouds


def test_a_rollout_that_fails_is_put_back(site: Site, host: Host, url: str) -> None:
    done = roll_out(host, url, "rolling", "never", "--ready-limit=1")
    assert done.stdout.endswith("outcome=not-deployed\n"), done.stdout
    assert "never runs, and is not ready" in done.stdout
    assert (version(site, "blue"), weights(site)) == ("0.1.0", {"blue": 100, "green": 0})


def test_the_pipeline_s_step_deploys_the_newest_task_that_terraform_made(site: Site, host: Host, url: str) -> None:
    told_by_terraform(site, host, {"name": "PENSTOCK_RANKING", "value": "round_robin"})
    done = roll_out(host, url, "blue-green", "0.2.0", "--watch=0")
    assert done.stdout.endswith("outcome=deployed\n"), done.stdout
    assert weights(site) == {"blue": 0, "green": 100}
    definition, count = runs(site, "green")
    assert count == 2
    (api,) = definition["containerDefinitions"]
    assert api["image"] == f"{site.deploy['image']}:0.2.0"
    assert {"name": "PENSTOCK_RANKING", "value": "round_robin"} in api["environment"]


def test_people_go_back(site: Site, host: Host) -> None:
    assert host.run("rollback").code == 0
    assert (version(site, "blue"), weights(site)) == ("0.1.0", {"blue": 100, "green": 0})


def test_a_second_plan_is_empty_whatever_deploys_did(site: Site) -> None:
    """Versions and counts from above, and weights in the middle of a canary."""
    site.aws.ask("elbv2", "modify-rule", "--rule-arn", site.deploy["rule_arn"], "--actions", json.dumps([half(site)]))
    assert weights(site) == {"blue": 50, "green": 50}
    assert "No changes." in site.terraform("plan", "-detailed-exitcode")


def test_everything_can_be_taken_away(site: Site) -> None:
    assert "Destroy complete!" in site.terraform("destroy", "-auto-approve", "-parallelism=30")
    assert site.aws.ask("ec2", "describe-vpcs", "--filters", "Name=tag:project,Values=penstock")["Vpcs"] == []
