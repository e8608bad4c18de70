import io

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lrp_jax.captions.experiments.side_by_side import CORRECTED, GONE, KEPT, NEW, PLAIN, figure, marks, page
from lrp_jax.captions.words.objects import Mention


def named(*items):
    return [(Mention(place, tuple(words.split()), category), there) for place, words, category, there in items]


def test_marks_by_hand():
    baseline = named((1, "hot dog", "hot dog", False), (5, "man", "man", True), (7, "cat", "cat", False))
    tuned = named(
        (0, "puppy", "dog", True), (2, "guy", "man", True), (4, "kitten", "cat", False), (5, "bus", "bus", False)
    )
    before, after = marks(baseline, tuned, (8, 6))
    assert before == [PLAIN, GONE, GONE, PLAIN, PLAIN, PLAIN, PLAIN, KEPT]
    assert after == [CORRECTED, PLAIN, PLAIN, PLAIN, KEPT, NEW]


def test_a_new_object_corrects_nothing_where_nothing_went():
    _, after = marks(named((0, "cat", "cat", False)), named((0, "cat", "cat", False), (1, "man", "man", True)), (1, 2))
    assert after == [KEPT, PLAIN]
    # What another word for the same thing names has not gone.
    before, _ = marks(named((0, "cat", "cat", False)), named((0, "kitten", "cat", False)), (1, 1))
    assert before == [KEPT]


EXAMPLES = pd.DataFrame(
    [
        {"image": 3, "id": "<i>3", "baseline": "a <unk> & cat", "baseline_marks": "- - - gone"}
        | {"fine_tuned": "a man", "fine_tuned_marks": "- corrected"},
        {"image": 4, "id": "4" * 60, "baseline": "", "baseline_marks": ""}
        | {"fine_tuned": " ".join(["dog"] * 40), "fine_tuned_marks": " ".join(["new"] * 40)},
    ]
)


def test_the_page_escapes_and_leaves_out_what_it_cannot_read():
    text = page(EXAMPLES, {3: np.full((400, 200, 3), 7, np.uint8), 4: b"no image"})
    assert "a &lt;unk&gt; &amp; " in text and "&lt;i&gt;3" in text and "<unk>" not in text
    assert text.count("<img") == 1 and '<b class="corrected"' in text
    assert len(text) < 20_000  # the picture is small


def test_the_figure_holds_every_line_within_its_page():
    drawn = figure(EXAMPLES, {NEW: 40, GONE: 1})
    written = io.BytesIO()
    drawn.savefig(written, format="png")
    assert written.getvalue().startswith(b"\x89PNG")
    canvas = FigureCanvasAgg(drawn)
    renderer = canvas.get_renderer()
    boxes = [artist.get_window_extent(renderer) for artist in drawn.artists]
    width, height = canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height + 1 for box in boxes)
    # No column runs into the next: captions begin at 17 % and at 58 % of the width.
    starts = sorted({round(box.x0 / width, 2) for box in boxes})
    assert starts == [0.01, 0.17, 0.58]
    assert all(box.x1 / width < 0.58 for box in boxes if round(box.x0 / width, 2) == 0.17)
