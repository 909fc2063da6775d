"""``python -m mileage`` is the command ``mile``."""

import sys

from mileage.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
