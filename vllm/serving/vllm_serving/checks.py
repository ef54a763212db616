"""What can be known before vLLM starts, and would else be a long trace minutes later: `python -m vllm_serving.checks`.

Reads SERVE_MODEL, SERVE_DEVICE, SERVE_GPUS and SERVE_GPU_MEMORY. Says in one line what is wrong and what to do, exit 1.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vllm_serving.weights import Unfit, weights

GIB = 1 << 30
QUERY = ["nvidia-smi", "--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits"]


@dataclass(frozen=True)
class GPU:
    total: int  # bytes
    free: int


def gpus() -> list[GPU]:
    """Those that this process can see. Unfit if there are none."""
    try:
        told = subprocess.run(QUERY, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Unfit(
            f"no GPU can be seen ({error}). Give the container one (docker run --gpus all; in compose a reservation of "
            "devices) on a host with NVIDIA's driver and container toolkit. Without a GPU: vllm/cpu"
        ) from None
    mebibytes = [[int(number) << 20 for number in line.split(",")] for line in told.splitlines()]
    return [GPU(total, free) for total, free in mebibytes]


def check_gpus(there: list[GPU], wanted: int, share: float, size: int) -> None:
    """`size` bytes of weights on `wanted` GPUs, of each of which vLLM takes `share`. Unfit if they do not fit."""
    if len(there) < wanted:
        raise Unfit(f"SERVE_GPUS is {wanted}, and {len(there)} can be seen: reserve more, or spread over fewer")
    for number, gpu in enumerate(there[:wanted]):
        given = gpu.total * share
        if gpu.free < given:
            raise Unfit(
                f"GPU {number} has {gib(gpu.free)} of {gib(gpu.total)} free, and SERVE_GPU_MEMORY={share} asks for "
                f"{gib(given)}: end what else uses it (nvidia-smi), or ask for less"
            )
        if size / wanted >= given:
            raise Unfit(
                f"the weights are {gib(size)}, {gib(size / wanted)} for each of {wanted} GPUs, and "
                f"SERVE_GPU_MEMORY={share} of GPU {number} is {gib(given)}: spread over more (SERVE_GPUS), or take a "
                "smaller or quantised model"
            )


def check_memory(size: int) -> None:
    """The same of the machine's own memory, where vLLM runs on the CPU."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) << 10
    if size >= free:
        raise Unfit(f"the weights are {gib(size)}, and {gib(free)} of memory are free: take a smaller model")


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"


def check(environment: Mapping[str, str]) -> None:
    """Raises Unfit."""
    if environment["SERVE_DEVICE"] == "cpu":
        check_memory(weights(environment["SERVE_MODEL"]))
        return
    there = gpus()
    size = weights(environment["SERVE_MODEL"])
    check_gpus(there, int(environment["SERVE_GPUS"]), float(environment["SERVE_GPU_MEMORY"]), size)


def main() -> int:
    try:
        check(os.environ)
    except Unfit as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
