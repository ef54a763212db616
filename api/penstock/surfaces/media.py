"""URLs of images, audio, video and files in a request: an engine would fetch them, from inside our network.

Which is why they are refused, unless a setting names their host. What stands in the request itself, as a `data:` URL,
is not fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from penstock.errors import MediaURLRefused

_MARK = b'_url"'
"""How the names of members that hold such a URL end: image_url, audio_url, video_url, file_url. A text that speaks of
them has a backslash before the quotation mark."""
_ESCAPE = b"\\u00"
_LETTER = re.compile(rb"\\u00[4-7]")
"""A letter or an underscore that is escaped, and may be a part of such a name."""
_NOT_READ = frozenset(
    """
    function functions guided_json json_schema metadata parameters response_format schema structured_outputs
    """.split()
)
"""Members that hold a schema or a caller's own notes, wherever they stand: nobody looks for media there."""
_URL = re.compile(r"(?i:https?)://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#][!-\[\]-~]*)?")
"""Nothing that two readers could take for two hosts: no user before the host, no backslash, no blanks."""


def check_media(raw: bytes, fields: Mapping[str, object], hosts: tuple[str, ...]) -> None:
    """`fields` is what `raw` holds, parsed. Raises MediaURLRefused."""
    if _MARK not in raw and not (_ESCAPE in raw and _LETTER.search(raw)):
        return
    left: list[object] = [fields]
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            for name, value in each.items():
                if isinstance(value, (dict, list, str)) and name not in _NOT_READ:
                    if name.endswith("_url"):
                        _check(name, value, hosts)
                    if not isinstance(value, str):
                        left.append(value)


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
