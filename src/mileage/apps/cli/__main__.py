"""``python -m mileage.apps.cli``: the command where its script is not on the path."""

import sys

from mileage.apps.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
