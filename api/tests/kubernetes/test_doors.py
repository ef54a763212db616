"""Everything is closed but what stands in a policy, and what stands there leads to something that is there."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.kubernetes.conftest import OVERLAYS
from tests.kubernetes.objects import Manifest, Pods, of_kind, pods

Rendered = Mapping[str, list[Any]]
ALL = (*OVERLAYS, "models")


def policies(manifests: list[Any], direction: str) -> Iterator[tuple[dict[str, str], Manifest]]:
    """Whom a policy chooses, and each of its rules."""
    for policy in of_kind(manifests, "NetworkPolicy"):
        chosen = policy["spec"]["podSelector"].get("matchLabels", {})
        for rule in policy["spec"].get(direction, []):
            yield chosen, rule


def ports(rule: Manifest) -> set[tuple[str, int]]:
    return {(each["protocol"], each["port"]) for each in rule["ports"]}


def listens_on(each: Pods) -> set[tuple[str, int]]:
    return {
        (port.get("protocol", "TCP"), port["containerPort"])
        for container in each.containers
        for port in container.get("ports", [])
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_closed_first(rendered: Rendered, overlay: str) -> None:
    closed = [each["spec"] for each in of_kind(rendered[overlay], "NetworkPolicy")]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in closed


@pytest.mark.parametrize("overlay", ALL)
def test_every_port_is_matched_by_a_policy_and_every_policy_by_a_port(rendered: Rendered, overlay: str) -> None:
    there = list(pods(rendered[overlay]))
    open_to = {
        each.name: set().union(
            *(ports(rule) for chosen, rule in policies(rendered[overlay], "ingress") if each.chosen_by(chosen))
        )
        for each in there
    }
    assert open_to == {each.name: listens_on(each) for each in there}


@pytest.mark.parametrize("overlay", ALL)
def test_every_rule_says_from_whom_and_to_whom(rendered: Rendered, overlay: str) -> None:
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for chosen, rule in policies(rendered[overlay], direction):
            assert rule[side], chosen
            assert rule["ports"], chosen
            assert {} not in [peer.get("namespaceSelector") for peer in rule[side]], chosen


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_may_go_out_may_come_in_and_the_other_way_round(rendered: Rendered, overlay: str) -> None:
    """Between our own pods."""
    assert between(rendered[overlay], "egress", "to") == {
        (who, whom, port) for whom, who, port in between(rendered[overlay], "ingress", "from")
    }


def between(manifests: list[Any], direction: str, side: str) -> set[tuple[str, str, tuple[str, int]]]:
    """Each of our pods that a policy chooses, each pod that it lets it meet, each port."""
    there = list(pods(manifests))
    return {
        (one.name, other.name, port)
        for chosen, rule in policies(manifests, direction)
        for peer in rule[side]
        if "podSelector" in peer
        for one in there
        if one.chosen_by(chosen)
        for other in there
        if other.chosen_by(peer["podSelector"]["matchLabels"])
        for port in ports(rule)
    }


@pytest.mark.parametrize("overlay", ALL)
def test_none_but_gateways_and_the_download_reach_the_world(rendered: Rendered, overlay: str) -> None:
    """And they not the networks inside, nor the cloud's own metadata."""
    for chosen, rule in policies(rendered[overlay], "egress"):
        for peer in rule["to"]:
            if block := peer.get("ipBlock"):
                assert chosen in ({"app": "gateway"}, {"app": "models"})
                assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(block["except"])
                assert ports(rule) == {("TCP", 443)}
