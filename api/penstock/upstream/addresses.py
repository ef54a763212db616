"""Which addresses stand behind the names of replicas, as last looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from penstock.settings.parts import Model, Replica


class Addresses:
    """By URL. One that was never found has none."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def learn(self, url: str, addresses: Iterable[str]) -> bool:
        """Whether they are others than before."""
        before = self._known.get(url)
        self._known[url] = frozenset(addresses)
        return self._known[url] != before

    def replicas(self, model: Model) -> Iterator[Replica]:
        """The model's replicas, with one for each address in the place of those that want it so."""
        for replica in model.replicas:
            if replica.each_address:
                yield from map(replica.at, sorted(self._known.get(replica.url, ())))
            else:
                yield replica
