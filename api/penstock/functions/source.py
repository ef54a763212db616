"""What the generated client forgets of the .baml sources: aliases, skips, constraints and descriptions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

TOKEN = re.compile(
    r"""
      (?P<aside>    \{//.*?//\} | (?<!/)//(?!/)[^\n]* )
    | (?P<doc>      ///[^\n]* )
    | (?P<jinja>    \{\{.*?\}\} )
    | (?P<raw>      (?P<fence>\#+)".*?"(?P=fence) )
    | (?P<string>   "(?:\\.|[^"\\])*" )
    | (?P<attribute> @@?[A-Za-z_][\w.]* )
    | (?P<word>     [A-Za-z_]\w* )
    | (?P<newline>  \n )
    | (?P<space>    [^\S\n]+ )
    | (?P<sign>     . )
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass
class Member:
    """A class's field or an enum's value. `wire` is its spelling for the model; None if kept from it."""

    wire: str | None
    attributes: set[str] = field(default_factory=set)


@dataclass
class Declaration:
    """A class, enum, function or type alias, with its `///` description. Attributes lack their `@`."""

    kind: str
    description: str
    members: dict[str, Member] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)

    def wires(self) -> dict[str, str]:
        """The name of each member that the model may use, to its spelling for the model."""
        return {name: member.wire for name, member in self.members.items() if member.wire is not None}

    def all_attributes(self) -> set[str]:
        return self.attributes.union(*(member.attributes for member in self.members.values()))


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


Declarations = Mapping[str, Declaration]


def read_sources(files: Iterable[str]) -> Declarations:
    """Everything declared in the files, by name. The files have passed BAML's own check before."""
    return {name: declaration for text in files for name, declaration in _declarations(scan(text))}


def scan(text: str) -> Iterator[Token]:
    """Of a .baml file, without its comments."""
    for match in TOKEN.finditer(text):
        kind = "raw" if match.lastgroup == "fence" else str(match.lastgroup)
        if kind != "aside":
            yield Token(kind, match.group())


def _declarations(tokens: Iterator[Token]) -> Iterator[tuple[str, Declaration]]:
    doc: list[str] = []
    current: Declaration | None = None
    for token in tokens:
        if token.kind == "doc":
            doc.append(token.text.removeprefix("///").strip())
        elif token.kind not in ("newline", "space"):
            if token.text in ("class", "enum", "function", "type"):
                name, current = _next_word(tokens), Declaration(token.text, " ".join(doc))
                if token.text != "type":
                    _read_body(current, tokens)
                yield name, current
            elif token.text == "{":
                _rest_of_block(tokens)
            elif token.kind == "attribute" and current is not None:
                current.attributes.add(token.text.lstrip("@"))
            doc.clear()


def _next_word(tokens: Iterator[Token]) -> str:
    return next(token.text for token in tokens if token.kind == "word")


def _read_body(declaration: Declaration, tokens: Iterator[Token]) -> None:
    header = list(takewhile(lambda token: token.text != "{", tokens))
    declaration.attributes.update(token.text.lstrip("@") for token in header if token.kind == "attribute")
    body = _rest_of_block(tokens)
    if declaration.kind != "function":
        _read_members(declaration, body)


def _rest_of_block(tokens: Iterator[Token]) -> list[Token]:
    """The tokens up to the `}` that closes the block which was just opened."""
    depth, rest = 1, []
    for token in tokens:
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0:
            break
        rest.append(token)
    return rest


def _read_members(declaration: Declaration, body: list[Token]) -> None:
    """A member begins with the first word of a line, unless that line goes on with the type before it."""
    member: Member | None = None
    line_start, goes_on = True, False
    tokens = iter(body)
    for token in tokens:
        if token.kind in ("space", "doc"):
            continue
        if token.kind == "newline":
            line_start = not goes_on
            continue
        if token.kind == "attribute":
            _read_attribute(declaration, member, token.text, tokens)
        elif token.kind == "word" and line_start:
            member = declaration.members.setdefault(token.text, Member(wire=token.text))
        line_start, goes_on = False, token.text in ("|", "(", "<", ",")


def _read_attribute(declaration: Declaration, member: Member | None, text: str, tokens: Iterator[Token]) -> None:
    name = text.lstrip("@")
    if text.startswith("@@") or member is None:
        declaration.attributes.add(name)
        return
    member.attributes.add(name)
    if name == "skip":
        member.wire = None
    elif name == "alias" and member.wire is not None:
        member.wire = _argument(tokens)


def _argument(tokens: Iterator[Token]) -> str:
    """The text of the single argument in the parentheses that come next, unquoted."""
    next(token for token in tokens if token.text == "(")
    inside = takewhile(lambda token: token.text != ")", tokens)
    return "".join(map(unquoted, inside)).strip()


def unquoted(token: Token) -> str:
    """The text of a string; any other token as it stands."""
    if token.kind == "string":
        return str(json.loads(token.text, strict=False))
    if token.kind == "raw":
        return token.text.strip("#")[1:-1]
    return token.text
