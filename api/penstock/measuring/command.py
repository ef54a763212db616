"""`penstock measure URL`: how fast a running engine is, as flags for `penstock capacity`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing

from penstock.measuring.meter import Meter, NotMeasured
from penstock.measuring.speeds import measured
from penstock.settings.environment import variable


def main(arguments: Sequence[str]) -> int:
    """1 if it cannot be measured."""
    options = parser().parse_args(arguments)
    try:
        with closing(Meter(options.url, options.model, options.key or variable("PENSTOCK_KEY"))) as meter:
            speeds = measured(meter, options.prompt_words, options.answer_tokens, options.streams)
    except NotMeasured as error:
        print(f"penstock measure: {error}", file=sys.stderr)
        return 1
    print(f"{meter.model} at {options.url}, doing nothing else:")
    print(f"  reads {speeds.prefill:,.4g} prompt tokens a second")
    print(f"  writes {speeds.decode_alone:,.4g} tokens a second for one stream that is alone")
    print(f"  each further stream makes a step longer by {speeds.crowding:.2%}")
    print(f"\nFor penstock capacity: {speeds.flags()}")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        "penstock measure",
        allow_abbrev=False,
        description="How fast does an engine read and write? Asks a vLLM or a gateway that does nothing else.",
    )
    made.add_argument("url", help="of a vLLM or a gateway, without /v1")
    made.add_argument("--model", help="the model to ask (the first)")
    made.add_argument("--key", help="better in PENSTOCK_KEY")
    made.add_argument(
        "--prompt-words", type=_within(50, 100_000), default=1000, help="of a long prompt: take yours (1000)"
    )
    made.add_argument("--answer-tokens", type=_within(8, 10_000), default=64, help="of an answer (64)")
    made.add_argument("--streams", type=_within(2, 64), default=8, help="asked at once, at most (8)")
    return made


def _within(low: int, high: int) -> Callable[[str], int]:
    """What reads a number from one to the other."""

    def number(text: str) -> int:
        if not low <= (value := int(text)) <= high:
            raise argparse.ArgumentTypeError(f"from {low:,} to {high:,}")
        return value

    return number
