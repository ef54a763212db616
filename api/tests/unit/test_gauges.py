"""What is read of an engine's metrics."""

from penstock.upstream.watch import gauges_in


def engine(generated: float, running: int = 2, waiting: int = 1, usage: float = 0.25) -> bytes:
    return (
        f'vllm:num_requests_running{{engine="0"}} {running}\n'
        f'vllm:num_requests_waiting{{engine="0"}} {waiting}\n'
        f'vllm:kv_cache_usage_perc{{engine="0"}} {usage}\n'
        f'vllm:generation_tokens_total{{engine="0"}} {generated}\n'
    ).encode()


def test_the_load() -> None:
    gauges = gauges_in(engine(10), ours=1, now=5.0)
    assert gauges is not None
    assert (gauges.running, gauges.waiting, gauges.kv_cache_usage, gauges.elsewhere) == (2, 1, 0.25, 2)
    assert (gauges.read_at, gauges.tokens_per_s) == (5.0, 0.0)


def test_tokens_a_second_lie_between_two_readings() -> None:
    before = gauges_in(engine(100), ours=0, now=10.0)
    later = gauges_in(engine(300), ours=0, now=14.0, before=before)
    assert later is not None
    assert later.tokens_per_s == 50
    again = gauges_in(engine(20), ours=0, now=16.0, before=later)  # the engine has started anew
    assert again is not None
    assert again.tokens_per_s == 0


def test_engines_of_one_replica_are_added_up() -> None:
    gauges = gauges_in(engine(10, usage=0.1) + engine(5, usage=0.9), ours=0, now=0.0)
    assert gauges is not None
    assert (gauges.running, gauges.generated, gauges.kv_cache_usage) == (4, 15, 0.9)


def test_what_is_no_number_is_not_read() -> None:
    for metrics in (b"", b"python_info 1\n", engine(float("inf")), engine(1, usage=float("nan"))):
        assert gauges_in(metrics, ours=0, now=0.0) is None
