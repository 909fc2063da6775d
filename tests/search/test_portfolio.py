"""The curated order, as it suits the table."""

from __future__ import annotations

import pandas as pd
import pytest

from mileage.data import Database, TargetProfile
from mileage.language import ast, parse
from mileage.operators import operators
from mileage.planner import LogicalPlan, bind
from mileage.planner.logical import Objective
from mileage.planner.losses import losses_of
from mileage.search import Proposal, SearchContext, strategies


def planned(y: list[float], rest: str = "") -> LogicalPlan:
    database = Database()
    database.register("df", pd.DataFrame({"x": range(len(y)), "z": [v % 3 for v in range(len(y))], "y": y}))
    query = parse(f"PREDICT y AS REGRESSION FROM :df BUDGET 5 trials {rest}").statements[0]
    assert isinstance(query, ast.Predict)
    return bind(query, database)


def proposals(plan: LogicalPlan, **size: int) -> list[Proposal]:
    strategy = strategies.get("portfolio").begin(SearchContext(plan.space, **size))
    made = []
    while (proposal := strategy.ask()) is not None:
        made.append(proposal)
    return made


def steps(proposal: Proposal) -> str:
    return str(proposal.configuration)


def losses_open(plan: LogicalPlan) -> set[str]:
    opened = [s for a in plan.space.slots[-1].alternatives for s in a.steps if s.operator == "lightgbm"]
    return {value for s in opened for name, domain in s.open if name == "loss" for value in domain.values}  # type: ignore[attr-defined]


AMOUNTS = [float(2 ** (v % 12)) for v in range(300)]


@pytest.mark.parametrize(
    ("y", "rest", "wanted"),
    [
        (AMOUNTS, "OPTIMIZE rmse", {"squared", "tweedie"}),
        ([-v for v in AMOUNTS], "OPTIMIZE rmse", set()),
        ([v % 17 + 0.5 for v in range(300)], "OPTIMIZE rmse", set()),
        ([v % 17 - 5.5 for v in range(300)], "OPTIMIZE mae", {"squared", "absolute"}),
    ],
)
def test_losses_are_searched_where_they_suit(y: list[float], rest: str, wanted: set[str]) -> None:
    assert losses_open(planned(y, rest)) == wanted


def test_a_skewed_amount_is_tried_with_both_losses_early() -> None:
    first = [steps(p) for p in proposals(planned(AMOUNTS))[:4]]
    assert any("tweedie" in text for text in first)
    assert any("lightgbm" in text and "tweedie" not in text for text in first)


def test_no_loss_is_searched_of_classes() -> None:
    assert losses_of(TargetProfile("binary", "", classes=("a", "b")), ()) == ()


def test_of_a_very_wide_table_few_columns_are_chosen_first() -> None:
    plan = planned(AMOUNTS)
    made = [steps(p) for p in proposals(plan, n_columns=20_000)]
    assert all("k_best(k = 0.01)" in text for text in made if "lightgbm" in text or "forest" in text)
    assert any("ridge" in text and "k_best" not in text for text in made)
    assert not any("k_best" in steps(p) for p in proposals(plan, n_columns=100))


def test_with_many_classes_what_learns_one_model_a_class_comes_last() -> None:
    database = Database()
    database.register("df", pd.DataFrame({"x": [v % 7 for v in range(1200)], "y": [f"c{v % 60}" for v in range(1200)]}))
    query = parse("PREDICT y FROM :df BUDGET 5 trials").statements[0]
    assert isinstance(query, ast.Predict)
    made = proposals(bind(query, database), n_classes=60)
    dear = [operators.get(p.configuration.model.operator).cost.per_class for p in made]
    assert dear == sorted(dear)
    assert True in dear
    assert False in dear


def test_objectives_of_absolute_errors_are_known() -> None:
    target = TargetProfile("regression", "", skew=0.0, least=-1.0)
    [objective] = planned(AMOUNTS, "OPTIMIZE mae").objectives
    assert isinstance(objective, Objective)
    assert losses_of(target, (objective,)) == ("squared", "absolute")


def test_where_there_are_many_levels_their_mean_targets_are_tried_next_to_their_numbers() -> None:
    database = Database()
    names = [f"k{i % 600}" for i in range(1200)]
    database.register("df", pd.DataFrame({"x": range(1200), "k": names, "y": [float(i % 7) for i in range(1200)]}))
    query = parse("PREDICT y AS REGRESSION FROM :df BUDGET 5 trials").statements[0]
    assert isinstance(query, ast.Predict)
    plan = bind(query, database)

    def boosted(n_levels: int) -> list[dict[str, str]]:
        made = [p.configuration for p in proposals(plan, n_rows=40_000, n_levels=n_levels)]
        chosen = [
            {slot: str(*steps) for slot, steps in one.choices} for one in made if one.model.operator == "lightgbm"
        ]
        return [one for one in chosen if "loss" not in one["model"]]

    first, second = boosted(600)[:2]
    assert (first["encode"], second["encode"]) == ("ordinal", "target")
    assert first["model"] == second["model"]
    assert boosted(100)[1]["model"] != first["model"]
