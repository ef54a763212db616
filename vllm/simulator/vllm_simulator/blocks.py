"""The engine's memory: KV blocks, shared by requests whose prompts begin alike."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hold:
    """The blocks of one request. Give it back with `BlockPool.release`."""

    keys: tuple[int, ...]
    private: int
    cached_tokens: int


class BlockPool:
    """Counts blocks; keeps full prompt blocks after use, oldest out first, and finds them again by prefix.

    A request takes the blocks of its whole answer when it starts, so none is thrown out later. Without `caching`
    nothing is kept or found.
    """

    def __init__(self, total: int, block_size: int, *, caching: bool = True) -> None:
        self.total = total
        self.block_size = block_size
        self._caching = caching
        self._users: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._private = 0

    @property
    def used(self) -> int:
        return len(self._users) + self._private

    def take(self, prompt: Sequence[Hashable], answer_tokens: int) -> Hold | None:
        """Blocks for a prompt and its answer, or None while there is no room for them."""
        keys = self._keys(prompt)
        whole = -(-(len(prompt) + answer_tokens) // self.block_size)
        # A request larger than all the memory may run alone: refusing it is max_model_len's business.
        private = min(whole, self.total) - len(keys)
        fresh = sum(key not in self._users for key in keys)
        if self.used and self.used + fresh + private > self.total:
            return None
        hold = Hold(keys, private, self._cached(keys, len(prompt)))
        self._occupy(hold)
        return hold

    def release(self, hold: Hold) -> None:
        self._private -= hold.private
        for key in hold.keys:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._idle[key] = None
        self._evict()

    def _keys(self, prompt: Sequence[Hashable]) -> tuple[int, ...]:
        if not self._caching:
            return ()
        size, key, keys = self.block_size, 0, []
        for start in range(0, min(len(prompt), size * self.total) - size + 1, size):
            key = hash((key, tuple(prompt[start : start + size])))
            keys.append(key)
        return tuple(keys)

    def _cached(self, keys: tuple[int, ...], prompt_tokens: int) -> int:
        known = 0
        for key in keys:
            if key not in self._users and key not in self._idle:
                break
            known += 1
        # The last token is always computed: its logits are the first answer.
        return max(0, min(known * self.block_size, prompt_tokens - 1))

    def _occupy(self, hold: Hold) -> None:
        self._private += hold.private
        for key in hold.keys:
            self._users[key] = self._users.get(key, 0) + 1
            self._idle.pop(key, None)
        self._evict()

    def _evict(self) -> None:
        while self._idle and self.used + len(self._idle) > self.total:
            self._idle.popitem(last=False)
