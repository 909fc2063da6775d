"""Trees of MILEAGE for Hypothesis; names are often keywords, as no word is reserved."""

from __future__ import annotations

from hypothesis import strategies as st

from mileage.core.units import UNITS, Quantity
from mileage.language import ast

KEYWORDS = [
    "from",
    "budget",
    "text",
    "likely",
    "maybe",
    "labels",
    "false",
    "true",
    "not",
    "auto",
    "with",
    "confidence",
    "log",
    "in",
    "cost",
    "by",
    "seed",
    "s",
    "min",
    "x",
    "is",
    "and",
]
WORDS = st.sampled_from([*KEYWORDS, "age", "income", "größe", "net income", 'a"b', "2nd", "select"])
names = st.builds(ast.Name, WORDS)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(
    ["it's", "5%", "2 min", "--", ""]
)
ints = st.integers(-(10**9), 10**9)
floats = st.floats(-1e12, 1e12, allow_nan=False).map(float)
numbers = ints | floats
whole = st.integers(0, 10**6)
quantities = st.builds(Quantity, numbers, st.sampled_from(["", *UNITS]))
with_unit = st.builds(Quantity, numbers, st.sampled_from(UNITS))
values = st.booleans() | ints | floats | texts | names
sqls = st.sampled_from(["a = 1", "x > ')' AND (y)", "SELECT 1 -- )\n", "a /* ( */ + $$(($$"]).map(ast.Sql)
refs = st.builds(ast.Ref, st.sampled_from(["q1", "last", "w2"]), st.none() | st.sampled_from(["scale", "s1"]))


