"""An operator, a metric, a search strategy, a backend and a monitor, one file each."""
