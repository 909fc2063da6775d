"""``mile traits``."""

import pytest

from mileage.errors import UnknownRefError
from mileage.session.traits import traits_report


def test_a_class_is_shown_with_its_laws_and_stages() -> None:
    report = traits_report(None, ["MultinomialNB"])
    rows = {row[0]: row[1:] for row in report.sections[0].rows}
    assert rows["group(multinomial)"] == ("fp", "")
    assert rows["binds(alpha, finalize)"] == ("bitwise", "")
    assert not any(row["demoted"] for row in report.to_json()["traits"])


def test_a_name_with_a_typo_is_refused_with_the_near_one() -> None:
    with pytest.raises(UnknownRefError, match="nothing is declared of a class 'Rigde'") as caught:
        traits_report(None, ["Rigde"])
    assert "did you mean Ridge?" in str(caught.value)
