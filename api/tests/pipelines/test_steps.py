"""The small steps: tags go to what was scanned, only signed versions deploy, keys stay unseen."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.pipelines.programs import STEPS, Bin

DIGEST = "sha256:" + "a" * 64
WHERE = {"REGISTRY": "r.test", "GITHUB_SERVER_URL": "https://forge.test", "GITHUB_REPOSITORY": "Some/Pen"}


def run(step: str, *words: str, stand_ins: Bin | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    search = f"{stand_ins.path}:{os.environ['PATH']}" if stand_ins else os.environ["PATH"]
    command = [str(STEPS / step), *words]
    return subprocess.run(
        command, env={"HOME": "/nonexistent", **env, "PATH": search}, capture_output=True, text=True, check=False
    )


class TestPublishTags:
    def test_every_tag_is_set_in_one_go_and_looked_at(self, tmp_path: Path) -> None:
        folder = Bin(tmp_path)
        folder.add("docker", f'[[ $3 == create ]] || echo "{DIGEST}"')
        assert run("publish_tags", "r.test/p-api", DIGEST, "1.2.3", "1.2", stand_ins=folder).returncode == 0
        inspect = "docker buildx imagetools inspect --format {{.Manifest.Digest}} r.test/p-api"
        assert folder.calls == [
            f"docker buildx imagetools create --tag r.test/p-api:1.2.3 --tag r.test/p-api:1.2 r.test/p-api@{DIGEST}",
            f"{inspect}:1.2.3",
            f"{inspect}:1.2",
        ]

    def test_a_tag_on_something_else_is_a_failure(self, tmp_path: Path) -> None:
        folder = Bin(tmp_path)
        folder.add("docker", '[[ $3 == create ]] || echo "sha256:other"')
        done = run("publish_tags", "r.test/p-api", DIGEST, "latest", stand_ins=folder)
        assert done.returncode == 1
        assert "latest is sha256:other" in done.stderr

    def test_a_registry_that_refuses_is_a_failure(self, tmp_path: Path) -> None:
        folder = Bin(tmp_path)
        folder.add("docker", "exit 1")
        assert run("publish_tags", "r.test/p-api", DIGEST, "latest", stand_ins=folder).returncode == 1


class TestVerifyImages:
    def test_each_image_must_be_signed_by_this_repository_s_build(self, tmp_path: Path) -> None:
        folder = Bin(tmp_path)
        folder.add("cosign")
        assert run("verify_images", "1.2.3", "api", "edge", stand_ins=folder, **WHERE).returncode == 0
        identity = r"^https://forge\.test/Some/Pen/\.github/workflows/build\.yml@refs/(heads/main|tags/v.*)$"
        assert [call.split(" --certificate-oidc-issuer ")[0] for call in folder.calls] == [
            f"cosign verify --certificate-identity-regexp {identity}"
        ] * 2
        assert [call.split()[-1] for call in folder.calls] == [
            "r.test/some/pen-api:1.2.3",
            "r.test/some/pen-edge:1.2.3",
        ]

    def test_one_that_is_not_stops_the_deploy(self, tmp_path: Path) -> None:
        folder = Bin(tmp_path)
        folder.add("cosign", "[[ ${!#} != *-edge:* ]]")
        done = run("verify_images", "1.2.3", "api", "edge", "vllm", stand_ins=folder, **WHERE)
        assert done.returncode == 1
        assert done.stdout.splitlines() == ["api 1.2.3 is signed by the build pipeline"]


class TestDeployVersion:
    @pytest.mark.parametrize(
        ("asked", "built", "version"),
        [("", "abc1234" + "0" * 33, "sha-abc1234"), ("1.2.3", "", "1.2.3"), ("1.2.3", "f" * 40, "1.2.3")],
    )
    def test_what_a_person_asks_for_wins(self, tmp_path: Path, asked: str, built: str, version: str) -> None:
        outputs = tmp_path / "outputs"
        done = run("deploy_version", ASKED=asked, BUILT=built, GITHUB_OUTPUT=str(outputs))
        assert (done.returncode, outputs.read_text()) == (0, f"version={version}\n")

    @pytest.mark.parametrize("asked", ["", "a b", "1.2.3\nother=x", "-x", "$(id)"])
    def test_what_is_no_tag_is_refused(self, tmp_path: Path, asked: str) -> None:
        outputs = tmp_path / "outputs"
        assert run("deploy_version", ASKED=asked, BUILT="", GITHUB_OUTPUT=str(outputs)).returncode == 1
        assert not outputs.exists()


class TestSshIdentity:
    def test_the_key_is_for_its_owner_alone_and_never_shown(self, tmp_path: Path) -> None:
        done = run(
            "ssh_identity", str(tmp_path / "ssh"), SSH_KEY="zanzibar\nkey", SSH_KNOWN_HOSTS="gpu-1 ssh-ed25519 A"
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        key = tmp_path / "ssh/id_deploy"
        assert key.read_text() == "zanzibar\nkey\n"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert "StrictHostKeyChecking yes" in (tmp_path / "ssh/config").read_text()

    def test_ssh_understands_what_was_written(self, tmp_path: Path) -> None:
        run("ssh_identity", str(tmp_path), SSH_KEY="k", SSH_KNOWN_HOSTS="gpu-1 ssh-ed25519 A")
        asked = ["ssh", "-G", "-F", str(tmp_path / "config"), "deploy@gpu-1"]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.lower()
        assert f"identityfile {tmp_path}/id_deploy".lower() in said

    @pytest.mark.parametrize("given", [{}, {"SSH_KEY": "zanzibar"}, {"SSH_KNOWN_HOSTS": "gpu-1 ssh-ed25519 A"}])
    def test_without_both_nothing_is_written(self, tmp_path: Path, given: dict[str, str]) -> None:
        done = run("ssh_identity", str(tmp_path / "ssh"), stand_ins=None, **given)
        assert done.returncode == 0
        assert "nothing written" in done.stdout
        assert "zanzibar" not in done.stdout
        assert not (tmp_path / "ssh").exists()


def test_openai_is_left_out_aloud_without_a_key() -> None:
    done = run("cloud_tests", OPENAI_API_KEY="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "LEFT OUT" in done.stdout


def test_a_step_of_bash_fits_a_screen() -> None:
    scripts = [path for path in (ROOT / "scripts/ci").rglob("*") if path.is_file() and path.suffix == ""]
    bash = [path for path in scripts if "node_modules" not in path.parts and path.read_bytes().startswith(b"#!")]
    assert len(bash) > 5
    assert {path.name for path in bash if len(path.read_text().splitlines()) > 80} == set()
