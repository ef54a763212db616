"""A server shaped like vLLM: its routes, answers, errors and metrics, over a modelled engine.

It imports nothing of the gateway, so that what holds for it can only be what went over the wire.
"""

VERSION = "0.32.0"
"""The vLLM release whose recordings the simulator is held to; `/version` says so."""
