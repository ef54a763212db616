"""The page of NVIDIA's dcgm-exporter 4.8: the families of its default counters, its labels, how it writes a value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

CONTENT_TYPE = b"text/plain; charset=utf-8"
Value = int | float
"""DCGM knows of each field which it is, and the exporter writes floats with six decimals."""

_FIELDS = """
DCGM_FI_DEV_SM_CLOCK gauge SM clock frequency (in MHz).
DCGM_FI_DEV_MEM_CLOCK gauge Memory clock frequency (in MHz).
DCGM_FI_DEV_MEMORY_TEMP gauge Memory temperature (in C).
DCGM_FI_DEV_GPU_TEMP gauge GPU temperature (in C).
DCGM_FI_DEV_POWER_USAGE gauge Power draw (in W).
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter Total energy consumption since boot (in mJ).
DCGM_FI_DEV_PCIE_REPLAY_COUNTER counter Total number of PCIe retries.
DCGM_FI_DEV_GPU_UTIL gauge GPU utilization (in %).
DCGM_FI_DEV_MEM_COPY_UTIL gauge Memory utilization (in %).
DCGM_FI_DEV_ENC_UTIL gauge Encoder utilization (in %).
DCGM_FI_DEV_DEC_UTIL gauge Decoder utilization (in %).
DCGM_FI_DEV_XID_ERRORS gauge Value of the last XID error encountered.
DCGM_FI_DEV_FB_FREE gauge Framebuffer memory free (in MiB).
DCGM_FI_DEV_FB_USED gauge Framebuffer memory used (in MiB).
DCGM_FI_DEV_FB_RESERVED gauge Framebuffer memory reserved (in MiB).
DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL counter Total number of NVLink bandwidth counters for all lanes
DCGM_FI_DEV_VGPU_LICENSE_STATUS gauge vGPU License status
DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS counter Number of remapped rows for uncorrectable errors
DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS counter Number of remapped rows for correctable errors
DCGM_FI_DEV_ROW_REMAP_FAILURE gauge Whether remapping of rows has failed
DCGM_FI_PROF_GR_ENGINE_ACTIVE gauge Ratio of time the graphics engine is active.
DCGM_FI_PROF_PIPE_TENSOR_ACTIVE gauge Ratio of cycles the tensor (HMMA) pipe is active.
DCGM_FI_PROF_DRAM_ACTIVE gauge Ratio of cycles the device memory interface is active sending or receiving data.
"""
FAMILIES = [tuple(line.split(" ", 2)) for line in _FIELDS.strip().splitlines()]
XID = "DCGM_FI_DEV_XID_ERRORS"
_XIDS = {
    13: "Graphics Engine Exception",
    31: "GPU memory page fault",
    43: "GPU stopped processing",
    48: "Double Bit ECC Error",
    63: "ECC page retirement or row remapping recording event",
    64: "ECC page retirement or row remapper recording failure",
    74: "NVLINK Error",
    79: "GPU has fallen off the bus",
    94: "Contained ECC error",
    95: "Uncontained ECC error",
    119: "GSP RPC Timeout",
}


class Card(NamedTuple):
    """A GPU's labels, and its values by field; a field that DCGM has no value for is absent."""

    labels: Mapping[str, str]
    values: Mapping[str, Value]


def exposition(cards: Iterable[Card]) -> bytes:
    """The text a scraper reads: each family that any card has a value for."""
    return "".join(_lines(list(cards))).encode()


def _lines(cards: list[Card]) -> Iterator[str]:
    for name, kind, text in FAMILIES:
        having = [card for card in cards if name in card.values]
        if having:
            yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        for card in having:
            value = card.values[name]
            labels = ",".join(f'{label}="{text}"' for label, text in _labels(card, name).items())
            yield f"{name}{{{labels}}} {value:f}\n" if isinstance(value, float) else f"{name}{{{labels}}} {value}\n"


def _labels(card: Card, name: str) -> Mapping[str, str]:
    if name != XID:
        return card.labels
    code = int(card.values[name])
    return {**card.labels, "err_code": str(code), "err_msg": _XIDS.get(code, "Unknown Error")}
