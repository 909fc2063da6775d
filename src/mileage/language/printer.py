"""Trees to text, in one layout: keywords in upper case, a clause on a line, comments before what they belong to.

``parse(format_script(tree)) == tree`` and formatting twice is formatting once. Next: the words in
:mod:`mileage.language.printer_base`, the clauses in :mod:`mileage.language.printer_clauses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.quoting import quoted
from mileage.language import ast
from mileage.language import printer_base as p
from mileage.language.printer_clauses import (
    WIDTH,
    bound,
    budget_item,
    clause_lines,
    comment_lines,
    fact,
    fact_lines,
    intent,
    kind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def format_script(script: ast.Script) -> str:
    """Return the script as text; statements are parted by ``;``, the text ends with a line end.

    Examples
    --------
    >>> print(format_script(ast.Script((ast.Pause(), ast.Resume()))), end="")
    PAUSE;
    RESUME
    """
    texts = [format_statement(statement) for statement in script.statements]
    tail = [] if not script.comments else ["\n".join(comment_lines(script.comments))]
    text = "\n".join([";\n".join(texts), *tail]) if texts else "\n".join(tail)
    return f"{text}\n" if text else ""


def format_query(query: ast.Predict) -> str:
    """Return a query as text, without a line end after it.

    Examples
    --------
    >>> from mileage.language import parse_query
    >>> print(format_query(parse_query("predict y from 'a.csv' budget 10 MIN seed 7")))
    PREDICT y FROM 'a.csv'
    BUDGET 10 min
    SEED 7
    """
    return format_statement(query)


def format_statement(statement: ast.Statement) -> str:
    """Return one statement as text."""
    return "\n".join([*comment_lines(statement.comments), *_statement_lines(statement)])


def format_node(node: ast.Node) -> str:
    """Return a clause, fact, intent, bound, operator, chain, metric, ... as text."""
    if isinstance(node, ast.Script):
        return format_script(node)
    if type(node) in _PARTS:
        return _PARTS[type(node)](node)
    if type(node) in _DELTAS:
        return "\n".join(delta_lines(node))  # type: ignore[arg-type]  # its type is in the table
    if type(node) in CLAUSES:
        return "\n".join(clause_lines(node))  # type: ignore[arg-type]  # its type is in the table
    return format_statement(node)  # type: ignore[arg-type]  # its type is in the table


def handles(query: ast.Predict) -> dict[str, ast.Node]:
    """Return the items a diff can name: ``#k1`` facts, ``#i1`` intents, ``#c1`` bounds, ``#p1`` parts of the space.

    Examples
    --------
    >>> from mileage.language import parse_query
    >>> list(handles(parse_query("PREDICT y FROM t PREFER fast REQUIRE recall >= 0.9, fair WITHOUT svm, knn")))
    ['#i1', '#c1', '#i2', '#p1', '#p2']
    """
    found: dict[str, ast.Node] = {}
    counts = dict.fromkeys("kicp", 0)
    for clause in query.clauses:
        for item in clause_items(clause):
            letter = _letter(item)
            counts[letter] += 1
            found[f"#{letter}{counts[letter]}"] = item
    return found


def clause_items(clause: ast.Clause) -> tuple[ast.Fact | ast.Intent | ast.Bound | ast.Assign | ast.Op, ...]:
    """Return the items of a clause that have handles."""
    match clause:
        case ast.Knowing(facts=facts):
            return facts
        case ast.Prefer(intents=intents):
            return intents
        case ast.Require(items=items):
            return items
        case ast.With(assignments=assignments):
            return assignments
        case ast.Without(ops=ops):
            return ops
        case _:
            return ()


def _letter(item: ast.Node) -> str:
    if isinstance(item, ast.Fact):
        return "k"
    if isinstance(item, ast.Bound):
        return "c"
    return "i" if isinstance(item, ast.Intent) else "p"


def _query_lines(query: ast.Predict) -> list[str]:
    task = "" if query.task is None else f" AS {query.task.name.upper()}"
    if query.task is not None and query.task.options:
        task += f" {p.params(query.task.options)}"
    lines = [f"PREDICT {p.words(query.targets)}{task}"]
    for at, clause in enumerate(query.clauses):
        new = clause_lines(clause)
        joined = f"{lines[0]} {new[0]}"
        if at == 0 and isinstance(clause, ast.From) and not clause.comments and len(joined) <= WIDTH:
            lines = [joined, *new[1:]]
        else:
            lines += new
    return lines


def delta_lines(delta: ast.Delta) -> list[str]:
    """Return one change of a REFINE, its comments before it."""
    return [*comment_lines(delta.comments), *_delta_body(delta)]


def _delta_body(delta: ast.Delta) -> list[str]:
    match delta:
        case ast.Add(clause=clause):
            return _with_clause("ADD", clause)
        case ast.Set(clause=clause):
            return _with_clause("SET", clause)
        case ast.Drop(handle=handle, clause=clause):
            return _with_clause("DROP", clause) if clause is not None else [f"DROP #{handle}"]
        case ast.Pin(slot=slot, chain=chain):
            return [f"PIN {p.word(slot)}" + ("" if chain is None else f" = {p.chain(chain)}")]
        case ast.Unpin(slot=slot):
            return [f"UNPIN {p.word(slot)}"]
        case ast.Accept(refs=refs):
            return [f"ACCEPT {p.refs(refs)}"]
        case ast.Reject(refs=refs, because=because):
            return [f"REJECT {p.refs(refs)}{p.because(because)}"]


def _with_clause(word: str, clause: ast.Clause) -> list[str]:
    lines = clause_lines(clause)
    if clause.comments:
        return [word, *lines]
    indent = " " * (len(word) + 1)
    # SQL and strings may hold line ends: only whole lines of our own are indented.
    return [f"{word} {lines[0]}", *(indent + line for line in lines[1:])]


def _statement_lines(item: ast.Statement) -> list[str]:
    match item:
        case ast.Predict():
            return _query_lines(item)
        case ast.Refine():
            return [f"REFINE {item.ref}", *(f"{line}" for delta in item.deltas for line in delta_lines(delta))]
        case ast.Decide():
            return delta_lines(item.decision)
        case ast.DefineKnowledge():
            return fact_lines(f"DEFINE KNOWLEDGE {p.word(item.name)} AS ", item.facts)
        case ast.DefineIntent():
            effects = ", ".join(f"{e.level.upper()} {p.op(e.op)}" for e in item.effects)
            return [f"DEFINE INTENT {p.word(item.name)} AS ({effects})"]
        case ast.Explain():
            return _explain_lines(item)
        case _:
            return [_statement_line(item)]


def _explain_lines(item: ast.Explain) -> list[str]:
    head = "EXPLAIN" if item.what is None else f"EXPLAIN {item.what.upper()}"
    if isinstance(item.subject, ast.Ref):
        return [f"{head} {item.subject}"]
    lines = [*comment_lines(item.subject.comments), *_query_lines(item.subject)]
    return [head, *lines] if item.subject.comments else [f"{head} {lines[0]}", *lines[1:]]


def _statement_line(item: ast.Statement) -> str:
    match item:
        case ast.CreateView():
            made = "CREATE MATERIALIZED VIEW" if item.materialized else "CREATE VIEW"
            body = item.body
            text = p.sql(body) if isinstance(body, ast.Sql) else f"STEP {p.word(body.slot)} OF {body.ref}"
            return f"{made} {p.word(item.name)} AS {text}"
        case ast.ExplainWhy():
            subject = item.subject
            text = str(subject) if isinstance(subject, ast.Ref) else p.op(subject, p.NOT_WORD)
            return f"EXPLAIN WHY {'NOT ' if item.negated else ''}{text}"
        case ast.ExplainPrediction():
            return f"EXPLAIN PREDICTION FOR {p.sql(item.rows)} BY {item.ref}"
        case ast.Suggest():
            return _suggest(item)
        case ast.Compare():
            on = f" ON {', '.join(p.metric(m) for m in item.metrics)}" if item.metrics else ""
            return f"COMPARE {p.refs(item.refs)}{on}" + (f" BY {p.words(item.by)}" if item.by else "")
        case ast.Show():
            return f"SHOW {p.word(item.what)}" + ("" if item.of is None else f" OF {item.of}")
        case ast.Pause() | ast.Resume() | ast.Stop() | ast.ExtendBudget() | ast.Focus() | ast.Prune():
            return _steer(item)
        case ast.Export():
            form = "" if item.format is None else f" AS {p.word(item.format)}"
            return f"EXPORT {item.ref} TO {quoted(item.path)}{form}"
        case ast.Apply():
            into = "" if item.into is None else f" INTO {quoted(item.into)}"
            return f"APPLY {item.ref} TO {p.source(item.source)}{into}"
        case ast.Attach():
            return f"ATTACH {quoted(item.path)}" + ("" if item.name is None else f" AS {p.word(item.name)}")
        case _:
            return "\n".join(_statement_lines(item))


def _steer(item: ast.Pause | ast.Resume | ast.Stop | ast.ExtendBudget | ast.Focus | ast.Prune) -> str:
    if isinstance(item, ast.ExtendBudget):
        return f"EXTEND BUDGET BY {p.quantity(item.quantity)}"
    word = type(item).__name__.upper()
    return f"{word} {p.assign(item.assign)}" if isinstance(item, ast.Focus | ast.Prune) else word


def _suggest(item: ast.Suggest) -> str:
    text = "SUGGEST" if item.count is None else f"SUGGEST {item.count}"
    text += "" if item.about is None else f" ABOUT {p.word(item.about)}"
    return text + ("" if item.ref is None else f" FOR {item.ref}")


CLAUSES: tuple[type[ast.Commented], ...] = ast.Clause.__args__
_DELTAS: tuple[type[ast.Commented], ...] = ast.Delta.__args__
_PARTS: Mapping[type[ast.Node], Callable[..., str]] = {
    ast.Fact: fact,
    ast.Intent: intent,
    ast.Bound: bound,
    ast.Kind: kind,
    ast.BudgetQuantity: budget_item,
    ast.Until: budget_item,
    ast.Patience: budget_item,
    ast.Metric: p.metric,
    ast.Op: p.op,
    ast.Param: p.param,
    ast.Chain: p.chain,
    ast.Alternative: p.alternative,
    ast.Assign: p.assign,
    ast.Ref: p.ref,
    ast.Sql: p.sql,
    ast.Name: p.word,
    ast.FileSource: p.source,
    ast.TableSource: p.source,
    ast.FrameSource: p.source,
    ast.SqlSource: p.source,
    ast.RangeDomain: p.domain,
    ast.SetDomain: p.domain,
}
