"""A simulated AWS, run with the Python of the tools: `simulated.py PORT`."""

import sys

from gaps import fill
from moto.server import main

fill()
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
