"""The unit of execution: an operator applied to outputs of other tasks, identified by its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from mileage.core.domains import Value
from mileage.core.fingerprint import Fingerprint, fingerprint


class TaskKind(StrEnum):
    """What a task does, with its inputs and outputs.

    ======== ============================ ==========================================================
    kind     inputs                       outputs
    ======== ============================ ==========================================================
    source   (none; a leaf)               ``X`` (DataFrame), ``y`` (array), ``aux`` (DataFrame or None)
    deal     y, aux                       ``splits`` (Splits)
    reshuffle splits of parts              ``splits``: folds or holdouts put together from the parts, for one configuration
    sample   splits [, aux]               ``splits``: the same with about ``fraction`` of the train rows, nested
    take     X, splits                    ``out``: columns ``columns`` of the train or test rows of split ``i``
    target   y, splits                    ``out``: y of the train or test rows of split ``i``
             predictions                  ``out``: the values, or the probabilities, that a teacher predicts
    fit      X [, y [, levels]]           ``state``; a transformer also ``out``, its output for the train rows; with levels, X are codes
             X, y, bins                   ``state`` of a model that is given the bins of X
    whole    X [, y]                      ``state`` of a fit that others are cut from
    cut      state of the whole [, X]     what ``fit`` gives; X, or what is gathered for it
    gather   state, X                     ``out``: what predictions, or columns, with several values of a parameter are made of
    bin      X                            ``out``: its columns in bins, for fits with other parameters
    code     X                            ``codes``: places of categories among the levels of their columns; ``levels``
    layout   X                            ``out``: the columns that sums are made of
    cells    X, layout                    ``out``: the cells of these columns; ``take`` gives some of the rows
    lift     X, y, layout, splits [, splits]   ``out``: sums over a fold or the train rows of split ``i``, without those of smaller splits
    merge    sums, sums, ...              ``out``: sums of all, or ``without_i``: of all but the i-th
    image    sums, states                 ``out``: sums of the columns that a step sees
             cells, states                ``out``: the columns themselves
    sums     X, y                         ``out``: sums of the columns that a step sees, from its train rows
    learn    sums that a step sees        ``state`` as fitting it on the rows would give
    together sums that a step sees, or X, y   ``state``: what is learned with each of several values of a parameter
    masked   X, y, layout, then of each model splits and the states of the steps before it   ``state``: the model of each, fitted on its own train rows
    apply    state, X [, levels]          ``out``; X, or what is gathered for it
    join     X, X, ...                    ``out``: one matrix of all columns
    munge    X                            ``X``: its rows, and rows that are made up of them
    predict  state, X [, gathered]        ``out``: predictions (n,) or (n, n_classes)
             or gathered for all          ``out``: those at ``place``
    blend    predictions, predictions, ... ``out``: their mean by weight
    weigh    predictions of several workflows on all splits, y, splits   ``out``: the weight of each in a blend
    scores   gathered on splits, y, splits   ``out``: one number per model and split
    score    predictions of splits, y, splits   ``out``: one number per split
             or scores of all             ``out``: those at ``place``
    call     any                          what a step of a user's own flow returns
    ======== ============================ ==========================================================
    """

    SOURCE = "source"
    DEAL = "deal"
    RESHUFFLE = "reshuffle"
    SAMPLE = "sample"
    TAKE = "take"
    TARGET = "target"
    FIT = "fit"
    WHOLE = "whole"
    CUT = "cut"
    GATHER = "gather"
    BIN = "bin"
    CODE = "code"
    LAYOUT = "layout"
    CELLS = "cells"
    LIFT = "lift"
    MERGE = "merge"
    IMAGE = "image"
    SUMS = "sums"
    LEARN = "learn"
    TOGETHER = "together"
    MASKED = "masked"
    APPLY = "apply"
    JOIN = "join"
    MUNGE = "munge"
    PREDICT = "predict"
    BLEND = "blend"
    WEIGH = "weigh"
    SCORES = "scores"
    SCORE = "score"
    CALL = "call"


class Port(NamedTuple):
    """One output of one task: a pair, as plans are made of mappings by it."""

    task: Fingerprint
    output: str = "out"

    @property
    def key(self) -> str:
        """The name under which the artifact is kept."""
        return f"{self.task}.{self.output}"


@dataclass(frozen=True)
class Task:
    """A pure computation over artifacts; two tasks with equal fingerprints are the same task.

    ``label`` (for people) and ``step`` are not part of the identity. ``same_as`` is the task whose outputs are the very same,
    seen or by a law: it is then that task to all that read it. ``context`` holds what an operator's ``build``
    reads besides its parameters; ``versions`` the versions of the libraries the operator runs on.
    """

    kind: TaskKind
    operator: str = ""
    params: tuple[tuple[str, Value], ...] = ()
    context: tuple[tuple[str, Value], ...] = ()
    versions: tuple[str, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[str, ...] = ("out",)
    is_model: bool = False
    label: str = field(default="", compare=False)
    step: str = field(default="", compare=False)
    same_as: Fingerprint | None = None

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Hash of operator, parameters, context, library versions and inputs' fingerprints."""
        if self.same_as is not None:
            return self.same_as
        inputs = [[port.task, port.output] for port in self.inputs]
        return fingerprint(self.kind, self.operator, self.params, self.context, self.versions, inputs)

    def port(self, output: str = "out") -> Port:
        """Return a reference to one of the outputs."""
        return Port(self.fingerprint, output)
