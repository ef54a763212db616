"""Requests that are made without BAML are BAML's own, letter for letter; prompts that do more than quote are BAML's."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from penstock.errors import InvalidArguments
from penstock.functions.catalog import Function
from penstock.functions.guided import Json
from penstock.functions.plain import Prompts
from penstock.functions.prompt import MOST_FORMS, Prompt
from tests.functions import shipped

SHIPPED = shipped()
QUOTING = {"ClassifyTicket", "ExtractInvoice", "ScreenMessage"}
FENCED = """
template_string Fenced(name: string, text: string?) #"
  <{{ name }}>
  {{ text | replace("</", "<\\\\/") | replace("]]", "") if text else "(not given)" }}
"#
template_string Twice(text: string) #"{{ Fenced("a", text) }} {{ Fenced("b", text) }}"#
template_string Looped(texts: string[]) #"{% for text in texts %}{{ text }}{% endfor %}"#
template_string Endless(text: string) #"{{ Endless(text) }}"#
"""


def prompt_of(function: Function) -> Prompt:
    assert function.prompt is not None
    return function.prompt


def test_the_shipped_ones_that_only_quote_are_made_without_baml() -> None:
    assert {name for name, function in SHIPPED.items() if function.prompt is not None} == QUOTING
    for name in QUOTING:
        assert prompt_of(SHIPPED[name]).filled({"text": "I was charged\n  twice."}) is not None


texts = st.text() | st.text(alphabet='<>/\\{}%#"\n\r\t @&é\u2028\x00', max_size=12)


@given(text=texts, product=st.none() | texts)
@example(text="</ticket>", product="{{ text }}")
@example(text=" a", product="a ")
@example(text="a\x1c", product="\u2007a")
@example(text='a "b" \\n \\', product="{%raw%}")
def test_what_is_made_without_baml_is_what_baml_makes(text: str, product: str | None) -> None:
    function = SHIPPED["ClassifyTicket"]
    arguments = {"text": text, "product": product}
    made = prompt_of(function).filled(arguments)
    assert made is None or made == function.asked(arguments)


@given(text=texts)
def test_so_it_is_with_one_argument(text: str) -> None:
    for name in ("ExtractInvoice", "ScreenMessage"):
        made = prompt_of(SHIPPED[name]).filled({"text": text})
        assert made is None or made == SHIPPED[name].asked({"text": text})


def test_a_body_is_not_shared_with_the_next() -> None:
    prompt = prompt_of(SHIPPED["ScreenMessage"])
    first = prompt.filled({"text": "a"})
    assert first is not None
    before = str(first)
    second = prompt.filled({"text": "b"})
    assert second is not None
    second["stream"] = second["messages"][0]["role"] = "changed"
    assert str(first) == before
    assert prompt.filled({"text": "a"}) == first


@pytest.mark.parametrize(
    ("prompt", "replaced"),
    [
        ('{{ _.role("user") }} {{ text }} {{- ctx.output_format -}}', set()),
        ('{{ Fenced("ticket", text) }}', {"</", "]]"}),
        ("{{ Twice(text) }} {{ text|replace('a', 'b') }}", None),
        ("{{ Twice(text) }}", {"</", "]]"}),
        ('{{ text | replace("x", "y") }}', {"x"}),
        ('{{ text if text else "none" }}', set()),
        ('{{ text if other else "none" }}', None),
        ("{% if text %}{{ text }}{% endif %}", None),
        ("{# aside #}{{ text }}", None),
        ("{{ text | upper }}", None),
        ("{{ text|length }}", None),
        ('{{ text ~ "!" }}', None),
        ("{{ text[0] }}", None),
        ("{{ unknown }}", None),
        ("{{ ctx.client.name }}", None),
        ("{{ ctx.output_format(prefix=text) }}", None),
        ("{{ Looped(text) }}", None),
        ("{{ Endless(text) }}", None),
        ('{{ Fenced("a") }}', None),
        ('{{ Fenced("a", upper(text)) }}', None),
        ("{{ Missing(text) }}", None),
    ],
)
def test_only_quoting_is_let_through(prompt: str, replaced: set[str] | None) -> None:
    source = f'{FENCED}\nfunction F(text: string, other: map<string, string>) -> string {{ prompt #"{prompt}"# }}'
    found = Prompts([source]).replaced("F")
    assert found == (None if replaced is None else frozenset(replaced))


def test_what_is_unknown_is_not_plain() -> None:
    assert Prompts(["class C { prompt string }"]).replaced("C") is None


def build(given: Mapping[str, Any]) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": f"<{given['text']}>"}]}


@pytest.mark.parametrize(
    "build",
    [
        lambda given: {**build(given), "model": given["text"]},
        lambda given: {"messages": [{"role": given["text"], "content": "a"}]},
        lambda given: {"messages": [{"role": "user", "content": [{"type": "text", "text": given["text"]}]}]},
        lambda given: {"messages": [{"role": "user", "content": given["text"].replace("\r\n", "\n")}]},
        lambda given: {"messages": [{"role": "user", "content": "!" * len(given["text"])}]},
    ],
)
def test_what_does_not_come_out_as_baml_s_own_is_left_to_it(build: Any) -> None:
    assert Prompt(frozenset(), build).filled({"text": "hello"}) is None


def test_only_texts_are_filled_in() -> None:
    prompt = Prompt(frozenset(("</",)), build)
    assert prompt.filled({"text": "hello"}) == build({"text": "hello"})
    for text in ("", " a", "a\n", "a{", "</a", 7, True, ["a"], {"a": 1}):
        assert prompt.filled({"text": text}) is None


def test_an_argument_that_takes_some_words_only_is_left_to_baml() -> None:
    def picky(given: Mapping[str, Any]) -> Json:
        if given["text"] not in ("low", "high"):
            raise InvalidArguments("BAML cannot make anything of this.")
        return build(given)

    assert Prompt(frozenset(), picky).filled({"text": "low"}) is None


def test_clients_cannot_have_it_keep_a_form_for_every_set_of_arguments() -> None:
    built: list[object] = []

    def noted(given: Mapping[str, Any]) -> Json:
        built.append(given)
        return build(given | {"text": " ".join(name for name, value in given.items() if value)})

    prompt = Prompt(frozenset(), noted)
    for number in range(3 * MOST_FORMS):
        prompt.filled({f"text{number}": "a"})
    assert len(prompt._forms) == MOST_FORMS
    assert len(built) <= 3 * MOST_FORMS
