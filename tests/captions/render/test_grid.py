"""Figures for papers: where everything stands, and the arrays that are drawn."""

import dataclasses
import io
import xml.etree.ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from lrp_jax.captions import render

HOSTILE = "$\\frac{a$ <b>&\x00\n\ud800 50 % _^ {"


@pytest.fixture
def compare(make_case):
    def make(methods=("lrp", "grad_cam", "attention"), **options):
        return render.Comparison([make_case(method=m, **({"seed": i} | options)) for i, m in enumerate(methods)])

    return make


def drawn(figure):
    """(row, column) -> the axes there, in the grid of the figure."""
    return {(axes.get_subplotspec().rowspan.start, axes.get_subplotspec().colspan.start): axes for axes in figure.axes}


def picture(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def test_words_are_rows_and_methods_columns(compare):
    comparison = compare(case={"rows": [2, 5]})
    figure = render.grid(comparison)
    assert isinstance(figure, Figure)
    axes = drawn(figure)
    # Two words by a picture and three methods, and three legends.
    assert sorted(axes) == [(row, column) for row in (0, 1) for column in range(4)] + [(2, 1), (2, 2), (2, 3)]
    assert [axes[0, column].get_title() for column in range(4)] == ["", "LRP", "Grad-CAM", "attention"]
    assert [axes[row, 0].get_ylabel() for row in (0, 1)] == ["ball", "grass"]
    for column, case in enumerate(comparison.cases, 1):
        values = render.maps(case)
        for row in (0, 1):
            wanted = render.overlay(case.image, values[row], render.common_scale(values))
            np.testing.assert_array_equal(picture(axes[row, column]), wanted)
    np.testing.assert_array_equal(picture(axes[0, 0]), comparison.cases[0].image)


def test_words_are_columns_where_it_is_asked(compare):
    axes = drawn(render.grid(compare(case={"rows": [2, 5]}), words="columns", picture=False))
    assert sorted(axes) == [(row, column) for row in range(3) for column in range(3)]  # the last column is of legends
    assert [axes[0, column].get_title() for column in (0, 1)] == ["ball", "grass"]
    assert [axes[row, 0].get_ylabel() for row in range(3)] == ["LRP", "Grad-CAM", "attention"]


def test_each_method_has_a_scale_of_its_own_for_all_pictures(make_case):
    small = make_case(case={"rows": [2]})
    large = make_case(case={"rows": [2]}, pixels=small.explanation.pixels * 10, name="other.png")
    axes = drawn(render.grid([small, large]))
    scale = render.common_scale(np.concatenate([render.maps(small), render.maps(large)]))
    for row, case in enumerate((small, large)):
        np.testing.assert_array_equal(picture(axes[row, 1]), render.overlay(case.image, render.maps(case)[0], scale))
    legend = [label.get_text() for label in axes[2, 1].get_xticklabels()]
    assert legend == [render.signed(-scale), "0", render.signed(scale)]
    assert axes[2, 1].get_xlabel() == "relevance per pixel"


def test_a_legend_of_one_sign_begins_at_nothing(make_case):
    axes = drawn(render.grid(make_case(method="attention", case={"rows": [1]})))
    assert axes[1, 1].get_xticklabels()[0].get_text() == "0" and len(axes[1, 1].get_xticklabels()) == 2


def test_scores_stand_under_the_maps(compare):
    comparison = compare(case={"rows": [2, 5]})
    axes = drawn(render.grid(comparison))
    assert axes[0, 1].get_xlabel() == f"sum {render.signed(render.sums(comparison.cases[0], 2).picture)}"
    assert axes[0, 3].get_xlabel() == ""  # attention always adds up to 1
    axes = drawn(render.grid(comparison, scores={"attention": ["p 0.7", -0.25]}))
    assert [axes[row, 3].get_xlabel() for row in (0, 1)] == ["p 0.7", "−0.250"] and axes[0, 1].get_xlabel() == ""


def test_what_is_ablated_is_painted_grey_under_its_map(compare):
    comparison = compare(("lrp", "grad_cam"), case={"rows": [2, 5]})
    other = np.zeros((8, 9, 3), np.uint8)
    figure = render.grid(
        comparison,
        ablated={"lrp": [[0, 5], []], "grad_cam": [other, np.array([3])]},
        ablated_scores={"lrp": [-0.5, "gone"]},
        cells=(2, 3),
    )
    axes = drawn(figure)
    assert max(axes) == (4, 2) and (1, 0) not in axes
    image = comparison.cases[0].image  # 90 x 120 pixels, cells of 45 x 40
    painted = image.copy()
    painted[:45, :40] = painted[45:, 80:] = 127
    np.testing.assert_array_equal(picture(axes[1, 1]), painted)
    np.testing.assert_array_equal(picture(axes[3, 1]), image)
    np.testing.assert_array_equal(picture(axes[1, 2]), other)
    assert [axes[row, 1].get_xlabel() for row in (1, 3)] == ["−0.500", "gone"]


def test_boxes_are_outlined_on_the_maps_of_their_word(compare):
    figure = render.grid(compare(("lrp",), case={"rows": [2, 5]}), boxes=[[(0.25, 0.5, 0.75, 1)], None])
    axes = drawn(figure)
    outlines = axes[0, 1].patches
    assert {patch.get_bbox().bounds for patch in outlines} == {(29.5, 44.5, 60, 45)} and len(outlines) == 2
    assert not axes[1, 1].patches and not axes[0, 0].patches


def test_the_words_before_it_stand_beside_it_by_lrp(make_case):
    methods = ("attention", "gradient", "lrp")
    comparison = render.Comparison([make_case(method=m, seed=i, case={"rows": [3]}) for i, m in enumerate(methods)])
    axes = drawn(render.grid(comparison, context=True))[0, 4]
    assert axes.get_title() == "words before it (LRP)"
    texts = {text.get_text(): text for text in axes.findobj(matplotlib.text.Text) if text.get_text()}
    tokens = render.context(comparison.cases[2], 3)
    assert [token.text in texts for token in tokens] == [True] * 4
    for token in tokens:
        red, _, blue, _ = texts[token.text].get_bbox_patch().get_facecolor()
        assert (red > blue) == (token.value > 0)


def test_a_method_without_words_has_no_words_before_it(make_case):
    assert (0, 2) not in drawn(render.grid(make_case(method="attention", case={"rows": [3]}), context=True))


def test_regions_that_are_boxes_are_outlined(make_case):
    boxes = np.sort(np.random.default_rng(0).uniform(0, 1, (9, 2, 2)), axis=1).reshape(9, 4)
    case = make_case(pixels=None, grid=None, case={"boxes": boxes, "rows": [2]})
    np.testing.assert_array_equal(picture(drawn(render.grid(case))[0, 1]), np.asarray(render.overlays(case)[0]))


@pytest.mark.parametrize("form", ["png", "pdf", "svg"])
@pytest.mark.parametrize("words", ["rows", "columns"])
def test_it_is_saved_in_every_format_whatever_the_words_are(make_case, form, words):
    caption = ("<start>", "a", HOSTILE, "$x", "on", "日本", "$$")
    case = make_case(caption=caption, name=HOSTILE, case={"rows": [1, 5]})
    other = dataclasses.replace(case, image=np.zeros((200, 50, 3), np.uint8))
    buffer = io.BytesIO()
    with pytest.warns(UserWarning, match=r"Glyph .* missing"):  # the font has no Japanese, which is no error
        figure = render.grid(
            [case, other], words=words, caption=True, context=True, scores={"lrp": [HOSTILE, "$_", 1.0, 2.0]}
        )
        figure.savefig(buffer, format=form, dpi=40)
    begins = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[form]
    assert buffer.getvalue().startswith(begins) and len(buffer.getvalue()) > 5000
    if form == "svg":
        xml.etree.ElementTree.fromstring(buffer.getvalue())


def test_pyplot_is_left_alone(make_case):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    render.grid(make_case())
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"words": "diagonal"}, "got words='diagonal', wanted rows or columns"),
        ({"scores": {"lime": [1, 2]}}, "got scores of 'lime', wanted methods of the figure: lrp"),
        ({"scores": {"lrp": [1]}}, "got 1 scores of lrp, wanted one for each of 2 words"),
        ({"ablated": {"lrp": [[0], [784]]}}, "wanted a picture or indices of cells from 0 to 783"),
        ({"ablated": {"lrp": [np.zeros((4, 4, 3)), []]}}, r"got an ablated picture float64\[4, 4, 3\]"),
        ({"boxes": [None]}, "got boxes for 1 words, wanted them for 2"),
    ],
)
def test_what_does_not_fit_is_refused(make_case, options, message):
    with pytest.raises(ValueError, match=message):
        render.grid(make_case(case={"rows": [2, 5]}), **options)


def test_pictures_have_the_same_methods(make_case):
    with pytest.raises(ValueError, match=r"'ball.png' has grad_cam, wanted lrp as before"):
        render.grid([make_case(), make_case(method="grad_cam")])
    with pytest.raises(ValueError, match="got no pictures to draw"):
        render.grid([])
