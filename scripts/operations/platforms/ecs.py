"""AWS ECS: a service a colour, which replaces its tasks itself, and a weighted rule of a load balancer."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from operations.errors import CannotAsk, StepFailed, WrongUse
from operations.platform import Platform
from operations.shell import Shell
from operations.words import COLOURS, Colour, Picture, Shares, Unit, other

ROOT = Path(__file__).parents[3]
REGISTERED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
    "ephemeralStorage",
)
"""What of a task definition can be registered again; the rest is AWS's own."""


class Ecs(Platform):
    """Services penstock-blue and penstock-green with a container `api`; target groups with the colour in their name."""

    name = "ecs"

    def __init__(self, shell: Shell, cluster: str, rule: str, name: str, image: str, smoke_url: str) -> None:
        self._shell = shell
        self._cluster = cluster
        self._rule = rule
        self._name = name
        self._image = image
        self._smoke_url = smoke_url
        self._revisions: dict[str, dict[str, Any]] = {}
        """Of task definitions, by ARN: one never changes."""

    def picture(self) -> Picture:
        try:
            services = self._services()
            units = tuple(self._unit(colour, services[colour]) for colour in COLOURS)
            groups = self._groups()
            shares: Shares = {colour: int(groups[colour]["Weight"]) for colour in COLOURS}
        except (StepFailed, ValueError, KeyError, IndexError, StopIteration) as error:
            raise CannotAsk(f"AWS does not tell what runs: {error!r}") from None
        return Picture(shares, units)

    def fetch(self, version: str) -> None:
        """The tasks pull it; one that cannot be pulled never gets stable, and the tasks that serve stay."""

    def replace(self, unit: Unit, version: str) -> None:
        definition = self._registered(unit, version)
        words = ["--service", unit.name, "--task-definition", definition]
        if not unit.runs:
            words += ["--desired-count", str(self._services()[other(unit.colour)]["desiredCount"])]
        self._act("ecs", "update-service", "--cluster", self._cluster, *words)

    def stop(self, unit: Unit) -> None:
        self._act("ecs", "update-service", "--cluster", self._cluster, "--service", unit.name, "--desired-count", "0")

    def smoke(self, unit: Unit) -> None:
        """From here, past the rule: through a listener of its own that leads to the colour."""
        url = self._smoke_url.replace("{colour}", unit.colour)
        self._shell.act([str(ROOT / "scripts/smoke_test"), "--url", url], limit_s=180)

    def scaling(self) -> str:
        words = ["application-autoscaling", "describe-scalable-targets", "--service-namespace", "ecs"]
        ids = [f"service/{self._cluster}/{self._name}-{colour}" for colour in COLOURS]
        told = self._look(*words, "--resource-ids", *ids)["ScalableTargets"]
        return ", ".join(f"{each['ResourceId']}: {each['MinCapacity']} to {each['MaxCapacity']}" for each in told)

    def drain(self, unit: Unit, drained: bool) -> None:
        """The load balancer takes a task out before it is told to end."""

    def share(self, shares: Shares, *, force: bool = False) -> None:
        if not force and not self._shell.dry:
            ready = {unit.colour for unit in self.picture().units if unit.ready}
            if empty := [colour for colour in COLOURS if shares[colour] and colour not in ready]:
                raise StepFailed(f"{', '.join(empty)} has no task that is ready, and would get requests")
        groups = self._groups()
        weighted = [
            {"TargetGroupArn": groups[colour]["TargetGroupArn"], "Weight": shares[colour]} for colour in COLOURS
        ]
        action = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}]
        self._act("elbv2", "modify-rule", "--rule-arn", self._rule, "--actions", json.dumps(action))

    def _unit(self, colour: Colour, service: dict[str, Any]) -> Unit:
        """Ready when its only deployment is complete."""
        wanted, deployments = service["desiredCount"], service["deployments"]
        complete = len(deployments) == 1 and deployments[0].get("rolloutState", "COMPLETED") == "COMPLETED"
        ready = bool(wanted) and complete and service["runningCount"] == wanted
        version = self._api(self._revision(service["taskDefinition"]))["image"].rpartition(":")[2] if wanted else ""
        return Unit(service["serviceName"], colour, version, ready=ready)

    def _services(self) -> dict[Colour, dict[str, Any]]:
        names = {colour: f"{self._name}-{colour}" for colour in COLOURS}
        words = ("ecs", "describe-services", "--cluster", self._cluster, "--services", *names.values())
        found = {each["serviceName"]: each for each in self._look(*words)["services"]}
        return {colour: found[name] for colour, name in names.items()}

    def _groups(self) -> dict[Colour, dict[str, Any]]:
        rules = self._look("elbv2", "describe-rules", "--rule-arns", self._rule)["Rules"]
        forward = next(each for each in rules[0]["Actions"] if each["Type"] == "forward")["ForwardConfig"]
        groups = forward["TargetGroups"]
        return {colour: next(each for each in groups if colour in each["TargetGroupArn"]) for colour in COLOURS}

    def _definition(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self._look("ecs", "describe-task-definition", "--task-definition", arn)[
            "taskDefinition"
        ]
        return found

    def _revision(self, arn: str) -> dict[str, Any]:
        if arn not in self._revisions:
            self._revisions[arn] = self._definition(arn)
        return self._revisions[arn]

    def _registered(self, unit: Unit, version: str) -> str:
        """The newest of its family, perhaps Terraform's, with another image. Its ARN; in a dry run, the family."""
        family = self._services()[unit.colour]["taskDefinition"].rpartition("/")[2].partition(":")[0]
        definition = self._definition(family)
        self._api(definition)["image"] = f"{self._image}:{version}"
        told = {name: definition[name] for name in REGISTERED if definition.get(name)}
        words = ("ecs", "register-task-definition", "--cli-input-json", json.dumps(told))
        answer = self._act(*words)
        return json.loads(answer)["taskDefinition"]["taskDefinitionArn"] if answer else str(definition["family"])

    @staticmethod
    def _api(definition: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in definition["containerDefinitions"] if each["name"] == "api")
        return found

    def _look(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._shell.look(["aws", *words, "--output", "json"]))
        return found

    def _act(self, *words: str) -> str:
        return self._shell.act(["aws", *words, "--output", "json"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("ecs")
    group.add_argument("--cluster", default=os.environ.get("PENSTOCK_ECS_CLUSTER", "penstock"), help="the cluster")
    group.add_argument("--rule-arn", default=os.environ.get("PENSTOCK_RULE_ARN"), help="the listener's weighted rule")
    group.add_argument(
        "--smoke-url",
        default=os.environ.get("PENSTOCK_SMOKE_URL"),
        help="leads to one colour: https://{colour}.in.side",
    )


def ecs(options: argparse.Namespace, shell: Shell, state: Path) -> Ecs:
    del state
    if not options.rule_arn or not options.smoke_url:
        raise WrongUse("say --rule-arn and --smoke-url, or set PENSTOCK_RULE_ARN and PENSTOCK_SMOKE_URL")
    return Ecs(shell, options.cluster, options.rule_arn, options.name, options.image, options.smoke_url)
