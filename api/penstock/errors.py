"""The error family. Each knows its HTTP status, its OpenAI type and its own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class PenstockError(Exception):
    """Root of everything that a client may be told. `retry_after` is in seconds."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after


class InternalError(PenstockError):
    """A bug of ours. The message never tells more than the request id does."""


# The client's doing: nothing was sent to a target.


class InvalidRequest(PenstockError):
    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class InvalidJSON(InvalidRequest):
    code = "invalid_json"


class RequestTooComplex(InvalidRequest):
    code = "request_too_complex"


class MediaURLRefused(InvalidRequest):
    code = "media_url_refused"


class InvalidArguments(InvalidRequest):
    status = 422
    code = "invalid_arguments"


class BodyTooLarge(InvalidRequest):
    status = 413
    code = "request_too_large"


class BodyTooSlow(InvalidRequest):
    status = 408
    code = "request_timeout"


class UnsupportedMediaType(InvalidRequest):
    status = 415
    code = "unsupported_media_type"


class NotFound(InvalidRequest):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"

    @classmethod
    def named(cls, name: str) -> ModelNotFound:
        """The same for one that is not there and one that the caller may not ask: nobody learns which there are."""
        return cls(f"There is no model {name[:100]!r} that you may ask. See GET /v1/models.", param="model")


class FunctionNotFound(NotFound):
    code = "function_not_found"


class TargetNotFound(NotFound):
    code = "target_not_found"


class CallerNotFound(NotFound):
    code = "caller_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class CallerTaken(InvalidRequest):
    status = 409
    code = "caller_taken"


class NoCallers(NotFound):
    code = "no_callers"


class MethodNotAllowed(InvalidRequest):
    status = 405
    code = "method_not_allowed"


class HeadersTooLarge(InvalidRequest):
    status = 431
    code = "request_headers_too_large"


class Unauthorized(PenstockError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(PenstockError):
    status = 403
    type = "permission_error"
    code = "operator_key_required"
    caller = "none"
    """Whose key it was, for the log."""


class FunctionNotAllowed(Forbidden):
    code = "function_not_allowed"


class StatusPageClosed(Forbidden):
    code = "status_page_closed"


class RequestOverLimit(InvalidRequest):
    """It asks for more than its key may take in a whole minute."""

    code = "request_over_limit"


class RateLimited(PenstockError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetSpent(RateLimited):
    """Its key has spent its dollars. The type and the code are OpenAI's."""

    type = "insufficient_quota"
    code = "insufficient_quota"


class TooManyWatchers(PenstockError):
    status = 429
    type = "rate_limit_error"
    code = "too_many_watchers"


@dataclass(frozen=True, slots=True)
class StopMade:
    """One stop of a call that found no answer: where, and what happened there."""

    target: str
    what: str


class UpstreamFailed(PenstockError):
    """No target answered. Carries every stop that was made, in order."""

    status = 502
    code = "upstream_error"

    def __init__(self, message: str, *, stops: Sequence[StopMade] = (), retry_after: float | None = None) -> None:
        told = "; ".join(f"{stop.target}: {stop.what}" for stop in stops)
        super().__init__(f"{message} Tried {told}." if told else message, retry_after=retry_after)
        self.stops = tuple(stops)


class UpstreamUnreachable(UpstreamFailed):
    code = "upstream_unreachable"


class UpstreamError(UpstreamFailed):
    code = "upstream_error"


class UpstreamTimeout(UpstreamFailed):
    status = 504
    code = "upstream_timeout"


class UpstreamKeyRefused(UpstreamFailed):
    """A target refused our key, not the client's; which key is never told."""

    code = "upstream_key_refused"


class UpstreamBusy(UpstreamFailed):
    status = 429
    type = "rate_limit_error"
    code = "upstream_busy"


class NoTarget(UpstreamFailed):
    """Every target's breaker is open, or every replica is drained, and no cloud is left."""

    status = 503
    code = "no_target_available"


class FallbackBudgetExhausted(UpstreamFailed):
    """No replica answered, and what clouds may be paid is spent."""

    status = 503
    code = "fallback_budget_exhausted"


class Overloaded(PenstockError):
    """More calls wait for a model than can be answered in time."""

    status = 503
    code = "overloaded"


class StreamBroken(UpstreamFailed):
    """The stream ended before the answer did. Told in the stream, which then ends without `[DONE]`."""

    code = "stream_broken"


class TargetRefused(PenstockError):
    """A target read the request and said no (400, 404, 413, 422 …): the same status, in OpenAI's shape."""

    type = "invalid_request_error"
    code = "target_refused"

    def __init__(self, message: str, *, status: int, kind: str, param: str | None, code: str) -> None:
        super().__init__(message, param=param)
        self.status = status  # type: ignore[misc]  # the one error whose status is the target's
        self.type = kind  # type: ignore[misc]
        self.code = code  # type: ignore[misc]


# Typed functions: the model answered, but not with what was asked.


class UnparseableOutput(PenstockError):
    status = 502
    code = "unparseable_output"


class OutputTruncated(PenstockError):
    status = 502
    code = "output_truncated"


class OutputRefused(PenstockError):
    status = 502
    code = "output_refused"


class CallersAway(PenstockError):
    """Where callers are kept cannot be read or written now. Only operators hear it: known keys go on."""

    status = 503
    code = "callers_unavailable"


class UsageAway(PenstockError):
    """What callers used cannot be read now. It is still counted."""

    status = 503
    code = "usage_unavailable"


class Draining(PenstockError):
    status = 503
    code = "draining"


class ClientGone(PenstockError):
    """The client left; nobody hears this. 499 is nginx's number for it."""

    status = 499
    code = "client_gone"


class ClientTooSlow(ClientGone):
    """The client is there but did not read its answer before the call's time was up."""

    code = "client_too_slow"
