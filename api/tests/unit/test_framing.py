"""No header of ours ends its line before its time, whatever is in it."""

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st
from penstock.surfaces.framing import header_lines

PIECES = st.lists(st.sampled_from([b"a", b"\r", b"\n", b" ", b"\x0b", b"\x85", b"\x1c"]), max_size=4).map(b"".join)


@given(st.lists(st.tuples(PIECES, PIECES), max_size=4))
@example([(b"a", b"\r")])
@example([(b"\n", b"a")])
@example([(b"a", b""), (b"\n", b"")])
def test_a_header_that_ends_a_line_is_refused_and_no_other_is(headers: list[tuple[bytes, bytes]]) -> None:
    lines = None
    with contextlib.suppress(ValueError):
        lines = header_lines(headers)
    ends = any(end in each for header in headers for each in header for end in (b"\r", b"\n"))
    assert lines == (None if ends else b"".join(b"%b: %b\r\n" % header for header in headers))


def test_how_the_connection_is_kept_is_not_told_here() -> None:
    assert header_lines([(b"connection", b"close"), (b"a", b"b")]) == b"a: b\r\n"
