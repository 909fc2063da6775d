"""What every layer may use: spans, diagnostics, units, domains, registries, fingerprints, reasons and events.

A closed list without machine-learning words. Next: :mod:`mileage.data`.
"""
