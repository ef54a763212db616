"""Images are called latest, sha-abc1234 and by their release, and only a release moves 1.2."""

import os
import subprocess
import sys

import pytest
from ci import image_tags

from tests.pipelines.programs import STEPS

SHA = "abc1234" + "0" * 33


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/main", ["sha-abc1234", "latest"]),
        ("refs/heads/feature", ["sha-abc1234"]),
        ("refs/heads/v1.2.3", ["sha-abc1234"]),
        ("refs/tags/v1.2.3", ["1.2.3", "sha-abc1234", "1.2"]),
        ("refs/tags/v10.20.30", ["10.20.30", "sha-abc1234", "10.20"]),
        ("refs/tags/v1.3.0-rc.1", ["1.3.0-rc.1", "sha-abc1234"]),
    ],
)
def test_the_tags_of_a_ref(ref: str, expected: list[str]) -> None:
    assert image_tags.tags(ref, SHA) == expected
    assert image_tags.version(ref, SHA) == expected[0]


@pytest.mark.parametrize("ref", ["refs/tags/v1.2", "refs/tags/1.2.3", "refs/tags/v1.2.3+b", "refs/tags/v1.2.3\nx=y"])
def test_a_tag_that_is_no_release_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match=r"v1\.2\.3"):
        image_tags.tags(ref, SHA)


def run(**env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(STEPS / "image_tags.py"), "api"]
    given = {"PATH": os.environ["PATH"], "GITHUB_REPOSITORY": "Some/Penstock", "GITHUB_SHA": SHA}
    return subprocess.run(command, env=given | env, capture_output=True, text=True, check=False)


def test_the_step_prints_what_the_next_ones_read() -> None:
    done = run(REGISTRY="registry.test", GITHUB_REF="refs/heads/main")
    assert done.stdout.splitlines() == [
        "image=registry.test/some/penstock-api",
        "version=sha-abc1234",
        "tags=sha-abc1234 latest",
    ]


@pytest.mark.parametrize("broken", [{"REGISTRY": ""}, {"GITHUB_SHA": "abc"}, {"GITHUB_REF": "refs/tags/nightly"}])
def test_what_cannot_be_named_fails_with_a_reason(broken: dict[str, str]) -> None:
    done = run(**{"REGISTRY": "registry.test", "GITHUB_REF": "refs/heads/main"} | broken)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("image_tags: ")
