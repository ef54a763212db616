"""The simulated GPU by its arithmetic, and the page that tells of it."""

from typing import Any

import pytest
from vllm_simulator.blocks import BlockPool
from vllm_simulator.dcgm import Card, exposition
from vllm_simulator.engine import Engine
from vllm_simulator.faults import Faults, make_fault
from vllm_simulator.gpu import Gpu, Load
from vllm_simulator.pace import Pace
from vllm_simulator.run import Run


def looked(*looks: tuple[Load | None, float]) -> Gpu:
    gpu = Gpu(0, "host")
    for load, now in looks:
        gpu.look(load, now)
    return gpu


def value(gpu: Gpu, name: str, *faults: dict[str, Any]) -> float | None:
    return gpu.card([make_fault(each) for each in faults]).values.get(f"DCGM_FI_DEV_{name}")


def test_an_engine_is_busy_while_anything_runs_in_it() -> None:
    engine = Engine(Pace(prefill_tps=100, decode_tps=10, crowding=0), BlockPool(1000, 4), 8)
    assert engine.busy_at(100) == 0
    for mark in "ab":
        engine.submit(Run([f"{mark}{number}" for number in range(10)], 5, False, lambda: None), 100)
    assert engine.busy_at(100.25) == pytest.approx(0.25)
    assert engine.busy_at(200) == pytest.approx(0.6)  # two prompts, then four more steps together


def test_utilisation_is_the_share_of_the_time_between_two_looks() -> None:
    gpu = looked((Load(5, 0), 100), (Load(6, 0), 104))
    assert value(gpu, "GPU_UTIL") == 25
    gpu.look(Load(10, 0), 108)
    assert value(gpu, "GPU_UTIL") == 100


def test_a_look_too_soon_after_the_last_is_answered_as_that_one() -> None:
    gpu = looked((Load(0, 0), 100), (Load(1, 0), 104), (Load(1, 0), 104.1))
    assert value(gpu, "GPU_UTIL") == 25
    gpu.look(Load(4, 0), 108)
    assert value(gpu, "GPU_UTIL") == 75


def test_of_an_engine_seen_for_the_first_time_nothing_is_known_yet() -> None:
    assert value(looked((Load(1000, 0), 100)), "GPU_UTIL") == 0
    assert value(looked((Load(1000, 0), 100), (Load(1, 0), 104)), "GPU_UTIL") == 0  # it began anew


def test_memory_is_taken_while_there_is_an_engine_whatever_its_cache_holds() -> None:
    empty, full = (looked((Load(0, 0), 100), (Load(4, usage), 104)) for usage in (0.0, 1.0))
    assert value(empty, "FB_USED") == value(full, "FB_USED") == 75034
    assert value(full, "FB_USED") + value(full, "FB_FREE") + value(full, "FB_RESERVED") == 81559  # type: ignore[operator]
    assert (value(empty, "MEM_COPY_UTIL"), value(full, "MEM_COPY_UTIL")) == (30, 90)
    assert value(looked((Load(0, 0), 100), (None, 104)), "FB_USED") == 0


def test_power_and_heat_follow_the_work_and_energy_adds_up() -> None:
    gpu = looked((Load(0, 0), 100), (Load(2, 0), 104))
    assert (value(gpu, "POWER_USAGE"), value(gpu, "GPU_TEMP")) == (346, 49)
    assert value(gpu, "TOTAL_ENERGY_CONSUMPTION") == 4 * 346_000
    gpu.look(Load(2, 0), 108)
    assert (value(gpu, "POWER_USAGE"), value(gpu, "GPU_TEMP")) == (72, 34)
    assert value(gpu, "TOTAL_ENERGY_CONSUMPTION") == 4 * (346_000 + 72_000)


def test_the_last_error_is_told_and_none_before_the_first() -> None:
    gpu = looked((Load(0, 0), 100))
    assert value(gpu, "XID_ERRORS") is None
    assert value(gpu, "XID_ERRORS", {"kind": "xid", "xid": 31}, {"kind": "xid"}) == 79


def test_rows_are_replaced_until_there_are_none_to_spare() -> None:
    gpu = looked((Load(0, 0), 100))
    rows = {"kind": "worn", "rows": 300}
    assert (value(gpu, "UNCORRECTABLE_REMAPPED_ROWS", rows), value(gpu, "ROW_REMAP_FAILURE", rows)) == (300, 0)
    assert value(gpu, "UNCORRECTABLE_REMAPPED_ROWS", rows, rows) == 512
    assert value(gpu, "ROW_REMAP_FAILURE", rows, rows) == 1


def test_a_gpu_s_faults_are_its_own_and_strike_no_request() -> None:
    faults = Faults()
    faults.set(make_fault({"kind": "xid", "gpu": 1, "count": 1}))
    assert faults.draw("/v1/chat/completions", generating=True) == {}
    assert ([each.kind for each in faults.of_gpu(1)], faults.of_gpu(0)) == (["xid"], [])
    assert list(faults.active()) == [{"kind": "xid", "gpu": 1, "count": 1, "left": 1}]
    faults.clear()
    assert faults.of_gpu(1) == []


def test_the_page_has_each_family_once_with_a_line_for_each_card_that_has_a_value() -> None:
    labels = [{"gpu": "0", "device": "nvidia0"}, {"gpu": "1", "device": "nvidia1"}]
    names = ("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_XID_ERRORS")
    cards = [Card(labels[0], dict(zip(names, (71.5, 3, 0), strict=True))), Card(labels[1], {names[2]: 13})]
    assert exposition(cards).decode() == (
        "# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n"
        "# TYPE DCGM_FI_DEV_POWER_USAGE gauge\n"
        'DCGM_FI_DEV_POWER_USAGE{gpu="0",device="nvidia0"} 71.500000\n'
        "# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).\n"
        "# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n"
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",device="nvidia0"} 3\n'
        "# HELP DCGM_FI_DEV_XID_ERRORS Value of the last XID error encountered.\n"
        "# TYPE DCGM_FI_DEV_XID_ERRORS gauge\n"
        'DCGM_FI_DEV_XID_ERRORS{gpu="0",device="nvidia0",err_code="0",err_msg="Unknown Error"} 0\n'
        'DCGM_FI_DEV_XID_ERRORS{gpu="1",device="nvidia1",err_code="13",err_msg="Graphics Engine Exception"} 13\n'
    )
