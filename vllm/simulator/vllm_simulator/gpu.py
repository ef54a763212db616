"""A GPU, as far as one can see it from outside: how busy an engine keeps it, and what broke in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from vllm_simulator.dcgm import XID, Card, Value
from vllm_simulator.faults import Fault

_MEMORY_MIB, _RESERVED_MIB = 81559, 551
_TAKEN = 0.92
"""The share of the memory that vLLM takes when it starts, and keeps however full its KV cache is."""
_SPARE_ROWS = 512
_IDLE_W, _BUSY_W = 72.0, 620.0
_PERIOD_S = 0.5
"""What is asked for sooner than that after the last time is answered as then."""


class Load(NamedTuple):
    """An engine's work: the seconds in which it did any since it began, and the share of its KV cache in use."""

    busy_s: float
    kv_usage: float


@dataclass(slots=True)
class Gpu:
    """An H100. Its utilisation is the share of the time between two looks in which the engine had anything to do."""

    number: int
    host: str
    _load: Load | None = None
    _at: float = 0.0
    _busy: float = 0.0
    _energy_j: float = 0.0

    def look(self, load: Load | None, now: float) -> None:
        """Notes the load of the engine on it, at a time in seconds; None: no engine is."""
        before, seconds = self._load, now - self._at
        if load is not None and before is not None and load.busy_s >= before.busy_s:
            if seconds < _PERIOD_S:
                return
            self._busy = min(1.0, (load.busy_s - before.busy_s) / seconds)
            self._energy_j += self._watts * seconds
        else:
            self._busy = 0.0
        self._load, self._at = load, now

    def card(self, faults: Iterable[Fault]) -> Card:
        """What the exporter says of it, with the faults that it has."""
        labels = {
            "gpu": str(self.number),
            "UUID": f"GPU-{uuid5(NAMESPACE_URL, f'{self.host}/{self.number}')}",
            "pci_bus_id": f"00000000:{0x19 + 16 * self.number:02X}:00.0",
            "device": f"nvidia{self.number}",
            "modelName": "NVIDIA H100 80GB HBM3",
            "Hostname": self.host,
            "DCGM_FI_DRIVER_VERSION": "580.105.08",
        }
        return Card(labels, self._values() | _errors(faults))

    @property
    def _watts(self) -> float:
        return _IDLE_W + (_BUSY_W - _IDLE_W) * self._busy

    def _values(self) -> dict[str, Value]:
        busy, percent, celsius = self._busy, round(100 * self._busy), round(34 + 30 * self._busy)
        used = round(_TAKEN * _MEMORY_MIB) if self._load else 0
        reading = busy * (0.3 + 0.6 * (self._load.kv_usage if self._load else 0.0))
        return {
            "DCGM_FI_DEV_SM_CLOCK": 1980 if self._load else 345,
            "DCGM_FI_DEV_MEM_CLOCK": 2619,
            "DCGM_FI_DEV_MEMORY_TEMP": celsius + 8,
            "DCGM_FI_DEV_GPU_TEMP": celsius,
            "DCGM_FI_DEV_POWER_USAGE": self._watts,
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": round(1000 * self._energy_j),
            "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": 0,
            "DCGM_FI_DEV_GPU_UTIL": percent,
            "DCGM_FI_DEV_MEM_COPY_UTIL": round(100 * reading),
            "DCGM_FI_DEV_ENC_UTIL": 0,
            "DCGM_FI_DEV_DEC_UTIL": 0,
            "DCGM_FI_DEV_FB_FREE": _MEMORY_MIB - _RESERVED_MIB - used,
            "DCGM_FI_DEV_FB_USED": used,
            "DCGM_FI_DEV_FB_RESERVED": _RESERVED_MIB,
            "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": 0,
            "DCGM_FI_DEV_VGPU_LICENSE_STATUS": 0,
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE": busy,
            "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": 0.3 * busy,
            "DCGM_FI_PROF_DRAM_ACTIVE": reading,
        }


def _errors(faults: Iterable[Fault]) -> dict[str, Value]:
    rows, last = 0, 0
    for fault in faults:
        rows += fault.rows if fault.kind == "worn" else 0
        last = fault.xid if fault.kind == "xid" else last
    errors: dict[str, Value] = {
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": min(rows, _SPARE_ROWS),
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": 0,
        "DCGM_FI_DEV_ROW_REMAP_FAILURE": int(rows > _SPARE_ROWS),
    }
    # DCGM 4.5 and later have no value before the first error, where earlier ones have 0.
    return errors | {XID: last} if last else errors
