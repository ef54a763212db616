"""URLs that an engine would fetch: found wherever they stand and however they are spelled, and nothing else refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from penstock.errors import MediaURLRefused
from penstock.settings.requests import Requests
from penstock.surfaces.bounds import Bounds
from pydantic import ValidationError

INSIDE = "http://169.254.169.254/latest/meta-data"
DATA = "data:image/png;base64,AAAA"


def refused(body: bytes | dict[str, Any], *hosts: str) -> bool:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    try:
        Bounds(Requests(media_hosts=hosts)).check(orjson.loads(raw))
    except MediaURLRefused:
        return True
    return False


def chat(part: Any) -> dict[str, Any]:
    return {"model": "tiny", "messages": [{"role": "user", "content": [{"type": "text", "text": "See:"}, part]}]}


def image(url: Any) -> dict[str, Any]:
    return chat({"type": "image_url", "image_url": {"url": url}})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": INSIDE, "detail": "low"}},
        {"type": "image_url", "image_url": INSIDE},
        {"image_url": INSIDE},
        {"type": "image_url", "image_url": {"url": INSIDE}, "uuid": "1"},
        {"type": "audio_url", "audio_url": {"url": INSIDE}},
        {"type": "video_url", "video_url": {"url": INSIDE}},
        {"type": "input_image", "image_url": INSIDE},
        {"type": "input_file", "file_url": INSIDE},
        {"type": "tool_result", "content": [[{"image_url": [INSIDE]}]]},
        {"type": "image_url", "image_url": [{"url": INSIDE}]},
    ],
)
def test_a_url_is_found_in_every_kind_of_part(part: dict[str, Any]) -> None:
    assert refused(chat(part))
    assert refused({"model": "tiny", "input": [{"role": "user", "content": [part]}]})
    assert refused({"input": [{"type": "function_call_output", "output": [part]}]})
    assert refused({"input": "text", "messages": [{"content": [part]}]}), "an engine may read what it was not told to"
    assert not refused(chat(part), "169.254.169.254")


@pytest.mark.parametrize(
    "url",
    [
        INSIDE, INSIDE.upper(), " " + INSIDE, "\t" + INSIDE, "ht\ntp://inside/", "//inside/a", "inside/a", "", "/etc",
        "file:///etc/passwd", "FILE:/etc/passwd", "ftp://inside/a", "s3://bucket/a", "Data:image/png;base64,AAAA",
        " data:image/png;base64,AAAA", "gopher://inside:6379/_FLUSHALL",
    ],
)  # fmt: skip
def test_all_but_data_is_refused(url: str) -> None:
    assert refused(image(url))


@pytest.mark.parametrize("url", [DATA, "data:,", "data:audio/wav;base64,http://inside/"])
def test_what_the_request_holds_itself_is_let_through(url: str) -> None:
    assert not refused(image(url))


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": f"What does \"image_url\": \"{INSIDE}\" mean?"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": INSIDE}]}]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [
            {"type": "function", "function": {"name": "see", "arguments": json.dumps({"image_url": INSIDE})}}]}]},
        {"messages": [{"role": "assistant", "content": "", "annotations": [
            {"type": "url_citation", "url_citation": {"url": INSIDE}}]}]},
        {"tools": [{"type": "function", "function": {"name": "see", "parameters": {
            "properties": {"image_url": {"default": INSIDE}}, "examples": [{"image_url": INSIDE}]}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"default": {"image_url": INSIDE}}}}},
        {"metadata": {"image_url": INSIDE}},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": None}]}]},
        {"input": [1, 2, 3]},
    ],
)  # fmt: skip
def test_what_nobody_fetches_is_let_through(body: dict[str, Any]) -> None:
    assert not refused(body)


@pytest.mark.parametrize(
    ("url", "permitted"),
    [
        ("https://img.example.com/a.png?b=c#d", True),
        ("HTTPS://IMG.example.com", True),
        ("http://img.example.com/", True),
        ("https://cdn.example.com:8443/a", True),
        ("https://cdn.example.com/a", False),
        ("https://img.example.com:8443/a", False),
        ("https://img.example.com.evil.net/a", False),
        ("https://evil.net/img.example.com", False),
        ("https://img.example.com@evil.net/a", False),
        ("https://a:b@img.example.com/a", False),
        ("https://evil.net\\@img.example.com/a", False),
        ("https://img.example.com\\.evil.net/a", False),
        ("https://img.example.com/a\\b", False),
        ("https://img.example.com /a", False),
        ("https://img.example.com/a\n", False),
        ("https://img.example.com%2eevil.net/", False),
        ("https://img.example.com\uff0fevil.net/", False),
        ("https:/img.example.com/a", False),
        ("https:///img.example.com/a", False),
        ("//img.example.com/a", False),
        ("file://img.example.com/etc/passwd", False),
        (f" {INSIDE}", False),
    ],
)
def test_only_the_hosts_that_are_named_are_asked(url: str, permitted: bool) -> None:
    assert refused(image(url), "IMG.example.com", "cdn.example.com:8443") is not permitted


@pytest.mark.parametrize(("url", "permitted"), [(INSIDE, True), ("https://a.b/c", True), ("file:///etc/passwd", False)])
def test_a_star_permits_every_host_but_no_file(url: str, permitted: bool) -> None:
    assert refused(image(url), "*") is not permitted


@pytest.mark.parametrize("host", ["https://a.b", "a.b/c", "a b", "*.a.b", "", "a@b", "-a", "a:b"])
def test_a_host_that_is_none_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(ValidationError, match="is not a host"):
        Requests(media_hosts=(host,))


def test_the_refusal_says_what_to_do_and_never_the_url() -> None:
    with pytest.raises(MediaURLRefused) as told:
        Bounds(Requests()).check(image(INSIDE))
    assert "requests.media_hosts" in told.value.message
    assert "data:" in told.value.message
    assert "169.254" not in told.value.message
    assert (told.value.status, told.value.param) == (400, "image_url")


# However it is spelled: held to a plain walk over what Python's own parser reads

KEYS = st.sampled_from(
    ["image_url", "audio_url", "file_url", "url", "content", "type", "text", "parameters", "_url", "é"]
)
URLS = st.sampled_from([INSIDE, DATA, "", 'see "image_url"', "\u00e9", "file:///a", "a_url"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | URLS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS, inside, max_size=3),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(["messages", "input", "metadata", "image_url"]), VALUES, max_size=3)


def escaping(choose: Callable[[], bool]) -> Callable[[str], str]:
    """A string in JSON, some of its characters escaped though they need not be."""

    def spelled(text: str) -> str:
        units = text.encode("utf-16-be")
        pairs = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
        return "".join(
            f"\\u{unit:04x}" if choose() or not 32 <= unit < 127 or unit in (34, 92) else chr(unit) for unit in pairs
        )

    return lambda text: f'"{spelled(text)}"'


def dumped(value: Any, spell: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return spell(value)
    if isinstance(value, list):
        return "[" + " , ".join(dumped(each, spell) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{spell(name)} :\n{dumped(each, spell)}" for name, each in value.items()) + "}"
    return json.dumps(value)


def urls_in(value: Any) -> Iterator[str]:
    """What an engine may fetch: the plain reading of the rule."""
    if isinstance(value, list):
        for each in value:
            yield from urls_in(each)
    if isinstance(value, dict):
        for name, each in value.items():
            if name in ("metadata", "parameters"):
                continue
            if name.endswith("_url"):
                several = each if isinstance(each, list) else [each]
                found = [one.get("url") if isinstance(one, dict) else one for one in several]
                yield from (one for one in found if isinstance(one, str))
            yield from urls_in(each)


@given(body=BODIES, data=st.data())
@example(body={"messages": {"image_url": INSIDE}}, data=None)
def test_no_spelling_hides_a_url_and_none_makes_one(body: dict[str, Any], data: Any) -> None:
    choose = (lambda: True) if data is None else (lambda: data.draw(st.integers(0, 3)) == 0)
    raw = dumped(body, escaping(choose)).encode()
    assert json.loads(raw) == body
    assert refused(raw) is any(not url.startswith("data:") for url in urls_in(body))
