"""Three gateways over one simulator, and an edge before them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.edge.edge import Edge
from tests.gateway import Gateway, Line, one_model
from tests.servers import Simulator, free_port

MakeEdge = Callable[..., Edge]


def address(gateway: Gateway) -> str:
    """As the edge names it."""
    return gateway.url.removeprefix("http://")


class Fleet:
    """Gateways over one simulator: 200 tokens a second for each answer."""

    def __init__(self, folder: Path, ends: ExitStack, count: int = 3) -> None:
        self._folder = folder
        self._ends = ends
        self.replica = ends.enter_context(Simulator("--speed", "4", "--max-num-seqs", "1024"))
        self.gateways = [self.start(free_port()) for _ in range(count)]

    def start(self, port: int) -> Gateway:
        """One more gateway, or one in the place of one that has ended."""
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        told: Line = one_model([self.replica.url], drain_delay_s=2.5)
        return self._ends.enter_context(Gateway(folder, told, "--port", str(port)))

    @property
    def addresses(self) -> list[str]:
        return [address(gateway) for gateway in self.gateways]


@pytest.fixture(scope="module")
def fleet(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Of the module: what a test does to it, it undoes."""
    require("nginx-lua")
    with ExitStack() as ends:
        yield Fleet(tmp_path_factory.mktemp("fleet"), ends)


@pytest.fixture(scope="module")
def edge(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Of the module, before the fleet, which is blue."""
    with Edge(tmp_path_factory.mktemp("edge"), {"blue": fleet.addresses}) as one:
        yield one


@pytest.fixture
def make_edge(require: Callable[[str], str], tmp_path: Path) -> Iterator[MakeEdge]:
    """Edges of the test's own, in one folder."""
    require("nginx-lua")
    with ExitStack() as ends:

        def make(peers: dict[str, list[str]], **settings: str) -> Edge:
            return ends.enter_context(Edge(tmp_path, peers, **settings))

        yield make
