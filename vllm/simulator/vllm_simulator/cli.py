"""The command line: `python -m vllm_simulator --port 8000 --model tiny`."""

import argparse
import sys
from collections.abc import Sequence

from vllm_simulator.faults import KINDS, Fault, FaultError, parse_fault
from vllm_simulator.pace import Pace
from vllm_simulator.server import Server
from vllm_simulator.settings import Settings


def build_parser() -> argparse.ArgumentParser:
    """Every flag with its sentence; those that vLLM has too are spelled as vLLM spells them."""
    parser = argparse.ArgumentParser(
        prog="vllm_simulator",
        description="A server shaped like vLLM over a modelled engine, breakable on request.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add(
        "--port",
        type=int,
        default=8000,
        help="port; 0 takes a free one, which the first line of output names",
    )
    add(
        "--control-port",
        type=int,
        help="a second port where /sim answers while the first is closed; 0 as above",
    )
    add("--name", default="simulator", help="what /sim/state calls it")
    add("--model", action="append", metavar="NAME", help="served model; again for an alias (default: tiny)")
    add("--role", choices=("vllm", "cloud", "gpus"), default="vllm", help="whose shapes and errors to answer with")
    add(
        "--gpu-of",
        action="append",
        default=[],
        metavar="URL",
        help="simulated engine whose GPU to tell of; again for the next",
    )
    add("--api-key", help="key that /v1 routes ask for")
    add("--fault", action="append", type=_fault, default=[], metavar="SPEC", help=_fault_help())
    add("--until-eof", action="store_true", help="end when standard input, a pipe, does")
    _add_engine(parser)
    _add_vllm(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until a signal; returns the exit code. Prints `listening on http://HOST:PORT` when ready."""
    args = build_parser().parse_args(argv)
    settings = Settings(
        models=tuple(args.model or ["tiny"]),
        role=args.role,
        name=args.name,
        pace=Pace(args.prefill_tps, args.decode_tps, args.speed, args.crowding),
        max_num_seqs=args.max_num_seqs,
        max_num_queued_reqs=args.max_num_queued_reqs,
        kv_blocks=args.kv_blocks,
        block_size=args.block_size,
        max_model_len=args.max_model_len,
        api_key=args.api_key,
        shutdown_timeout=args.shutdown_timeout,
        tools=not args.no_tools,
        prompt_tokens_details=args.enable_prompt_tokens_details,
        request_id_headers=args.enable_request_id_headers,
        load_tracking=args.enable_server_load_tracking,
        sse_keep_alive=args.sse_keep_alive_interval,
        gpus_of=tuple(args.gpu_of),
    )
    try:
        server = Server(settings, args.host, args.port, args.control_port)
        return server.serve_forever(args.fault, until_eof=args.until_eof)
    except (OSError, FaultError) as error:
        print(f"vllm_simulator: {error}", file=sys.stderr)
        return 1


def _add_engine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the engine").add_argument
    add("--speed", type=float, default=1.0, help="how much faster than real time the engine works; may be inf")
    add("--prefill-tps", type=float, default=8000.0, help="prompt tokens read per second")
    add("--decode-tps", type=float, default=50.0, help="tokens per second of a lone answer")
    add("--crowding", type=float, default=0.02, help="what each further request in the batch adds to a step, a share")
    add("--max-num-seqs", type=int, default=256, help="requests in the batch at once")
    add("--max-num-queued-reqs", type=int, help="requests that may wait; more are refused with 503")
    add("--kv-blocks", type=int, default=8192, help="KV blocks in all")
    add("--block-size", type=int, default=16, help="tokens in a KV block")
    add("--max-model-len", type=int, default=8192, help="tokens of a prompt and its answer")


def _add_vllm(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("as vLLM has them").add_argument
    add("--shutdown-timeout", type=float, default=0.0, help="seconds that SIGTERM gives requests in flight")
    add("--sse-keep-alive-interval", type=float, help="seconds between comments in a queued stream")
    add("--enable-prompt-tokens-details", action="store_true", help="tell cached tokens in usage")
    add("--enable-request-id-headers", action="store_true", help="echo X-Request-Id")
    add("--enable-server-load-tracking", action="store_true", help="let /load tell the load")
    add("--no-tools", action="store_true", help="refuse tools, as vLLM does without --tool-call-parser")


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _fault_help() -> str:
    return f"kind,name=value,… as POST /sim/fault takes it; kinds: {', '.join(KINDS)}"
