"""What the model says: words that follow from the text before them, and from nothing else.

The next word is a function of the whole text so far. So greedy answers agree between replicas, and an
answer continued elsewhere from its text or its token ids goes on as it would have gone on here.
"""

from collections.abc import Sequence
from zlib import crc32

from vllm_simulator.tokens import START, pieces

# Each is one token with its space: what is said tokenizes to what it was said in.
_WORDS = """
a about after all also an and any are as at back be been body book both but by call can case city clear cold
come could day deep do door down each early east eight end even every eye face fact far few field find fire
first five flow food for form found four free from full gate gave give go gold good grow had half hand has
have he head heat help her high hill home hour house how if in into is it its just keep kind know lake land
large last late less let life light like line long look lot made main make many may mean might mind more
most must name near need new next night no north not now of off often old on once one only open or other our
out over own part path place plan point power put queue quite rain read real red rest right river road room
run said same sand say sea see send seven ship short show side six slow small so some soon south space start
state still stone stop such sun take tell ten than that the their them then there these they thing think
this those three time to too top town tree true turn two under until up upon us use very wall warm was water
way we well went were west what when where which while white who why wide will wind with wood word work
world would year yes you your
"""
VOCABULARY = tuple(f" {word}" for word in _WORDS.split())
_ENCODED = tuple(word.encode() for word in VOCABULARY)
_TURN = f"{START}assistant\n"
_SHORTEST, _SPREAD = 16, 49


def speak(before: str, tokens: int, salt: int = 0) -> list[str]:
    """The next `tokens` pieces after a text. `salt` stands for a seed or a choice's number; 0 is greedy."""
    state, said = crc32(before.encode(), salt), []
    for _ in range(tokens):
        index = (state * 2654435761 >> 13) % len(VOCABULARY)
        said.append(VOCABULARY[index])
        state = crc32(_ENCODED[index], state)
    return said


def natural_length(before: str) -> int | None:
    """How many tokens are left of the answer that stands open at the end of `before`: 16 to 64 in all.

    None when no assistant's turn is open: plain text never ends by itself.
    """
    prompt, turn, said = before.rpartition(_TURN)
    if not turn:
        return None
    whole = _SHORTEST + crc32(prompt.encode()) % _SPREAD
    return max(1, whole - len(pieces(said)))


def cut_at_stop(said: Sequence[str], stops: Sequence[str]) -> tuple[list[str], str] | None:
    """The pieces before the earliest stop string, the last one cut short, and that string."""
    text = "".join(said)
    found = min(((text.find(stop), stop) for stop in stops if stop and stop in text), default=None)
    if found is None:
        return None
    position, stop = found
    kept, length = [], 0
    for piece in said:
        kept.append(piece[: max(0, position - length)])
        length += len(piece)
        if length >= position + len(stop):
            break
    return kept, stop


def likelihoods(piece: str, at: int, others: int) -> list[tuple[str, float]]:
    """The piece with its log probability, then `others` less likely ones."""
    state = crc32(piece.encode(), at)
    first = -(state % 1000) / 1000
    rest = [(VOCABULARY[(state + 7 * n) % len(VOCABULARY)], first - n * 0.25) for n in range(1, others + 1)]
    return [(piece, first), *rest]
