"""Builders of the clauses of a query."""

from __future__ import annotations

from typing import Any

from lark import Tree

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.language import ast
from mileage.language.build_base import BaseBuilder, Branch, span_of


class ClauseBuilder(BaseBuilder):
    """Builds clauses, facts, intents and bounds."""

    def modifiers(self, items: list[Any]) -> dict[str, Any]:
        """Return the modifiers by rule; one that is written twice is a mistake."""
        found: dict[str, Any] = {}
        for item in items:
            if item.data in found:
                span = span_of(item)
                words = str(item.data).removesuffix("_columns").removesuffix("_op").replace("_", " ").upper()
                self.problems.append(Diagnostic("E105", f"{words} is said twice here", span, (Fix(span, ""),)))
            else:
                found[str(item.data)] = self.build(item)
        return found

    # problem

    def on_from(self, item: Branch) -> ast.From:
        return ast.From(self.source(item.children[0]), span=span_of(item))

    def on_features(self, item: Branch) -> ast.Features:
        return ast.Features(self.build(item.children[0]), span=span_of(item))

    def on_excluding(self, item: Branch) -> ast.Excluding:
        return ast.Excluding(self.build(item.children[0]), span=span_of(item))

    def on_validate(self, item: Branch) -> ast.Validate:
        method, *rest = item.children
        said = self.modifiers(rest)
        return ast.Validate(
            self.build(method),
            together=said.get("together", ()),
            order_by=said.get("order_by"),
            stratified_by=said.get("stratified_by", ()),
            repeat=said.get("repeat"),
            confirm=said.get("confirm"),
            reshuffled=said.get("reshuffled", False),
            span=span_of(item),
        )

    def on_validate_on(self, item: Branch) -> ast.Validate:
        source = self.source(item.children[0])
        return ast.Validate(ast.On(source, span=source.span), span=span_of(item))

    def on_folds(self, item: Branch) -> ast.Folds:
        return ast.Folds(self.whole(item.children[0], "FOLDS"), span=span_of(item))

    def on_holdout(self, item: Branch) -> ast.Holdout:
        return ast.Holdout(self.build(item.children[0]), span=span_of(item))

    def on_bootstrap(self, item: Branch) -> ast.Bootstrap:
        return ast.Bootstrap(self.whole(item.children[0], "BOOTSTRAP"), span=span_of(item))

    def only(self, item: Branch) -> Any:
        """Return the node of the only child."""
        return self.build(item.children[0])

    on_together = on_order_by = on_stratified_by = only

    def on_repeat(self, item: Branch) -> int:
        return self.whole(item.children[0], "REPEAT")

    def on_confirm(self, item: Branch) -> int:
        return self.whole(item.children[0], "CONFIRM")

    def on_reshuffled(self, item: Branch) -> bool:
        del item
        return True

    def on_optimize(self, item: Branch) -> ast.Optimize:
        return ast.Optimize(self.every(item), span=span_of(item))

    def on_level(self, item: Branch) -> tuple[ast.Metric, ...]:
        return self.every(item)

    # knowledge

    def on_knowing(self, item: Branch) -> ast.Knowing:
        return ast.Knowing(self.every(item), span=span_of(item))

    def on_pack(self, item: Branch) -> ast.UsingKnowledge:
        return ast.UsingKnowledge(self.only(item), span=span_of(item))

    def on_fact(self, item: Branch) -> ast.Fact:
        trees = [child for child in item.children if isinstance(child, Tree)]
        because = self.build(trees[1]) if len(trees) > 1 else None
        return ast.Fact(self.word(item, "BELIEF"), self.build(trees[0]), because, span=span_of(item))

    on_because = only

    def on_trait(self, item: Branch) -> ast.Trait:
        columns, kind = self.every(item)
        return ast.Trait(columns, labels=False, kind=kind, span=span_of(item))

    def on_labels_trait(self, item: Branch) -> ast.Trait:
        return ast.Trait((), labels=True, kind=self.only(item), span=span_of(item))

    def on_noisy(self, item: Branch) -> ast.Kind:
        return ast.Kind("noisy", options=self.only(item) if item.children else (), span=span_of(item))

    def on_missing(self, item: Branch) -> ast.Kind:
        mechanism = next((str(c.data) for c in item.children if isinstance(c, Tree) and c.data != "list"), None)
        codes = self.find(item, "list")
        return ast.Kind("missing", mechanism=mechanism, codes=self.on_list(codes) if codes else (), span=span_of(item))

    def on_plain_kind(self, item: Branch) -> ast.Kind:
        return ast.Kind(str(item.children[0]).lower(), span=span_of(item))

    def on_proxy(self, item: Branch) -> ast.Kind:
        return ast.Kind("proxy", of=self.only(item), span=span_of(item))

    def on_numeric(self, item: Branch) -> ast.Kind:
        return ast.Kind("numeric", unit=self.only(item) if item.children else None, span=span_of(item))

    def on_ordinal(self, item: Branch) -> ast.Kind:
        return ast.Kind("ordinal", values=self.only(item), span=span_of(item))

    def on_between(self, item: Branch) -> ast.Kind:
        low, high = (self.number(child) for child in item.children)
        return ast.Kind("between", low=low, high=high, span=span_of(item))

    def on_known_only_after(self, item: Branch) -> ast.Kind:
        return ast.Kind("known_only_after", event=self.only(item), span=span_of(item))

    def on_cost(self, item: Branch) -> ast.Cost:
        side, label, cost = item.children
        return ast.Cost(str(side).lower(), self.build(label), float(self.number(cost)), span=span_of(item))

    def on_mistaking(self, item: Branch) -> ast.Mistaking:
        actual, predicted, cost = item.children
        return ast.Mistaking(self.build(actual), self.build(predicted), float(self.number(cost)), span=span_of(item))

    def on_monotone(self, item: Branch) -> ast.Monotone:
        target, direction, columns = item.children
        return ast.Monotone(self.build(target), str(direction).lower(), self.build(columns), span=span_of(item))

    def on_interaction(self, item: Branch) -> ast.Interaction:
        left, right = self.every(item)
        return ast.Interaction(left, right, span=span_of(item))

    def on_derived(self, item: Branch) -> ast.Derived:
        return ast.Derived(self.only(item), self.sql(item.children[1]), span=span_of(item))

    # wishes and limits

    def on_prefer(self, item: Branch) -> ast.Prefer:
        return ast.Prefer(self.every(item), span=span_of(item))

    def on_intent(self, item: Branch) -> ast.Intent:
        said = self.modifiers(item.children[1:])
        return ast.Intent(
            self.only(item).text,
            to=said.get("to"),
            across=said.get("across", ()),
            columns=said.get("in_columns", ()),
            within=said.get("within"),
            by=said.get("by_op"),
            span=span_of(item),
        )

    on_to = on_across = on_in_columns = on_within = on_by_op = only

    def on_where(self, item: Branch) -> ast.Sql:
        return self.sql(item.children[0])

    def on_confidence(self, item: Branch) -> Any:
        return self.build(item.children[-1])

    def on_require(self, item: Branch) -> ast.Require:
        return ast.Require(self.every(item), span=span_of(item))

    def on_bound(self, item: Branch) -> ast.Bound:
        metric, compared, quantity, *rest = item.children
        said = self.modifiers(rest)
        return ast.Bound(
            self.build(metric),
            str(compared),
            self.build(quantity),
            where=said.get("where"),
            confidence=said.get("confidence"),
            span=span_of(item),
        )

    def on_budget(self, item: Branch) -> ast.Budget:
        return ast.Budget(self.every(item), span=span_of(item))

    def on_limit(self, item: Branch) -> ast.BudgetQuantity:
        return ast.BudgetQuantity(self.only(item), span=span_of(item))

    def on_until(self, item: Branch) -> ast.Until:
        metric, compared, quantity = item.children
        return ast.Until(self.build(metric), str(compared), self.build(quantity), span=span_of(item))

    def on_patience(self, item: Branch) -> ast.Patience:
        return ast.Patience(self.only(item), span=span_of(item))

    # space and results

    def on_with(self, item: Branch) -> ast.With:
        return ast.With(self.every(item), span=span_of(item))

    def on_without(self, item: Branch) -> ast.Without:
        return ast.Without(self.every(item), span=span_of(item))

    def on_reuse(self, item: Branch) -> ast.Reuse:
        mode = self.word(item, "REUSE_MODE")
        names = () if mode else self.only(item)
        return ast.Reuse(mode or "views", names, span=span_of(item))

    def on_return(self, item: Branch) -> ast.Return:
        n = self.whole(item.children[0], "RETURN")
        return ast.Return(n, diverse=self.word(item, "DIVERSE") is not None, span=span_of(item))

    def on_seed(self, item: Branch) -> ast.Seed:
        return ast.Seed(self.whole(item.children[0], "SEED"), span=span_of(item))

    def on_named(self, item: Branch) -> ast.Named:
        return ast.Named(self.only(item), span=span_of(item))

    def on_hint(self, item: Branch) -> ast.Hint:
        return ast.Hint(self.only(item), span=span_of(item))
