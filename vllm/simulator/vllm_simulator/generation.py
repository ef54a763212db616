"""The road of a generating request through the simulator: faults, checks, the engine, the answer."""

from collections.abc import Mapping

from vllm_simulator import cloud, errors
from vllm_simulator.bodies import Body, read_body
from vllm_simulator.breakage import PAGE, failure, misheard
from vllm_simulator.exchange import Exchange
from vllm_simulator.faults import Fault
from vllm_simulator.job import Dialect, Job
from vllm_simulator.ledger import Ledger
from vllm_simulator.reply import Process, Reply
from vllm_simulator.settings import Settings
from vllm_simulator.ticker import Ticker, Ticket


class Generation:
    """Serves the requests of every dialect."""

    def __init__(self, settings: Settings, ticker: Ticker, ledger: Ledger, process: Process) -> None:
        self._settings = settings
        self._ticker = ticker
        self._ledger = ledger
        self._process = process

    async def serve(self, exchange: Exchange, dialect: Dialect, drawn: Mapping[str, Fault]) -> None:
        """Answers. Raises ApiError before the answer has begun, ClientGoneError when nobody is left."""
        if drawn and await mislead(exchange, drawn, self._settings.role):
            return
        job = self._read(exchange, dialect, drawn)
        ticket = self._submit(job, drawn["slow"].factor if "slow" in drawn else 1.0)
        exchange.on_gone = ticket.abandon
        reply = Reply(exchange, dialect, job, ticket, drawn, self._process)
        try:
            await (reply.stream() if job.stream else reply.whole())
        finally:
            exchange.on_gone = None
            self._ticker.drop(ticket)
            self._note(reply)

    def _note(self, reply: Reply) -> None:
        job = reply.job
        written = job.completion_tokens if reply.told else reply.ticket.run.produced
        self._ledger.answered(job.body.get("user"), job.prompt_tokens, written, told=reply.told)

    def _read(self, exchange: Exchange, dialect: Dialect, drawn: Mapping[str, Fault]) -> Job:
        asked = misheard(self._checked(exchange), drawn)
        try:
            return dialect.read(asked, exchange.header(b"x-request-id"), self._settings)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # The depths of a body are not checked field by field: what trips over them is the client's slip.
            raise errors.invalid_body("value_error", "body", "Value error", repr(error)) from error

    def _checked(self, exchange: Exchange) -> Body:
        asked = read_body(exchange.header(b"content-type"), exchange.body)
        model, known = asked.get("model"), self._settings.models
        if self._settings.role == "cloud":
            cloud.check_parameters(exchange.path, asked)
            if model not in known:
                raise cloud.unknown_model(model)
        elif isinstance(model, str) and model not in known:
            raise errors.unknown_model(model, known)
        return asked

    def _submit(self, job: Job, stretch: float) -> Ticket:
        pieces = [piece for prompt in job.prompts for piece in prompt.pieces]
        reason = job.choices[0].finish_reason if job.choices else "stop"
        count = max(1, len(job.choices))
        return self._ticker.submit(pieces, job.steps, job.stream, reason, count, job.completion_tokens, stretch)


async def mislead(exchange: Exchange, drawn: Mapping[str, Fault], role: str) -> bool:
    """Applies the faults that come before any thought of an answer; False when there was none."""
    if "slow" in drawn:
        await exchange.linger(drawn["slow"].seconds)
    if "hang" in drawn:
        await exchange.linger()
    if "reset" in drawn:
        exchange.wire.reset()
        return True
    if "status" in drawn:
        raise failure(drawn["status"], role)
    if "html200" in drawn:
        await exchange.answer(200, PAGE, b"text/html; charset=utf-8")
        return True
    return False
