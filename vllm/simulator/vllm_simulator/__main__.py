"""`python -m vllm_simulator`."""

import sys

from vllm_simulator.cli import main

sys.exit(main())
