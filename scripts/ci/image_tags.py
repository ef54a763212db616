"""Say how the image of a commit is called: `python3 scripts/ci/image_tags.py NAME >>"$GITHUB_OUTPUT"`.

Reads REGISTRY, GITHUB_REPOSITORY, GITHUB_REF and GITHUB_SHA; prints `image`, `version` and `tags` (words). `version` is
the one that never moves and that a deploy asks for. `latest` is the newest commit of the main branch; a git tag
v1.2.3 gives 1.2.3 and 1.2, and v1.3.0-rc.1 gives 1.3.0-rc.1 alone.
"""

import os
import re
import sys

_RELEASE = re.compile(r"refs/tags/v(\d+\.\d+)(\.\d+)(-[0-9A-Za-z.-]+)?")


def version(ref: str, sha: str) -> str:
    """1.2.3 at a release, else sha-abc1234. ValueError if it is neither."""
    release = _RELEASE.fullmatch(ref)
    if release:
        return release[1] + release[2] + (release[3] or "")
    if ref.startswith("refs/tags/"):
        raise ValueError(f"{ref}: a release is tagged like v1.2.3 or v1.2.3-rc.1")
    return _of_commit(sha)


def tags(ref: str, sha: str) -> list[str]:
    """Every tag of the image, the version first."""
    names = [version(ref, sha), _of_commit(sha)]
    release = _RELEASE.fullmatch(ref)
    if release and not release[3]:
        names.append(release[1])
    if ref == "refs/heads/main":
        names.append("latest")
    return list(dict.fromkeys(names))


def image(registry: str, repository: str, name: str) -> str:
    """The image's name without a tag; registries take no capital letters. ValueError without a registry."""
    if not registry:
        raise ValueError("the variable REGISTRY is not set: see docs/pipelines.md")
    return f"{registry}/{repository}-{name}".lower()


def _of_commit(sha: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", sha):
        raise ValueError(f"{sha!r} is no commit")
    return f"sha-{sha[:7]}"


def main() -> int:
    env = os.environ
    ref, sha = env["GITHUB_REF"], env["GITHUB_SHA"]
    try:
        lines = {
            "image": image(env.get("REGISTRY", ""), env["GITHUB_REPOSITORY"], sys.argv[1]),
            "version": version(ref, sha),
            "tags": " ".join(tags(ref, sha)),
        }
    except ValueError as unusable:
        print(f"image_tags: {unusable}", file=sys.stderr)
        return 1
    print(*(f"{key}={value}" for key, value in lines.items()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
