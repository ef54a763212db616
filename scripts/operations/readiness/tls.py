"""TLS as clients meet it: versions, the certificate, the way there from HTTP, and that browsers remember it."""

from __future__ import annotations

import re
import ssl

from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground
from operations.readiness.outside import any_certificate

HSTS_S = 15_552_000
"""Half a year."""
GOOD = ("TLSv1.2", "TLSv1.3")


def versions(ground: Ground) -> Seen:
    asked = f"a handshake with {ground.outside.url}, and one with TLS 1.0 and 1.1"
    try:
        version, _, _ = ground.outside.handshake(any_certificate())
    except OSError as error:
        return Seen("fail", asked, f"no TLS: {error}")
    wrong = [] if version in GOOD else [f"{version} is spoken"]
    try:
        old, _, _ = ground.outside.old_handshake()
        wrong.append(f"{old} is spoken too")
    except OSError:
        old = "the old ones are refused"
    return judged(asked, wrong, f"{version}; {old}")


def certificate(ground: Ground) -> Seen:
    """Whether it is trusted is asked where the run was not told to take any."""
    asked = f"the certificate of {ground.outside.url}"
    try:
        days = ground.outside.days_left()
    except OSError as error:
        return Seen("fail", asked, str(error))
    wrong = [f"{days:.0f} days left"] if days < ground.wanted.certificate_days else []
    trusted = "whether it is trusted was not asked (--insecure)"
    if not ground.outside.insecure:
        try:
            ground.outside.handshake(ssl.create_default_context())
            trusted = "trusted"
        except OSError as error:
            wrong.append(f"not trusted: {error}")
    return judged(asked, wrong, f"{days:.0f} days left; {trusted}")


def redirect(ground: Ground) -> Seen:
    reply = ground.outside.plainly("/v1/models")
    where = reply.headers.get("location", "")
    well = f"{reply.status} to {where or 'nowhere'}"
    wrong = [] if reply.status in (301, 308) and where.startswith("https://") else [well]
    return judged(f"GET {ground.outside.plain_url}/v1/models", wrong, well)


def hsts(ground: Ground) -> Seen:
    told = ground.outside.ask("/health/live").headers.get("strict-transport-security", "")
    age = re.search(r"max-age=(\d+)", told)
    wrong = [] if age and int(age[1]) >= HSTS_S else [told or "no such header"]
    return judged("the header strict-transport-security", wrong, told)
