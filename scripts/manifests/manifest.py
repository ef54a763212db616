"""Objects of a cluster, as YAML and JSON have them."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]


def name_of(manifest: Manifest) -> tuple[str, str]:
    """Kind and name: enough, since all of ours are in one namespace."""
    return manifest["kind"], manifest["metadata"]["name"]
