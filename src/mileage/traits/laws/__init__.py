"""The laws behind traits: each takes a declaration and a claim, and returns what it measured."""

from mileage.traits.laws.columns import additive, columnwise, dead_columns
from mileage.traits.laws.evidence import Evidence, Law
from mileage.traits.laws.rows import fitted_rowwise, ignores_order, ignores_y, repeatable, weighted01
from mileage.traits.laws.solvers import gram_only, hist_only, oracle_loss, path, stacks
from mileage.traits.laws.stages import binds, cuts, gathers
from mileage.traits.laws.states import group, monoid

LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        fitted_rowwise,
        repeatable,
        ignores_order,
        ignores_y,
        weighted01,
        columnwise,
        dead_columns,
        additive,
        monoid,
        group,
        binds,
        cuts,
        gathers,
        path,
        stacks,
        gram_only,
        hist_only,
        oracle_loss,
    )
}

__all__ = ["LAWS", "Evidence", "Law"]
