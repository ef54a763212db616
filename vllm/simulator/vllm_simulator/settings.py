"""What a simulator is told when it starts."""

from dataclasses import dataclass, field
from typing import Literal

from vllm_simulator.pace import Pace

Role = Literal["vllm", "cloud", "gpus"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One simulator. `models` are the names it serves under; the first one is the true one."""

    models: tuple[str, ...] = ("tiny",)
    role: Role = "vllm"
    name: str = "simulator"
    pace: Pace = field(default_factory=Pace)
    max_num_seqs: int = 256
    max_num_queued_reqs: int | None = None
    kv_blocks: int = 8192
    block_size: int = 16
    max_model_len: int = 8192
    api_key: str | None = None
    shutdown_timeout: float = 0.0
    tools: bool = True
    prompt_tokens_details: bool = False
    request_id_headers: bool = False
    load_tracking: bool = False
    sse_keep_alive: float | None = None
    gpus_of: tuple[str, ...] = ()
