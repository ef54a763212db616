"""Tell Slack how a deploy ended: `python3 scripts/ci/slack.py OUTCOME`, through the webhook at SLACK_WEBHOOK_URL.

VERSION, STRATEGY and ACTOR say what was deployed and for whom; GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_RUN_ID
where to read on. Without an address nobody is told, which is said aloud and is no failure. The address is a
secret: it is never printed.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException

WORDS = {
    "deployed": ":white_check_mark: *Deployed*",
    "rolled-back": ":leftwards_arrow_with_hook: *Rolled back*: it was up, and failed the smoke test",
    "rollback-failed": ":rotating_light: *Broken*: it failed the smoke test, and could not be rolled back",
    "not-deployed": ":x: *Not deployed*: traffic is where it was",
    "not-built": ":x: *Not deployed*: its build failed",
}
LOST = ":rotating_light: *Ended without a verdict*: look at what serves"
TRIES = 3
TIMEOUT_S = 10


def message(outcome: str, env: Mapping[str, str]) -> dict[str, str]:
    """What Slack is sent. What comes from outside is escaped, so that no version can mention a channel."""
    told = [WORDS.get(outcome, LOST)]
    told += [f"{key.lower()} {_escaped(env[key])}" for key in ("VERSION", "STRATEGY", "ACTOR") if env.get(key)]
    run = "/".join(env.get(key, "") for key in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
    return {"text": " · ".join(told) + f" · <{run}/actions/runs/{env.get('GITHUB_RUN_ID', '')}|the run>"}


def send(address: str, body: dict[str, str], pause_s: float = 2) -> str | None:
    """Post it, again where that may help. None, or why it did not arrive, without the address."""
    request = urllib.request.Request(
        address, data=json.dumps(body).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    why = None
    for attempt in range(TRIES):
        time.sleep(pause_s if attempt else 0)
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as refused:
            why = f"Slack answered {refused.code}"
            if refused.code < 500 and refused.code != 429:
                break
        except (OSError, HTTPException) as failed:
            why = f"Slack could not be reached: {type(failed).__name__}"
        else:
            return None
    return why


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def main() -> int:
    body = message(sys.argv[1] if len(sys.argv) > 1 else "", os.environ)
    print(body["text"])
    address = os.environ.get("SLACK_WEBHOOK_URL", "")
    if not address.startswith(("https://", "http://")):
        print("::warning::SLACK_WEBHOOK_URL holds no address: nobody was told")
        return 0
    why = send(address, body)
    if why:
        print(f"::error::nobody was told: {why}")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
