"""docs/coming-from.md: the code of other libraries runs beside ours, and the names in its tables are theirs."""

import pathlib
import re

import captum.attr
import numpy as np
import pytest
import torch
import zennit.attribution
import zennit.canonizers
import zennit.composites
import zennit.rules
import zennit.torchvision
from captum.attr._utils import lrp_rules

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "coming-from.md"


def test_the_blocks_agree():
    names, text, compared = {}, PAGE.read_text(), 0
    for title, code in re.findall(r"^```python([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        exec(compile(code, str(PAGE), "exec"), names)
        if title == ' title="lrp_jax"':
            theirs, ours = names.pop("theirs"), np.asarray(names.pop("ours"))
            assert theirs.shape == ours.shape == (6, 6, 3)
            # zennit's stabiliser is 1e-6, captum's epsilon 1e-9 as is ours.
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
            compared += 1
    assert compared == 2
    assert isinstance(names["net"], torch.nn.Module)


MODULES = {
    "zennit": (zennit.rules, zennit.composites, zennit.canonizers, zennit.torchvision, zennit),
    "captum": (captum.attr, lrp_rules),
}


@pytest.mark.parametrize("library", MODULES)
def test_the_names_are_theirs(library):
    table = re.search(rf"^### {library}\n(.*?)^##", PAGE.read_text(), re.DOTALL | re.MULTILINE)[1]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    spans = [span for cell in first for span in re.findall(r"`([^`]+)`", cell)]
    names = [m[1] for span in spans if (m := re.search(r"(?<![=\w])((?:attribution\.)?[A-Z]\w+)(?=\(|$)", span))]
    assert len(names) > 8
    for name in names:
        found = []
        for module in MODULES[library]:
            thing = module
            for part in name.split("."):
                thing = getattr(thing, part, None)
            found.append(thing)
        assert any(thing is not None for thing in found), f"{library} has no {name}"
