"""Reports: tables that fit, HTML that is safe, drawings."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from mileage.results.drawing import Box, Graph, chain, svg
from mileage.results.report import Report, Section

EVIL = "<script>alert('x')</script>\"&"
WIDE = Section("wide", ("slot", "alternative", "weight"), (("model", "lightgbm(" + "a = 1, " * 40 + "z = 2)", "1"),))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_long_cell_is_wrapped_and_the_columns_after_it_stay(width):
    text = Report("explain", "space", (WIDE,)).text(width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "weight" in text.splitlines()[1] and "z = 2" in text


def test_columns_that_do_not_fit_are_named():
    many = Section("", tuple(f"column_{i:02}" for i in range(20)), (tuple("0" for _ in range(20)),))
    text = Report("apply", "", (many,)).text(width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "not shown: column_07" in text.replace("\n", " ").replace("    ", " ") and "more columns" in text


def test_every_text_is_escaped():
    graph = Graph((Box("a", EVIL, (EVIL,)), Box("b", EVIL)), (("a", "b"),), EVIL)
    html = Report("show", EVIL, (Section(EVIL, (EVIL,), ((EVIL,),)),), (EVIL,), graphs=(graph,))._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_drawing_is_well_formed_and_has_the_pages_colors():
    drawn = svg(Graph((Box("a", EVIL), Box("b", "two", ("x" * 80,)), Box("c", "join")), (("a", "c"), ("b", "c")), EVIL))
    root = ET.fromstring(drawn)
    names = [element.tag.split("}")[1] for element in root.iter()]
    assert (names.count("rect"), names.count("path")) == (3, 4)
    assert "#" not in drawn.replace("&#", "") and "currentColor" in drawn
    assert not re.search(r"(?:href|src|on\w+)=", drawn)


def test_boxes_do_not_overlap():
    root = ET.fromstring(svg(chain([Box(str(i), f"step {i}", ("a",) * i) for i in range(4)])))
    boxes = [element for element in root.iter() if element.tag.endswith("rect")]
    edges = [(float(b.get("x")), float(b.get("x")) + float(b.get("width"))) for b in boxes]
    assert all(end < start for (_, end), (start, _) in pairwise(edges))
