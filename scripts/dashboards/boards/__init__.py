"""The dashboards, each a file."""

from dashboards.boards.callers import CALLERS
from dashboards.boards.cost import COST
from dashboards.boards.deploys import DEPLOYS
from dashboards.boards.functions import FUNCTIONS
from dashboards.boards.machines import MACHINES
from dashboards.boards.overview import OVERVIEW
from dashboards.boards.replicas import REPLICAS

BOARDS = (OVERVIEW, REPLICAS, FUNCTIONS, CALLERS, COST, DEPLOYS, MACHINES)
