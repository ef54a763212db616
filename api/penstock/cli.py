"""The command `penstock`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from penstock import __version__
from penstock.address import CannotListen, refuse_taken
from penstock.settings import Settings, SettingsError, load_settings
from penstock.settings.environment import process_environment
from penstock.settings.hosts import is_loopback


def main(argv: Sequence[str] | None = None) -> int:
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads it has had enough; what Python still holds has to go somewhere at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _main(arguments: list[str]) -> int:
    if arguments[:1] == ["simulate"]:
        from vllm_simulator import cli as simulator

        return simulator.main(arguments[1:])
    if arguments[:1] == ["cost"]:
        from penstock.costing import command as cost

        return cost.main(arguments[1:])
    if arguments[:1] == ["capacity"]:
        from penstock.capacity import command as capacity

        return capacity.main(arguments[1:])
    if arguments[:1] == ["measure"]:
        from penstock.measuring import command as measure

        return measure.main(arguments[1:])
    if arguments[:1] == ["keys"]:
        from penstock.callers import command as keys

        return keys.main(arguments[1:])
    if arguments[:1] == ["usage"]:
        from penstock import bill

        return bill.main(arguments[1:])
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except SettingsError as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 2
    except CannotListen as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("penstock", description="A self-hosted LLM inference gateway.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="command")

    serving = verbs.add_parser("serve", help="run one gateway instance")
    serving.add_argument("--config", type=Path, help="a YAML file of settings")
    serving.add_argument("--host", help="the address to listen on")
    serving.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one")
    serving.add_argument("--insecure", action="store_true", default=None, help="serve beyond loopback without keys")
    serving.add_argument(
        "--drain-seconds", type=float, dest="drain_s", help="how long open requests may run at the end"
    )
    serving.set_defaults(run=_serve)

    checking = verbs.add_parser("check-config", help="say whether a file of settings can be used")
    checking.add_argument("config", type=Path)
    checking.set_defaults(run=_check)

    verbs.add_parser("simulate", help="run a simulated vLLM server or cloud; --help tells more", add_help=False)

    showing = verbs.add_parser("demo", help="run a gateway over three simulated replicas and a simulated cloud")
    showing.add_argument("--port", type=int, default=8080)
    showing.set_defaults(run=_demo)

    asking = verbs.add_parser(
        "status",
        help="show how a running gateway stands: its models, targets and figures",
        description="Show how a running gateway stands. PENSTOCK_OPERATOR_KEY holds an operator's key.",
    )
    asking.add_argument("--url", default="http://127.0.0.1:8080")
    asking.add_argument("--json", action="store_true", help="as the gateway tells it")
    asking.add_argument("--watch", action="store_true", help="again every two seconds, until Ctrl-C")
    asking.set_defaults(run=_status)

    verbs.add_parser("keys", help="the keys of callers: make, rotate, revoke; --help tells more", add_help=False)
    verbs.add_parser("usage", help="what callers used: tokens and dollars; --help tells more", add_help=False)
    verbs.add_parser("cost", help="self-host or API: what both cost; --help tells more", add_help=False)
    verbs.add_parser("capacity", help="how many replicas hold what is promised; --help tells more", add_help=False)
    verbs.add_parser("measure", help="how fast a running engine reads and writes, for capacity", add_help=False)

    trying = verbs.add_parser("smoke-test", help="try a running gateway: keys, models, a stream, a typed function, ...")
    trying.add_argument("--url", default="http://127.0.0.1:8080")
    trying.add_argument("--key", help="a client's key; better in PENSTOCK_KEY; beside a gateway, its settings' first")
    trying.add_argument("--model", help="the model to ask (the first)")
    trying.add_argument("--insecure", action="store_true", help="take any certificate")
    trying.add_argument("--dry-run", action="store_true", help="say what would be tried, and send nothing")
    trying.set_defaults(run=_smoke)
    return parser


# A command imports what it needs by itself: `serve` keeps all that it has imported in memory.


def _demo(options: argparse.Namespace) -> int:
    from penstock import demo

    return demo.run(options.port, lambda *given: serve(*given, reloads=False))


def _status(options: argparse.Namespace) -> int:
    from penstock import status

    return status.run(options.url, as_json=options.json, watch=options.watch)


def _smoke(options: argparse.Namespace) -> int:
    from penstock import smoke

    keys = smoke.keys(options.key)
    return smoke.run(options.url, keys, options.model, insecure=options.insecure, dry=options.dry_run)


def _serve(options: argparse.Namespace) -> int:
    names = ("host", "port", "insecure", "drain_s")
    told = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    settings = load_settings(options.config, **told)
    refuse_open_door(settings)
    serve(settings, options.config)
    return 0


def serve(settings: Settings, config: Path | None = None, *, reloads: bool = True) -> None:
    """Run an instance until a signal ends it. Without `reloads`, SIGHUP is such a signal."""
    refuse_taken(settings.host, settings.port)
    from penstock.functions.environment import prepare_environment

    prepare_environment(process_environment())
    from penstock.app import create_app  # only now: it imports BAML, which reads the environment
    from penstock.server import Server

    Server(create_app(settings, config), settings.host, settings.port, reloads=reloads).run()


def refuse_open_door(settings: Settings) -> None:
    """Without keys, only this machine is served. Raises SettingsError."""
    if settings.keyed or settings.insecure or is_loopback(settings.host):
        return
    raise SettingsError(
        f"{settings.host} can be reached from other machines, and no keys are set: "
        "set PENSTOCK_API_KEYS or PENSTOCK_CALLERS, or say --insecure to serve everyone"
    )


def _check(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    models = ", ".join(model.name for model in settings.models) or "none; they are discovered"
    print(f"{options.config} can be used. Models: {models}.")
    for name in _key_variables(settings):
        try:
            settings.secret(name)
        except SettingsError as error:  # the gateway may run elsewhere, where it is set
            print(f"warning: {error}", file=sys.stderr)
    return 0


def _key_variables(settings: Settings) -> list[str]:
    replicas = (each.api_key_env for model in settings.models for each in model.replicas)
    clouds = (each.api_key_env for each in settings.clouds.values())
    return sorted({name for name in (*replicas, *clouds) if name})


if __name__ == "__main__":
    sys.exit(main())
