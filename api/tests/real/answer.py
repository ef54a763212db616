"""An answer as a client meets it, told from outside by its status, its target and its events."""

import json

import httpx


class Answer:
    """A stream, or a whole answer as a stream of one event, read to its end by a thread of its own."""

    def __init__(self, url: str, body: dict[str, object]) -> None:
        self.status = 0
        self.target = ""
        self.events: list[str] = []
        self._url, self._body = url, body

    def read(self) -> "Answer":
        with httpx.stream("POST", f"{self._url}/v1/chat/completions", json=self._body, timeout=90) as reply:
            self.status = reply.status_code
            self.target = reply.headers.get("x-penstock-target", "")
            for line in reply.iter_lines():
                if line:
                    self.events.append(line.removeprefix("data: "))
        return self

    @property
    def looks_complete(self) -> bool:
        """What a client that knows no better takes for success."""
        return "[DONE]" in self.events or '"finish_reason":"' in "".join(self.events)

    @property
    def aborted(self) -> bool:
        """It ends as vLLM ends one that it gives up: complete in form, cut short in fact."""
        return '"finish_reason":"abort"' in "".join(self.events)

    @property
    def error(self) -> dict[str, str]:
        """The error that the last event holds."""
        error: dict[str, str] = json.loads(self.events[-1]).get("error", {})
        return error
