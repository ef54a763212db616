"""Watching a version at the edge: is it ready, does it stay alive, how often does it err?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from operations.errors import Breach, CannotAsk, StepFailed
from operations.platform import Answers
from operations.proportions import binomial_tail
from operations.site import Site
from operations.telling import tell
from operations.words import Colour, Picture, Unit

LOOK_S = 1.0
BLIND_S = 15.0
"""So long nothing need be seen: the edge is asked by commands, and the machine may be busy."""
CERTAIN = 0.001
"""How likely a version that errs exactly as often as it may is to be stopped by chance."""


class Watch:
    """What is seen of some units of a colour, and of the colour's answers."""

    def __init__(self, site: Site, colour: Colour) -> None:
        self._site = site
        self._colour = colour
        self._lives: dict[str, str] = {}
        self._away: set[str] = set()
        self._began = Answers(0, 0)
        self._saw_at = site.patience.clock()
        self.seen = Answers(0, 0)

    def over(self, units: Collection[Unit]) -> None:
        """Look at these too, and count answers from now on."""
        stand = self._site.platform.picture()
        self._lives |= {unit.name: stand.unit(unit.name).life for unit in units}
        self._began = self._site.platform.answers().get(self._colour, Answers(0, 0))
        self._saw_at = self._site.patience.clock()

    def look(self) -> None:
        """Raises Breach with the numbers, if it errs too often, was started again, or was not ready twice in a row."""
        try:
            self._look_at_units(self._site.platform.picture())
            self._look_at_answers(self._site.platform.answers())
        except (CannotAsk, StepFailed) as error:
            if self._site.patience.clock() - self._saw_at > BLIND_S:
                raise Breach(f"nothing could be seen for {BLIND_S:g} s: {error}") from None
        else:
            self._saw_at = self._site.patience.clock()

    def lasting(self, seconds: float) -> None:
        """Look again and again for so long."""
        patience = self._site.patience
        if patience.dry:
            return
        until = patience.clock() + seconds
        while patience.clock() < until:
            patience.pause(LOOK_S)
            self.look()
        if self.seen.count:
            tell(f"    {self.seen.count} answers, {self.seen.failed} of them 5xx")

    def _look_at_units(self, picture: Picture) -> None:
        away = set()
        for unit in picture.of(self._colour):
            if unit.name not in self._lives:
                continue
            if unit.life != self._lives[unit.name]:
                raise Breach(f"{unit.name} ended by itself with {unit.version or 'its version'}")
            if not unit.ready:
                away.add(unit.name)
        if twice := away & self._away:
            raise Breach(f"{', '.join(sorted(twice))} stopped being ready")
        self._away = away

    def _look_at_answers(self, counted: Mapping[Colour, Answers]) -> None:
        if self._colour not in counted:
            return
        self.seen = seen = counted[self._colour].since(self._began)
        limit = self._site.limits.max_errors
        if binomial_tail(seen.failed, seen.count, limit) < CERTAIN and seen.failed > limit * seen.count:
            raise Breach(
                f"{seen.failed} of {seen.count} answers of {self._colour} were 5xx "
                f"({seen.failed / seen.count:.1%}, and {limit:.1%} is the limit)"
            )
