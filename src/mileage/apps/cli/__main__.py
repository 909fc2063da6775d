"""``python -m mileage.apps.cli``: the command where its script is not on the path."""

import sys

from mileage.apps.cli.main import main

sys.exit(main())
