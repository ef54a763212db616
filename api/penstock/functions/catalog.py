"""The typed functions, found by looking at the generated BAML client. Nothing else knows BAML."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from penstock.errors import InternalError, InvalidArguments, UnparseableOutput
from penstock.functions.environment import StartRefused
from penstock.functions.guided import Json, response_format
from penstock.functions.media import with_media
from penstock.functions.parse import Parser
from penstock.functions.plain import Prompts
from penstock.functions.prompt import Prompt
from penstock.functions.readers import CONSTRAINTS, Unreadable
from penstock.functions.reserved import refuse_new_turns, refuse_reserved
from penstock.functions.source import Declarations, read_sources
from penstock.settings.environment import process_environment


@dataclass(frozen=True)
class Function:
    """One typed function. `arguments`, `returns` and `partial` are the types to declare its routes with.

    `response_format` is None when it answers in free text.
    """

    name: str
    description: str
    arguments: type[BaseModel]
    returns: Any
    partial: Any
    response_format: Json | None
    asked: Callable[[Mapping[str, Any]], Json]
    """What BAML asks for these arguments."""
    prompt: Prompt | None
    """If it only quotes them."""
    whole: Parser
    beginning: Parser

    def build(self, arguments: BaseModel) -> Json:
        """The chat request that BAML makes of the arguments. No I/O; about 5 µs where the prompt only quotes them,
        else about 150 µs, twice that if a text has a brace.

        Raises InvalidArguments for what BAML cannot take, and for texts that would change whose turns there are.
        """
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        refuse_reserved(given)
        body = self.prompt.filled(given) if self.prompt is not None else None
        if body is None:
            body = self.asked(given)
            refuse_new_turns(body, given, self.asked)
        return body

    def parse(self, text: str) -> object:
        """The value that a whole answer stands for. Raises UnparseableOutput, which never quotes it."""
        if self.response_format is None:
            return text
        try:
            return self.whole(text)
        except Unreadable:
            raise UnparseableOutput(f"The model's answer is not what {self.name} returns.") from None

    def parse_partial(self, text: str) -> object | None:
        """What the beginning of an answer says so far, or None if nothing can be made of it yet."""
        if self.response_format is None:
            return text
        try:
            return self.beginning(text)
        except Unreadable:
            return None

    def dump(self, value: object) -> bytes:
        return self.whole.adapter.dump_json(value)

    def dump_partial(self, value: object) -> bytes:
        return self.beginning.adapter.dump_json(value)


def load(package: str = "baml_client") -> Mapping[str, Function]:
    """Every function of the generated client, by name. Call `prepare_environment` first: this imports BAML.

    Raises StartRefused, with what to change, if a function cannot be served with an exact schema.
    """
    try:
        return _load(package)
    except (RecursionError, NameError):
        raise StartRefused("A type alias in the .baml files leads back to itself: make it a class.") from None


def _load(package: str) -> Mapping[str, Function]:
    client = importlib.import_module(f"{package}.sync_client")
    files = importlib.import_module(f"{package}.inlinedbaml").get_baml_files()
    _name_partials(importlib.import_module(f"{package}.stream_types"))
    declared = read_sources(files.values())
    _refuse_dynamic(declared)
    names = [name for name in vars(client.BamlHttpRequestClient) if not name.startswith("_")]
    runtime, prompts = importlib.import_module(f"{package}.runtime"), Prompts(files.values())
    return {name: _function(client, runtime, name, declared, prompts) for name in sorted(names)}


def _function(client: ModuleType, runtime: ModuleType, name: str, declared: Declarations, prompts: Prompts) -> Function:
    hints = get_type_hints(getattr(client.BamlSyncClient, name))
    streamed = get_type_hints(getattr(client.BamlStreamClient, name))["return"]
    returns, partial = hints.pop("return"), get_args(streamed)[0]
    hints.pop("baml_options")
    twins = {**{f"Partial{each}": item for each, item in declared.items()}, **declared}
    strict = not declared[name].attributes & CONSTRAINTS
    parse, parse_stream = (
        _guarded(getattr(part, name), Unreadable) for part in (client.b.parse, client.b.parse_stream)
    )
    asked, replaced = _asker(name, runtime), prompts.replaced(name)
    return Function(
        name=name,
        description=declared[name].description,
        arguments=_arguments(name, hints),
        returns=returns,
        partial=partial,
        response_format=response_format(name, returns, declared),
        asked=asked,
        prompt=None if replaced is None else Prompt(replaced, asked),
        whole=Parser(returns, declared, parse, partial=False, strict=strict),
        beginning=Parser(partial, twins, parse_stream, partial=True, strict=strict),
    )


def _asker(name: str, runtime: ModuleType) -> Callable[[Mapping[str, Any]], Json]:
    """Builds the function's requests as the generated client does, which copies the environment for each of them."""
    build, contexts = _guarded(runtime.__runtime__.build_request_sync, InvalidArguments), runtime.__ctx__manager__
    environ = dict(process_environment())

    def asked(given: Mapping[str, Any]) -> Json:
        request = build(name, given, contexts.get(), None, None, environ, False)  # not a stream
        if not request.url.endswith("/chat/completions"):
            raise InternalError(f"{name}'s BAML client does not speak chat completions: use openai-generic.")
        body: Json = request.body.json()
        return body

    return asked


def _arguments(name: str, hints: Mapping[str, Any]) -> type[BaseModel]:
    """The request's model. An argument that may be null may be left out."""
    fields: dict[str, Any] = {
        argument: (with_media(hint), None if type(None) in get_args(hint) else ...) for argument, hint in hints.items()
    }
    closed = ConfigDict(extra="forbid", protected_namespaces=())
    return create_model(f"{name}Request", __config__=closed, **fields)


def _guarded(call: Callable[..., Any], error: type[Exception]) -> Callable[..., Any]:
    """The call with BAML's errors, which quote prompts and replies, replaced by one that does not.

    BAML raises pydantic's own error where its casts fail.
    """
    from baml_py.errors import BamlError  # only now: the environment must be prepared before BAML is imported

    def guarded(*args: object, **kwargs: object) -> Any:
        try:
            return call(*args, **kwargs)
        except (BamlError, ValidationError):
            raise error("BAML cannot make anything of this.") from None

    return guarded


def _name_partials(stream_types: ModuleType) -> None:
    """BAML gives a type and its partial twin one name; in one OpenAPI document they need two."""
    twins = {
        name: twin
        for name, twin in vars(stream_types).items()
        if isinstance(twin, type) and twin.__module__ == stream_types.__name__ and issubclass(twin, BaseModel)
    }
    for name, twin in twins.items():
        twin.__name__ = twin.__qualname__ = f"Partial{name}"
        del twin.__pydantic_core_schema__  # holds the old name, and is built into those of other twins
    for twin in twins.values():
        twin.model_rebuild(force=True)


def _refuse_dynamic(declared: Declarations) -> None:
    for name, declaration in declared.items():
        if "dynamic" in declaration.attributes:
            raise StartRefused(f"{name} is @@dynamic: its schema is only known at run time, so it cannot be served.")
