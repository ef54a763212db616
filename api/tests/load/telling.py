"""`penstock`, which on SIGUSR1 logs how many tasks its loop has.

What the product does not expose is asked of its process here, so that it need not expose it.
"""

import asyncio
import json
import os
import signal
import sys
from types import FrameType

from penstock.cli import main


def tell(number: int, frame: FrameType | None) -> None:
    """Runs between two steps of the loop's thread; one write, so that no other line of the log is torn."""
    del number, frame
    line = {"event": "tasks", "count": len(asyncio.all_tasks())}
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    sys.exit(main())
