"""``python -m mileage`` is the command ``mile``."""

from mileage.apps.cli import main

if __name__ == "__main__":
    main()
