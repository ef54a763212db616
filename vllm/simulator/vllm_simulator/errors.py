"""vLLM's errors, word for word where recordings have them."""

from collections.abc import Sequence
from typing import Any

Header = tuple[bytes, bytes]


class ApiError(Exception):
    """An answer with an error status. `body` is what the client gets as JSON.

    A `bare` one comes from so far outside in vLLM that it lacks the usual headers.
    """

    def __init__(
        self, status: int, body: dict[str, Any], headers: Sequence[Header] = (), *, bare: bool = False
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = tuple(headers)
        self.bare = bare


class ClientGoneError(Exception):
    """The client closed its connection before the answer was complete."""


def api_error(status: int, message: str, kind: str, param: str | None = None) -> ApiError:
    """vLLM's error shape: the code is the status, as a number."""
    return ApiError(status, {"error": {"message": message, "type": kind, "param": param, "code": status}})


def bad_request(message: str, param: str | None = None, value: object = None) -> ApiError:
    """A value that vLLM's own checks refuse."""
    hint = f"parameter={param}" + ("" if value is None else f", value={value}")
    return api_error(400, f"{message} ({hint})" if param else message, "BadRequestError", param)


def invalid_body(kind: str, where: str, message: str, given: str, context: str = "") -> ApiError:
    """What pydantic refuses before vLLM looks: `Bad Request`, with a space."""
    detail = f"{{'type': '{kind}', 'loc': '{where}', 'msg': '{message}', 'input': {given!r}{context}}}"
    return api_error(400, f"1 validation error:\n  {detail}", "Bad Request", where)


def wrong_media_type() -> ApiError:
    text = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
    return api_error(400, text, "Bad Request")


def unknown_model(name: object, known: Sequence[str]) -> ApiError:
    text = f"The model `{name}` does not exist. Valid aliases: {', '.join(known)}."
    return api_error(404, text, "NotFoundError", "model")


def context_too_long(limit: int) -> ApiError:
    text = (
        f"This model's maximum context length is {limit} tokens. However, your prompt contains at least "
        f"{limit + 1} input tokens, which exceeds this limit even without any output tokens. "
        "Please reduce the length of the input prompt."
    )
    return bad_request(text, "input_tokens", limit + 1)


def busy() -> ApiError:
    text = (
        "The engine is currently busy and cannot accept new requests. "
        "Please try again later or on a different instance."
    )
    return api_error(503, text, "Service Unavailable")


def draining() -> ApiError:
    error = api_error(500, "cannot schedule new futures after shutdown", "InternalServerError")
    error.bare = True
    return error


def engine_dead() -> ApiError:
    text = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    return api_error(500, text, "InternalServerError")


def unauthorized() -> ApiError:
    return ApiError(401, {"error": "Unauthorized"}, bare=True)


def not_found() -> ApiError:
    return ApiError(404, {"detail": "Not Found"})


def wrong_method(allowed: str) -> ApiError:
    return ApiError(405, {"detail": "Method Not Allowed"}, [(b"allow", allowed.encode())])
