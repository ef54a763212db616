"""URLs of images, audio, video and files in a request: an engine would fetch them, from inside our network.

Which is why they are refused, unless a setting names their host. What stands in the request itself, as a `data:` URL,
is not fetched.
"""

from __future__ import annotations

import re
from typing import Final

from penstock.errors import MediaURLRefused

Container = dict[str, object] | list[object]
_NOT_READ: Final = frozenset(
    """
    function functions guided_json json_schema metadata parameters response_format schema structured_outputs
    """.split()
)
"""Members that hold a schema or a caller's own notes, wherever they stand: nobody looks for media there."""
_URL: Final = re.compile(r"(?i:https?)://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#][!-\[\]-~]*)?")
"""Nothing that two readers could take for two hosts: no user before the host, no backslash, no blanks."""


def check_media(level: list[Container], unread: list[Container], hosts: tuple[str, ...]) -> list[Container]:
    """The members that may hold such a URL end in `_url`, as image_url and file_url do. Raises MediaURLRefused.

    Looks at the members of these objects and lists. Returns the objects and lists in them, to be looked at next; those
    that nobody reads are added to `unread`. To walk through what is parsed already costs less than to search the bytes,
    and no spelling can hide a name from it.
    """
    below: list[Container] = []
    for each in level:
        if isinstance(each, dict):
            for name, value in each.items():
                if isinstance(value, (dict, list)):
                    (unread if name in _NOT_READ else below).append(value)
                elif not isinstance(value, str):
                    continue
                if name.endswith("_url"):
                    _check(name, value, hosts)
        else:
            for value in each:
                if isinstance(value, (dict, list)):
                    below.append(value)  # noqa: PERF401  # a comprehension is a call more
    return below


def _check(name: str, value: object, hosts: tuple[str, ...]) -> None:
    """The URL itself, an object that holds it as `url`, or a list of such."""
    for each in value if isinstance(value, list) else [value]:
        url = each.get("url") if isinstance(each, dict) else each
        if isinstance(url, str) and not url.startswith("data:") and not _is_permitted(url, hosts):
            which = "only some hosts, and plain http and https" if hosts else "no host"
            raise MediaURLRefused(
                f"`{name}` names something that would have to be fetched: send it in the request, as a `data:` URL. "
                f"The setting `requests.media_hosts` permits {which}.",
                param=name,
            )


def _is_permitted(url: str, hosts: tuple[str, ...]) -> bool:
    found = _URL.fullmatch(url)
    return found is not None and ("*" in hosts or found.group(1).lower() in hosts)
