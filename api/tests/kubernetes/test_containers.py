"""Every container is limited, locked and pinned, and has the time that it needs to start and to leave."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from penstock import __version__
from penstock.settings import Settings
from penstock.settings.parts import Timeouts

from tests.kubernetes.conftest import OVERLAYS
from tests.kubernetes.objects import Pods, containers, named, of_kind, pods
from tests.pages import page

Rendered = Mapping[str, list[Any]]
ALL = (*OVERLAYS, "models")
VERSION = re.compile(r":(\d+\.\d+\.\d+)(-alpine)?$")


@pytest.mark.parametrize("overlay", ALL)
def test_every_container_asks_for_what_it_needs_and_is_limited(rendered: Rendered, overlay: str) -> None:
    for name, container in containers(rendered[overlay]):
        for part in ("requests", "limits"):
            assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"][part]), (name, part)


@pytest.mark.parametrize("overlay", ALL)
def test_every_container_is_locked(rendered: Rendered, overlay: str) -> None:
    for each in pods(rendered[overlay]):
        assert each.spec["securityContext"]["runAsNonRoot"], each.name
        assert each.spec["securityContext"]["runAsUser"] > 10_000, each.name
        assert each.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, each.name
        assert each.spec["automountServiceAccountToken"] is False, each.name
        assert each.spec["enableServiceLinks"] is False, each.name
        for container in each.containers:
            assert container["securityContext"] == {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }, each.name


def test_images_are_pinned_and_ours_have_one_version_everywhere(rendered: Rendered) -> None:
    images = {container["image"] for name in ALL for _, container in containers(rendered[name])}
    assert all(VERSION.search(image) for image in images), images
    ours = {image.rpartition("/")[2] for image in images if "penstock" in image}
    assert ours == {f"penstock-api:{__version__}", f"penstock-vllm:{__version__}"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_leaving_pod_has_longer_than_what_it_may_still_do(rendered: Rendered, overlay: str) -> None:
    settings = settings_of(rendered[overlay])
    found = {each.name: each for each in pods(rendered[overlay])}
    for colour in ("blue", "green"):
        gateway = found[f"penstock-{colour}"]
        assert grace(gateway) > pause(gateway) + settings.drain_delay_s + settings.drain_s
        assert settings.drain_s > Timeouts().total_s  # the longest call
    drain_s = int(re.search(r"SERVE_DRAIN_S:-(\d+)", page("vllm/serve.sh"))[1])  # type: ignore[index]
    assert grace(found["vllm"]) > pause(found["vllm"]) + drain_s + 10
    # The address of one that leaves is gone from DNS (5 s), was looked up again, and then it refuses.
    assert pause(found["vllm"]) > 5 + settings.watch.lookup_s


def test_a_model_may_load_for_long_and_one_that_hangs_is_found(rendered: Rendered) -> None:
    vllm = named(rendered["production"], "Deployment", "vllm")
    (container,) = vllm["spec"]["template"]["spec"]["containers"]
    starts, lives = container["startupProbe"], container["livenessProbe"]
    may_load_s = starts["periodSeconds"] * starts["failureThreshold"]
    assert may_load_s >= 1200  # as long as the image's own health check gives it
    assert vllm["spec"]["progressDeadlineSeconds"] > may_load_s
    assert lives["periodSeconds"] * lives["failureThreshold"] < 300
    assert starts["httpGet"]["path"] == container["readinessProbe"]["httpGet"]["path"] == "/health"


def test_a_replica_gets_the_gpus_that_it_spreads_over(rendered: Rendered) -> None:
    for overlay in ("staging", "production"):
        (vllm,) = (each for name, each in containers(rendered[overlay]) if name == "vllm/vllm")
        model = page(f"vllm/models/{vllm['args'][0]}.env")
        gpus = next((line.split("=")[1] for line in model.splitlines() if line.startswith("SERVE_GPUS")), "1")
        assert vllm["resources"]["limits"]["nvidia.com/gpu"] == gpus
        (job,) = (each for _, each in containers(rendered["models"]))
        assert f"SERVE_MODEL={job['command'][-1]}" in model.splitlines()
    assert all("nvidia.com/gpu" not in each["resources"]["limits"] for _, each in containers(rendered["local"]))


def test_the_settings_are_those_of_compose_but_for_where_things_are(rendered: Rendered) -> None:
    cluster = settings_of(rendered["production"]).model_dump()
    compose = Settings(**yaml.safe_load(page("infrastructure/compose/penstock.yaml"))).model_dump()
    for each in (cluster, compose):
        del each["drain_delay_s"], each["drain_s"]
        (model,) = each["models"]
        del model["replicas"]
    assert cluster == compose


def settings_of(manifests: list[Any]) -> Settings:
    (told,) = (
        each["data"]["penstock.yaml"] for each in of_kind(manifests, "ConfigMap") if "penstock.yaml" in each["data"]
    )
    return Settings(**yaml.safe_load(told))


def grace(each: Pods) -> int:
    return int(each.spec["terminationGracePeriodSeconds"])


def pause(each: Pods) -> int:
    return int(each.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"])
