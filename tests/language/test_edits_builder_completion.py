"""Changes, the Python face, completion."""

from __future__ import annotations

import pytest

from mileage.errors import BindError, MileError, ParseError
from mileage.language import (
    apply_refine,
    ast,
    col,
    complete,
    false_negatives,
    format_query,
    handles,
    parse,
    parse_query,
    predict,
)

BEFORE = "PREDICT y FROM t KNOWING a IS TEXT, b IS LEAKY PREFER fast REQUIRE recall >= 0.9, size <= 2 MB WITH M = svm BUDGET 1 min"


def _refined(text: str, **options: object) -> str:
    step = parse(f"REFINE @last {text}").statements[0]
    return format_query(apply_refine(parse_query(BEFORE), step, **options))


def test_handles_count_each_family() -> None:
    assert list(handles(parse_query(BEFORE))) == ["#k1", "#k2", "#i1", "#c1", "#c2", "#p1"]


def test_set_replaces_the_same_bound_slot_or_clause() -> None:
    text = _refined("SET REQUIRE recall >= 0.8 SET BUDGET 5 min SET WITH M = knn DROP #k1 DROP #k2")
    assert text == "PREDICT y FROM t\nPREFER fast\nREQUIRE recall >= 0.8, size <= 2 MB\nWITH M = knn\nBUDGET 5 min"


def test_pin_takes_what_was_chosen() -> None:
    chain = parse_query("PREDICT y WITH x = median").clause(ast.With).assignments[0].chain
    assert "WITH M = svm, IMPUTE = median" in _refined("PIN IMPUTE", chosen={"impute": chain})
    assert "WITH" not in _refined("UNPIN m")


@pytest.mark.parametrize(
    ("text", "code"),
    [("DROP #k9", "E260"), ("ADD BUDGET 1 min", "E261"), ("DROP PREFER slow", "E261"), ("PIN X", "E262"),
     ("UNPIN X", "E262"), ("ACCEPT @s1", "E263")],
)  # fmt: skip
def test_what_is_absent_is_an_error(text: str, code: str) -> None:
    with pytest.raises(BindError) as caught:
        _refined(text)
    assert caught.value.code == code


def test_the_builder_writes_the_language() -> None:
    frame = object()
    query = (
        predict("cancer_type", task="classification")
        .from_(frame)
        .validate(folds=5, together="patient_id")
        .optimize("roc_auc", then="recall('lung')")
        .know(false_negatives("lung", cost=10, because="fatal"), col("age", "packs").noisy(sd="5%"), "sex IS SENSITIVE")
        .prefer("interpretable", within="2%")
        .require("recall('lung') >= 0.90", confidence=0.95)
        .with_(model="logistic | hist_gbm")
        .without("svm")
        .budget("10 min", trials=20, until="roc_auc >= 0.95", patience="40 trials")
        .returning(5, diverse=True)
        .seed(7)
        .named("q")
    )
    assert query.frames == {"frame": frame}
    assert parse_query(str(query)) == query.query
    assert (
        "KNOWING FALSE NEGATIVES OF 'lung' COST 10 BECAUSE 'fatal',\n        age AND packs ARE NOISY (sd = 5%)"
        in str(query)
    )
    with pytest.raises(ParseError):
        query.with_(model="logistic |")
    with pytest.raises(MileError, match="exactly one of folds"):
        query.validate()


def test_the_language_itself_runs_nothing() -> None:
    import mileage

    assert mileage.predict("y").runner is not None
    with pytest.raises(MileError, match="nothing is set to run this query"):
        predict("y").run()


def test_completion_is_exact() -> None:
    kinds = complete("PREDICT y FROM t KNOWING age IS ")
    assert len(kinds) == 14
    assert "LEAKY" in kinds
    clauses = complete("PREDICT y FROM t ")
    assert len(clauses) == 17
    assert complete("PREDICT y WITH MODEL = s", names={"operators": ["svm", "knn"]}) == ("svm",)
    assert complete("PREDICT y FROM t SEED 7; SHO") == ("SHOW",)
    assert complete("REFINE @last DROP #", names={"handles": ["#k1"]}) == ("#k1",)


def test_completion_asks_for_the_family_that_fits() -> None:
    names = {
        "operators:model": ["knn"], "operators": ["knn", "scale"], "parameters:knn": ["n_neighbors"], "slots": ["MODEL"],
        "values:knn.weights": ["uniform"], "metrics": ["accuracy"], "hints": ["workers"], "tables": ["shop.orders"],
        "values:hint.backend": ["inline"],
    }  # fmt: skip

    def offered(text: str) -> list[str]:
        return [
            option
            for option in complete(text, columns=["age"], names=names)
            if not option.isupper() or option == "MODEL"
        ]

    head = "PREDICT y FROM t "
    assert offered("PREDICT y FROM ") == ["shop.orders"]
    assert offered(head + "WITH ") == offered(head + "WITH MODEL = knn(n = 3), ") == ["MODEL"]
    assert offered(head + "WITH MODEL = ") == offered(head + "WITH MODEL = knn | ") == ["knn"]
    assert offered(head + "WITH MODEL = (knn >> ") == ["knn"]
    assert offered(head + "WITH MODEL = knn(") == offered(head + "WITH MODEL = knn(a = 1, ") == ["n_neighbors"]
    assert (
        offered(head + "WITH MODEL = knn(weights = ") == offered(head + "WITH MODEL = knn(weights IN {") == ["uniform"]
    )
    assert (
        offered(head + "OPTIMIZE ")
        == offered(head + "OPTIMIZE a THEN ")
        == offered(head + "BUDGET UNTIL ")
        == ["accuracy"]
    )
    assert offered(head + "HINT (") == ["workers"]
    assert offered(head + "HINT (backend = ") == ["inline"]
    assert (
        offered(head + "FEATURES (b, ") == offered(head + "KNOWING b AND ") == offered(head + "EXCLUDING ") == ["age"]
    )
    assert offered(head + "OPTIMIZE recall(") == offered(head + "NAMED ") == []


def test_from_tells_files_tables_frames_and_sql_apart() -> None:
    texts = {
        "houses": "FROM houses", "shop.orders": "FROM shop.orders", "houses.csv": "FROM 'houses.csv'",
        "data/houses": "FROM 'data/houses'", "clinic/*.parquet": "FROM 'clinic/*.parquet'", "(SELECT 1)": "FROM (SELECT 1)",
    }  # fmt: skip
    for source, clause in texts.items():
        assert str(predict("y").from_(source)) == f"PREDICT y {clause}"
    assert str(predict("y").from_(object())) == "PREDICT y FROM :frame"
