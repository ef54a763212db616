"""Bring a cluster to what an overlay says, and leave alone what scripts/deploy set there.

render   print every object, as it is for a cluster that has none of it yet; asks no cluster
diff     what `apply` would change
apply    change it. A colour's version and count and the weights of the route stay as the cluster has them
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from manifests.kept import keeping
from manifests.kubectl import Kubectl, KubectlFailed
from manifests.manifest import Manifest
from manifests.watching import watching

OVERLAYS = Path(__file__).parents[2] / "infrastructure/kubernetes/overlays"
OURS = ("--server-side", "--field-manager=penstock", "--force-conflicts")


def rendered(kubectl: Kubectl, overlay: Path) -> list[Manifest]:
    """Raises KubectlFailed."""
    manifests = kubectl.kustomize(overlay)
    return [*manifests, *watching(manifests)]


def run(verb: str, kubectl: Kubectl, overlay: Path) -> int:
    """Raises KubectlFailed."""
    manifests = rendered(kubectl, overlay)
    if verb == "render":
        print(yaml.safe_dump_all(manifests), end="")
        return 0
    kept = [keeping(each, kubectl.get) for each in manifests]
    return kubectl.pipe(kept, verb, *OURS)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/kubernetes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["render", "diff", "apply"])
    parser.add_argument("overlay", help="local, staging, production, or the path of a folder, with a slash in it")
    parser.add_argument("--context", help="kubectl's context")
    options = parser.parse_args()
    overlay = Path(options.overlay) if "/" in options.overlay else OVERLAYS / options.overlay
    try:
        return run(options.verb, Kubectl(options.context), overlay)
    except KubectlFailed as failure:
        print(f"scripts/kubernetes: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
