"""With the pool switched off, the cloud answers: proven, and undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.errors import NOT_PUT_BACK, CannotAsk, OperationError, StepFailed
from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground, listed
from operations.telling import tell

KNOWN_S = 20.0
ASKED = 3


class NotUndrained(OperationError):
    """Replicas get nothing, by our doing. The next run tries again."""

    code = NOT_PUT_BACK


def proven(ground: Ground) -> Seen:
    ground.disruptive("it switches a model's replicas off, and a cloud is paid for a moment")
    unit = ground.one().name
    targets = [each for each in ground.targets(unit) if ground.model in each["models"]]
    clouds = {str(each["id"]) for each in targets if each["kind"] == "cloud"}
    replicas = [str(each["id"]) for each in targets if each["kind"] == "replica" and not each["drained"]]
    asked = f"drain {listed(replicas)}, and ask {ground.model} {ASKED} times"
    if not clouds:
        return Seen("fail", asked, f"{ground.model} has no cloud to fall back to")
    with _drained(ground, replicas):
        replies = [ground.outside.chat(ground.model) for _ in range(ASKED)]
    by = [(reply.status, reply.headers.get("x-penstock-target", "nobody")) for reply in replies]
    wrong = [f"{status} from {who}" for status, who in by if status != 200 or who not in clouds]
    return judged(asked, wrong, f"{listed({who for _, who in by})} answered; undone")


def is_left(ground: Ground) -> bool:
    return _noted(ground).exists()


def repair(ground: Ground) -> None:
    """Undo what a run that was killed left drained. Raises NotUndrained."""
    path = _noted(ground)
    if is_left(ground):
        left = json.loads(path.read_text())
        tell(f"a run before was killed while {listed(left)} were drained: undoing that first")
        _undo(ground, left)


@contextmanager
def _drained(ground: Ground, replicas: list[str]) -> Iterator[None]:
    """Of every instance. What is drained is noted before it is, so that a run that is killed can be undone."""
    path = _noted(ground)
    path.write_text(json.dumps(replicas))
    interrupts = ground.site.patience.interrupts
    try:
        _set(ground, replicas, "drain")
        ground.site.patience.until("drained everywhere", lambda: _wanting(ground, replicas, drained=True), KNOWN_S)
        yield
        _undo(ground, replicas)
    except BaseException:  # whatever it was, it is undone
        interrupts.undo()
        _undo(ground, replicas)
        interrupts.undone()
        raise


def _undo(ground: Ground, replicas: list[str]) -> None:
    try:
        _set(ground, replicas, "undrain")
        ground.site.patience.until("undrained everywhere", lambda: _wanting(ground, replicas, drained=False), KNOWN_S)
    except OperationError as error:
        raise NotUndrained(f"NOT PUT BACK: {listed(replicas)} may still be drained: {error}") from error
    _noted(ground).unlink(missing_ok=True)


def _set(ground: Ground, replicas: list[str], verb: str) -> None:
    for unit in ground.serving():
        for name in replicas:
            ground.inside.ask(unit.name, f"/admin/targets/{name}/{verb}", key=ground.operator_key, post=True)


def _wanting(ground: Ground, replicas: list[str], *, drained: bool) -> str:
    """They tell each other, so an instance may hear of the one before after us."""
    for unit in ground.serving():
        try:
            targets = ground.targets(unit.name)
        except (CannotAsk, StepFailed) as error:
            return str(error)
        wrong = [str(each["id"]) for each in targets if each["id"] in replicas and each["drained"] != drained]
        if wrong:
            return f"{unit.name} has {listed(wrong)} {'not yet' if drained else 'still'} drained"
    return ""


def _noted(ground: Ground) -> Path:
    return ground.site.folder / "drained.json"
