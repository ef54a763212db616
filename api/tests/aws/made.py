"""What Terraform made, as its state tells it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Made:
    address: str
    kind: str
    values: dict[str, Any]

    @property
    def module(self) -> str:
        """The innermost."""
        return self.address.split(".module.")[-1].split(".")[0]


def made(state: dict[str, Any]) -> list[Made]:
    """Of `terraform show -json`; what was only looked up is left out."""
    return list(_within(state["values"]["root_module"]))


def _within(module: dict[str, Any]) -> Iterator[Made]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield Made(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _within(child)


def of_kind(all_of_it: list[Made], kind: str) -> list[Made]:
    found = [each for each in all_of_it if each.kind == kind]
    assert found, kind
    return found


def allowed(all_of_it: list[Made]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Every permission that a role has: whose, which actions, on what."""
    for policy in of_kind(all_of_it, "aws_iam_role_policy"):
        for statement in json.loads(policy.values["policy"])["Statement"]:
            assert statement["Effect"] == "Allow"
            yield policy.address, listed(statement["Action"]), listed(statement["Resource"])


def listed(one_or_more: str | list[str]) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


def containers(all_of_it: list[Made]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in of_kind(all_of_it, "aws_ecs_task_definition"):
        for container in json.loads(each.values["container_definitions"]):
            yield each.address, container