def some(items: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    """One to ``most`` items as a tuple."""
    return st.lists(items, min_size=1, max_size=most).map(tuple)


columns = some(names)
ranges = st.builds(lambda a, b, log: ast.RangeDomain(min(a, b), max(a, b), log), numbers, numbers, st.booleans())
domains = ranges | st.builds(ast.SetDomain, some(values))
params = st.one_of(
    st.builds(lambda n, v: ast.Param(n.text, v), names, values | with_unit),
    st.builds(lambda n, d: ast.Param(n.text, None, d), names, domains),
    st.builds(lambda v: ast.Param(None, v), values | with_unit),
)
few_params = st.just(()) | some(params, 2)
ops = st.builds(lambda n, p: ast.Op(n.text, p), names, few_params)
args = st.builds(lambda n, v: ast.Arg(n and n.text, v), st.none() | names, values)
metrics = st.builds(lambda n, a: ast.Metric(n.text, a), names, st.just(()) | some(args, 2))
weights = st.none() | st.floats(0, 100).map(abs)


def _chains(bodies: st.SearchStrategy) -> st.SearchStrategy:
    alternatives = st.builds(ast.Alternative, bodies, weights)
    return st.builds(ast.Chain, some(st.builds(ast.Choice, some(alternatives, 2)), 2))


chains = _chains(st.recursive(ops, _chains, max_leaves=4))
assigns = st.builds(ast.Assign, names, chains)
notes = st.just(()) | st.sampled_from([("a note",), ("two", "lines"), ("a block\nof text",)])
noted_assigns = st.builds(ast.Assign, names, chains, comments=notes)
sources = st.one_of(
    st.builds(ast.FileSource, texts),
    st.builds(ast.TableSource, names | st.sampled_from(["shop.orders", "a.b.c", "t.csv"]).map(ast.Name)),
    st.just(ast.FrameSource("df")),
    st.builds(ast.SqlSource, sqls),
)
kinds = st.one_of(
    st.sampled_from(["leaky", "sensitive", "important", "irrelevant", "identifier", "categorical", "text"]).map(
        ast.Kind
    ),
    st.builds(lambda o: ast.Kind("noisy", options=o), few_params),
    st.builds(
        lambda m, c: ast.Kind("missing", mechanism=m, codes=c),
        st.sampled_from([None, "at_random", "not_at_random"]),
        st.just(()) | some(values),
    ),
    st.builds(lambda n: ast.Kind("proxy", of=n), names),
    st.builds(lambda u: ast.Kind("numeric", unit=u), st.none() | texts),
    st.builds(lambda v: ast.Kind("ordinal", values=v), some(values)),
    st.builds(lambda a, b: ast.Kind("between", low=a, high=b), numbers, numbers),
    st.builds(lambda t: ast.Kind("known_only_after", event=t), texts),
)
costs = st.floats(0, 1e6).map(abs)
bodies = st.one_of(
    st.builds(lambda c, k: ast.Trait(c, False, k), columns, kinds),
    st.builds(lambda k: ast.Trait((), True, k), kinds),
    st.builds(ast.Cost, st.sampled_from(["negatives", "positives"]), values, costs),
    st.builds(ast.Mistaking, values, values, costs),
    st.builds(ast.Monotone, names, st.sampled_from(["rises", "falls"]), columns),
    st.builds(ast.Interaction, names, names),
    st.builds(ast.Derived, names, sqls),
)
facts = st.builds(
    ast.Fact, st.sampled_from([None, "certainly", "likely", "maybe"]), bodies, st.none() | texts, comments=notes
)
maybe_columns = st.just(()) | columns
intents = st.builds(
    lambda n, *rest, comments: ast.Intent(n.text, *rest, comments=comments),
    names, st.none() | names, maybe_columns, maybe_columns, st.none() | quantities, st.none() | ops,
    comments=notes,
)  # fmt: skip
compares = st.sampled_from([">=", "<=", ">", "<", "="])
bounds = st.builds(ast.Bound, metrics, compares, quantities, st.none() | sqls, st.none() | quantities, comments=notes)
methods = st.builds(ast.Folds, whole) | st.builds(ast.Holdout, quantities) | st.builds(ast.Bootstrap, whole)
validates = st.builds(
    ast.Validate, methods, maybe_columns, st.none() | names, maybe_columns, st.none() | whole, st.none() | whole, st.booleans()
)  # fmt: skip
limits = st.builds(ast.BudgetQuantity, quantities) | st.builds(ast.Patience, quantities)
limits |= st.builds(ast.Until, metrics, compares, quantities)
reuses = st.sampled_from(["auto", "everything", "nothing"]).map(ast.Reuse) | columns.map(
    lambda c: ast.Reuse("views", c)
)
once = [
    st.builds(ast.From, sources, comments=notes),
    columns.map(ast.Features),
    validates | sources.map(lambda s: ast.Validate(ast.On(s))),
    some(some(metrics, 2), 2).map(ast.Optimize),
    st.builds(ast.Budget, some(limits), comments=notes),
    reuses,
    st.builds(ast.Return, whole, st.booleans()),
    whole.map(ast.Seed),
    names.map(ast.Named),
    some(params, 2).map(ast.Hint),
]
often = st.one_of(
    columns.map(ast.Excluding),
    st.builds(ast.Knowing, some(facts), comments=notes),
    columns.map(ast.UsingKnowledge),
    some(intents).map(ast.Prefer),
    some(intents | bounds).map(ast.Require),
    some(noted_assigns, 2).map(ast.With),
    some(ops, 2).map(ast.Without),
)
tasks = st.builds(
    ast.Task, st.sampled_from(["classification", "regression", "ranking", "forecast", "quantiles"]), few_params
)


@st.composite
def queries(draw: st.DrawFn) -> ast.Predict:
    """Queries in which no clause stands twice that may stand once."""
    picked = draw(st.lists(st.sampled_from(range(len(once))), unique=True, max_size=3))
    clauses = [draw(once[at]) for at in picked] + draw(st.lists(often, max_size=3))
    order = draw(st.permutations(clauses))
    return ast.Predict(draw(columns), draw(st.none() | tasks), tuple(order), comments=draw(notes))


clauses = st.one_of(*once, often)
deltas = st.one_of(
    clauses.map(ast.Add),
    clauses.map(ast.Set),
    clauses.map(lambda c: ast.Drop(clause=c)),
    st.sampled_from(["k1", "p12"]).map(lambda h: ast.Drop(handle=h)),
    st.builds(ast.Pin, names, st.none() | chains),
    names.map(ast.Unpin),
    some(refs).map(ast.Accept),
    st.builds(ast.Reject, some(refs), st.none() | texts),
)
effects = st.builds(ast.IntentEffect, st.sampled_from(["space", "train", "objective", "post", "probe", "report"]), ops)
others = st.one_of(
    st.builds(ast.Refine, refs, some(deltas), comments=notes),
    some(refs).map(lambda r: ast.Decide(ast.Accept(r))),
    st.builds(ast.CreateView, names, sqls | st.builds(ast.StepView, names, refs), st.booleans()),
    st.builds(ast.DefineIntent, names, some(effects)),
    st.builds(ast.DefineKnowledge, names, some(facts)),
    st.builds(
        ast.Explain,
        st.none() | st.sampled_from(["plan", "space", "intents", "knowledge", "cost", "conflicts", "data"]),
        queries() | refs,
    ),
    st.builds(ast.ExplainWhy, st.booleans(), refs | ops),
    st.builds(ast.ExplainPrediction, sqls, refs),
    st.builds(ast.Suggest, st.none() | whole, st.none() | names, st.none() | refs),
    st.builds(ast.Compare, some(refs), st.just(()) | some(metrics, 2), maybe_columns),
    st.builds(ast.Show, names, st.none() | refs),
    st.sampled_from([ast.Pause(), ast.Resume(), ast.Stop()]),
    quantities.map(ast.ExtendBudget),
    assigns.map(ast.Focus) | assigns.map(ast.Prune),
    st.builds(ast.Export, refs, texts, st.none() | names),
    st.builds(ast.Apply, refs, sources, st.none() | texts),
    st.builds(ast.Attach, texts, st.none() | names),
)
scripts = st.builds(ast.Script, st.lists(queries() | others, max_size=3).map(tuple), comments=notes)
