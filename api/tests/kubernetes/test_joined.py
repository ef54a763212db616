"""What names another finds it: services pods, routes services, budgets and autoscalers workloads, monitors ports."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.kubernetes.conftest import OVERLAYS
from tests.kubernetes.objects import Manifest, named, of_kind, pods
from tests.pages import ROOT, page

Rendered = Mapping[str, list[Any]]
CLOUD = ("staging", "production")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_service_leads_to_pods_that_listen(rendered: Rendered, overlay: str) -> None:
    for service in of_kind(rendered[overlay], "Service"):
        behind = [each for each in pods(rendered[overlay]) if each.chosen_by(service["spec"]["selector"])]
        assert len(behind) == 1, service["metadata"]["name"]
        names = {port["name"] for container in behind[0].containers for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_replicas_are_found_by_the_name_of_a_headless_service(rendered: Rendered, overlay: str) -> None:
    (settings,) = (
        yaml.safe_load(each["data"]["penstock.yaml"])
        for each in of_kind(rendered[overlay], "ConfigMap")
        if "penstock.yaml" in each["data"]
    )
    service = named(rendered[overlay], "Service", "vllm")
    assert service["spec"]["clusterIP"] == "None"
    (port,) = service["spec"]["ports"]
    assert settings["models"][0]["replicas"] == [{"url": f"http://vllm:{port['port']}", "each_address": True}]
    redis = named(rendered[overlay], "Service", "redis")
    assert settings["redis_url"] == f"redis://redis:{redis['spec']['ports'][0]['port']}/0"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_budgets_and_autoscalers_find_their_workloads(rendered: Rendered, overlay: str) -> None:
    there = {each.name: each for each in pods(rendered[overlay])}
    for budget in of_kind(rendered[overlay], "PodDisruptionBudget"):
        assert there[budget["metadata"]["name"]].chosen_by(budget["spec"]["selector"]["matchLabels"])
    scaled = of_kind(rendered[overlay], "HorizontalPodAutoscaler", "ScaledObject")
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} <= set(there)
    if overlay in CLOUD:
        assert len(scaled) == 3
        assert len(of_kind(rendered[overlay], "PodDisruptionBudget")) == 3


@pytest.mark.parametrize("overlay", CLOUD)
def test_the_route_splits_between_the_colours_and_waits_long_enough(rendered: Rendered, overlay: str) -> None:
    route = named(rendered[overlay], "HTTPRoute", "penstock")
    (rule,) = route["spec"]["rules"]
    assert {ref["name"]: ref["weight"] for ref in rule["backendRefs"]} == {"penstock-blue": 100, "penstock-green": 0}
    assert {ref["port"] for ref in rule["backendRefs"]} == {8080}
    assert rule["timeouts"] == {"request": "130s", "backendRequest": "130s"}
    assert {match["path"]["value"] for match in rule["matches"]} == {"/v1", "/health", "/openapi.json"}
    listeners = {each["name"] for each in named(rendered[overlay], "Gateway", "penstock")["spec"]["listeners"]}
    assert {
        ref["sectionName"] for each in of_kind(rendered[overlay], "HTTPRoute") for ref in each["spec"]["parentRefs"]
    } == listeners


@pytest.mark.parametrize("overlay", CLOUD)
def test_a_monitor_finds_its_services_and_names_them_as_the_rules_do(rendered: Rendered, overlay: str) -> None:
    found = {}
    for monitor in of_kind(rendered[overlay], "ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        services = [each for each in of_kind(rendered[overlay], "Service") if wears(each, monitor["spec"]["selector"])]
        assert all(endpoint["port"] in {port["name"] for port in each["spec"]["ports"]} for each in services)
        labels = {each["targetLabel"]: each for each in endpoint["relabelings"]}
        found[labels["job"]["replacement"]] = {each["metadata"]["name"] for each in services}
        if "colour" in labels:
            assert labels["colour"]["sourceLabels"] == ["__meta_kubernetes_service_label_colour"]
    assert found == {"api": {"penstock-blue", "penstock-green"}, "vllm": {"vllm"}}
    jobs = {each["job_name"] for each in yaml.safe_load(page("monitoring/prometheus/prometheus.yml"))["scrape_configs"]}
    assert set(found) <= jobs


def wears(service: Manifest, selector: Manifest) -> bool:
    labels = service["metadata"].get("labels", {})
    exist = {each["key"] for each in selector.get("matchExpressions", []) if each["operator"] == "Exists"}
    return selector["matchLabels"].items() <= labels.items() and exist <= set(labels)


@pytest.mark.parametrize("overlay", CLOUD)
def test_rules_and_dashboards_are_those_of_compose(rendered: Rendered, overlay: str) -> None:
    files = {path.stem: path for path in (ROOT / "monitoring/prometheus/rules").glob("*.yml")}
    rules = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered[overlay], "PrometheusRule")}
    assert rules == {f"penstock-{name}": yaml.safe_load(path.read_text()) for name, path in files.items()}
    boards = {name: text for each in of_kind(rendered[overlay], "ConfigMap") for name, text in each["data"].items()}
    for path in (ROOT / "monitoring/grafana/dashboards").glob("*.json"):
        assert boards[path.name] == path.read_text()
    assert not of_kind(rendered["local"], "PrometheusRule")


@pytest.mark.parametrize("overlay", CLOUD)
def test_replicas_come_for_what_vllm_tells(rendered: Rendered, overlay: str) -> None:
    triggers = named(rendered[overlay], "ScaledObject", "vllm")["spec"]["triggers"]
    asked = {each["name"]: each["metadata"]["query"] for each in triggers}
    rules = page("monitoring/prometheus/rules/replicas.yml")
    for query, metric in (
        (asked["queue"], "vllm:num_requests_waiting"),
        (asked["kv-cache"], "vllm:kv_cache_usage_perc"),
    ):
        assert f"sum({metric}{{" in query
        assert metric in rules


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_gateways_mount_is_made_by_somebody(rendered: Rendered, overlay: str) -> None:
    (gateway,) = (each for each in pods(rendered[overlay]) if each.name == "penstock-blue")
    wanted = {env["value"].rpartition("/")[2] for env in gateway.containers[0]["env"] if env["name"].endswith("_FILE")}
    assert wanted == {"api_keys", "operator_keys", "openai_api_key"}
    made = {each["spec"]["target"]["name"] for each in of_kind(rendered[overlay], "ExternalSecret")}
    assert made == (set() if overlay == "local" else {"penstock"})
    assert [each["secret"]["secretName"] for each in gateway.spec["volumes"] if "secret" in each] == ["penstock"]
