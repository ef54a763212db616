"""docs/aws.md, read from above by who types it: what a command needs is set, made or put there by one before it."""

import re

import pytest
from tests.pages import ROOT, blocks, page, rows, section

TYPED = re.sub(r"\\\n", " ", "\n".join(blocks("docs/aws.md", "bash")))
REGION = page("infrastructure/terraform/region/main.tf") + page("infrastructure/terraform/region/services.tf")


def first(words: str) -> int:
    assert words in TYPED, words
    return TYPED.index(words)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\$(\w+)", TYPED))))
def test_a_variable_is_set_before_it_is_used(name: str) -> None:
    set_at = re.search(rf"^export .*\b{name}=", TYPED, re.MULTILINE)
    assert set_at
    assert set_at.end() <= first(f"${name}")


@pytest.mark.parametrize(
    ("needed", "by"),
    [
        ("AWS_REGION=", "aws sts"),  # without it the command line asks for a region
        ("scripts/secrets\n", "scripts/secrets --json"),  # in between people put their own key there
        ("docker push", "$STACK apply\n"),  # a service without an image or a key gives up
        ("put-secret-value", "$STACK apply\n"),
        ("tasks-stopped", "--force-new-deployment"),
        ("export PENSTOCK_KEY=", "scripts/smoke_test"),
        ("export PENSTOCK_KEY=", "scripts/deploy"),  # whose smoke test asks gateways that want a key
    ],
)
def test_one_command_comes_before_another(needed: str, by: str) -> None:
    assert first(needed) < first(by)


def test_terraform_knows_what_is_asked_of_it() -> None:
    for name in re.findall(r"-target=module\.region\.module\.(\w+)", TYPED):
        assert f'module "{name}"' in REGION
    outputs = page("infrastructure/terraform/environments/staging/outputs.tf")
    for name in re.findall(r"\$STACK output -json (\w+)", TYPED):
        assert f'output "{name}"' in outputs
    told = page("infrastructure/terraform/region/outputs.tf") + page(
        "infrastructure/terraform/modules/gpu_pool/outputs.tf"
    )
    for name in re.findall(r'(?:told|\(sys\.stdin\))\["(\w+)"\]', TYPED):
        assert re.search(rf"^ +{name} += ", told, re.MULTILINE), name


def test_every_module_stands_there() -> None:
    told = {
        name
        for cell, _ in rows(section(page("docs/aws.md"), "## What there is"))
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert told == {folder.name for folder in (ROOT / "infrastructure/terraform/modules").iterdir()}
