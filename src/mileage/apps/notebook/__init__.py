"""MILEAGE in notebooks: ``%load_ext mileage``, then ``%%mileage`` and ``%%mile_iterate`` cells and lines."""

from mileage.apps.notebook.magic import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
