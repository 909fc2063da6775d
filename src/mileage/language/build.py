"""From Lark's tree to the nodes of :mod:`mileage.language.ast`.

One method for each rule of ``grammar.lark``, named after it. Mistakes that are not of grammar (a fraction where a whole
number stands, a clause written twice) are collected in ``problems``, and building goes on.
"""

from __future__ import annotations

from lark import Token, Tree

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.language import ast
from mileage.language.build_base import Branch, span_of
from mileage.language.build_clauses import ClauseBuilder


class Builder(ClauseBuilder):
    """Builds statements."""

    def on_script(self, item: Branch) -> ast.Script:
        return ast.Script(self.every(item), span=span_of(item))

    def on_query(self, item: Branch) -> ast.Predict:
        targets, *rest = item.children
        task = self.build(rest.pop(0)) if rest and isinstance(rest[0], Tree) and rest[0].data == "as_task" else None
        clauses = tuple(self.build(child) for child in rest)
        self._check_once(clauses)
        return ast.Predict(self.build(targets), task, clauses, span=span_of(item))

    def _check_once(self, clauses: tuple[ast.Clause, ...]) -> None:
        seen: set[type] = set()
        for clause in clauses:
            kind = type(clause)
            if kind in ast.ONCE and kind in seen and clause.span is not None:
                message = f"{kind.__name__.upper()} may stand only once in a query"
                hint = f"merge the two {kind.__name__.upper()} clauses, or keep one"
                self.problems.append(Diagnostic("E105", message, clause.span, (Fix(clause.span, ""),), hint))
            seen.add(kind)

    def on_as_task(self, item: Branch) -> ast.Task:
        options = self.build(item.children[1]) if len(item.children) > 1 else ()
        return ast.Task(str(item.children[0]).lower(), options, span=span_of(item))

    # dialog

    def on_refine(self, item: Branch) -> ast.Refine:
        ref, *deltas = self.every(item)
        return ast.Refine(ref, tuple(deltas), span=span_of(item))

    def on_add(self, item: Branch) -> ast.Add:
        return ast.Add(self.only(item), span=span_of(item))

    def on_set_clause(self, item: Branch) -> ast.Set:
        return ast.Set(self.only(item), span=span_of(item))

    def on_drop(self, item: Branch) -> ast.Drop:
        child = item.children[0]
        if isinstance(child, Token):
            return ast.Drop(handle=str(child)[1:].lower(), span=span_of(item))
        return ast.Drop(clause=self.build(child), span=span_of(item))

    def on_pin(self, item: Branch) -> ast.Pin:
        slot, *chain = self.every(item)
        return ast.Pin(slot, chain[0] if chain else None, span=span_of(item))

    def on_unpin(self, item: Branch) -> ast.Unpin:
        return ast.Unpin(self.only(item), span=span_of(item))

    def on_accept(self, item: Branch) -> ast.Accept:
        return ast.Accept(self.only(item), span=span_of(item))

    def on_reject(self, item: Branch) -> ast.Reject:
        refs, *because = self.every(item)
        return ast.Reject(refs, because[0] if because else None, span=span_of(item))

    def on_decide(self, item: Branch) -> ast.Decide:
        return ast.Decide(self.only(item), span=span_of(item))

    # views, definitions

    def on_create_view(self, item: Branch) -> ast.CreateView:
        materialized = self.word(item, "MATERIALIZED") is not None
        name, sql = item.children[-2:]
        return ast.CreateView(self.build(name), self.sql(sql), materialized, span=span_of(item))

    def on_step_view(self, item: Branch) -> ast.CreateView:
        materialized = self.word(item, "MATERIALIZED") is not None
        name, slot, ref = (self.build(child) for child in item.children[-3:])
        body = ast.StepView(slot, ref, span=slot.span)
        return ast.CreateView(name, body, materialized, span=span_of(item))

    def on_define_intent(self, item: Branch) -> ast.DefineIntent:
        name, *effects = self.every(item)
        return ast.DefineIntent(name, tuple(effects), span=span_of(item))

    def on_define_knowledge(self, item: Branch) -> ast.DefineKnowledge:
        name, *facts = self.every(item)
        return ast.DefineKnowledge(name, tuple(facts), span=span_of(item))

    def on_effect(self, item: Branch) -> ast.IntentEffect:
        level, op = item.children
        return ast.IntentEffect(str(level).lower(), self.build(op), span=span_of(item))

    # questions

    def on_explain(self, item: Branch) -> ast.Explain:
        return ast.Explain(self.word(item, "ASPECT"), self.build(item.children[-1]), span=span_of(item))

    def on_explain_why(self, item: Branch) -> ast.ExplainWhy:
        negated = self.word(item, "NOT") is not None
        return ast.ExplainWhy(negated, self.build(item.children[-1]), span=span_of(item))

    def on_explain_prediction(self, item: Branch) -> ast.ExplainPrediction:
        rows, ref = item.children
        return ast.ExplainPrediction(self.sql(rows), self.build(ref), span=span_of(item))

    def on_suggest(self, item: Branch) -> ast.Suggest:
        first = item.children[0] if item.children else None
        count = self.whole(first, "SUGGEST") if isinstance(first, Token) else None
        about, ref = self.find(item, "about"), self.find(item, "suggest_for")
        return ast.Suggest(
            count, self.only(about) if about else None, self.only(ref) if ref else None, span=span_of(item)
        )

    def on_compare(self, item: Branch) -> ast.Compare:
        metrics, by = self.find(item, "compare_on"), self.find(item, "compare_by")
        refs = self.only(item)
        return ast.Compare(
            refs, self.every(metrics) if metrics else (), self.only(by) if by else (), span=span_of(item)
        )

    def on_show(self, item: Branch) -> ast.Show:
        what, *of = self.every(item)
        return ast.Show(what, of[0] if of else None, span=span_of(item))

    # steering, results

    def on_steer(self, item: Branch) -> ast.Pause | ast.Resume | ast.Stop:
        kinds: dict[str, type[ast.Pause | ast.Resume | ast.Stop]] = {
            "pause": ast.Pause,
            "resume": ast.Resume,
            "stop": ast.Stop,
        }
        return kinds[str(item.children[0]).lower()](span=span_of(item))

    def on_extend(self, item: Branch) -> ast.ExtendBudget:
        return ast.ExtendBudget(self.only(item), span=span_of(item))

    def on_focus(self, item: Branch) -> ast.Focus:
        return ast.Focus(self.only(item), span=span_of(item))

    def on_prune(self, item: Branch) -> ast.Prune:
        return ast.Prune(self.only(item), span=span_of(item))

    def on_export(self, item: Branch) -> ast.Export:
        ref, path, *form = self.every(item)
        return ast.Export(ref, path, form[0] if form else None, span=span_of(item))

    def on_apply(self, item: Branch) -> ast.Apply:
        ref, source, *into = item.children
        return ast.Apply(
            self.build(ref), self.source(source), self.build(into[0]) if into else None, span=span_of(item)
        )

    def on_attach(self, item: Branch) -> ast.Attach:
        path, *name = self.every(item)
        return ast.Attach(path, name[0] if name else None, span=span_of(item))

    def on_into(self, item: Branch) -> str:
        text: str = self.only(item)
        return text
