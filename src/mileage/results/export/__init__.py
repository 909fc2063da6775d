"""Take a workflow away: a plain scikit-learn script, or a skops file. Nothing that leaves needs mileage."""

from mileage.results.export.code import Code, estimator_code
from mileage.results.export.sections import Scorer
from mileage.results.export.sklearn_script import ScriptSpec, Student, script
from mileage.results.export.skops_export import dump_skops

__all__ = ["Code", "Scorer", "ScriptSpec", "Student", "dump_skops", "estimator_code", "script"]
