"""What instances tell each other of their targets, in the background: opened, probing, drained.

Each instance decides at once and by itself; what the others found reaches it within a second. No request waits
for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.state.store import Store
from penstock.upstream.breaker import State
from penstock.upstream.roster import Roster
from penstock.upstream.target import Target

EVERY_S = 0.5
OPENED_S = 60.0
"""How long an instance's word that a target is broken holds, if it cannot take it back."""
PROBING_S = 15.0
DRAINED_S = 7 * 24 * 3600.0
"""How long a drain outlives the instances that know of it."""
SAID = ("opened", "probing", "drained", "undrained")
"""What is said of a target: its key is one of these, a colon and the target's id."""


@dataclass(slots=True)
class Gossip:
    """`connected` is False while the store is this instance's own memory alone: then the last reading holds."""

    store: Store
    roster: Roster
    connected: Callable[[], bool]
    _untold: dict[str, float | None] = field(default_factory=dict, init=False)
    """Keys to mark, for so many seconds, or to clear."""
    _mine: set[str] = field(default_factory=set, init=False)
    _hearsay: set[str] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Tell and listen until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(EVERY_S)

    def breaker_moved(self, target: Target, state: State) -> None:
        """Remember to tell a breaker's new state, unless we have it from another."""
        opened, probing = f"opened:{target.id}", f"probing:{target.id}"
        if state == "open":
            if opened not in self._hearsay:
                self._untold[opened] = OPENED_S
            self._take_back(probing)
        elif state == "half-open":
            self._untold[probing] = PROBING_S
        else:
            self._hearsay.discard(opened)
            self._untold[opened] = None
            self._take_back(probing)

    def _take_back(self, key: str) -> None:
        """Clear a mark of ours: another's of the same name is not ours to clear."""
        self._untold.pop(key, None)
        if key in self._mine:
            self._untold[key] = None

    def drained(self, target: Target) -> None:
        """Remember to tell that an operator drained a target, or took that back: each is said, and not left to be
        guessed from silence, which may be that of a Redis that has lost its memory."""
        self._untold[f"drained:{target.id}"] = DRAINED_S if target.drained else None
        self._untold[f"undrained:{target.id}"] = None if target.drained else DRAINED_S

    async def exchange(self) -> None:
        """Tell what is new here, then take in what is known elsewhere."""
        while self._untold:
            key, ttl_s = self._untold.popitem()
            if ttl_s is None:
                self._mine.discard(key)
                await self.store.clear([key])
            else:
                self._mine.add(key)
                await self.store.mark(key, ttl_s)
        targets = tuple(self.roster.targets.values())
        keys = [f"{what}:{target.id}" for target in targets for what in SAID]
        marked = await self.store.marked(keys)
        if self.connected():
            for target in targets:
                self._take_in(target, marked)

    def _take_in(self, target: Target, marked: frozenset[str]) -> None:
        opened, probing = f"opened:{target.id}", f"probing:{target.id}"
        self._take_in_drain(target, marked)
        target.breaker.probed_elsewhere = probing in marked and probing not in self._mine
        if opened in self._untold:
            return
        if opened in marked and target.breaker.state == "closed":
            self._hearsay.add(opened)
            target.breaker.open()
        elif opened not in marked and opened in self._hearsay:
            self._hearsay.discard(opened)
            target.breaker.probe_soon()

    def _take_in_drain(self, target: Target, marked: frozenset[str]) -> None:
        drained, undrained = f"drained:{target.id}", f"undrained:{target.id}"
        if drained in self._untold or undrained in self._untold:
            return
        if drained in marked or undrained in marked:
            target.drained = drained in marked
        elif target.drained:  # forgotten there, but not here
            self.drained(target)
