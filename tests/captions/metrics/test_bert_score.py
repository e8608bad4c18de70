import sys
import types

import huggingface_hub
import numpy as np
import pytest

from lrp_jax.captions.metrics import bert_score as file
from lrp_jax.captions.metrics.bert_score import f_bert, kept_model
from lrp_jax.captions.metrics.java import MissingPartError


def test_it_is_asked_for_as_the_study_defines_it(monkeypatch, tmp_path):
    asked = {}

    def score(candidates, references, **settings):
        asked.update(settings, candidates=candidates, references=references)
        return np.array([0.0, 0.0]), np.array([0.0, 0.0]), np.array([0.25, 0.75])

    monkeypatch.setitem(sys.modules, "bert_score", types.SimpleNamespace(score=score))
    mean, scores = f_bert(["A dog.", "b"], [["a", "The dogs!"], ["b"]], model=str(tmp_path))
    assert mean == 0.5 and scores.tolist() == [0.25, 0.75]
    assert asked == {
        "candidates": ["a dog", "b"],
        "references": [["a", "the dogs"], ["b"]],
        "model_type": str(tmp_path),
        "num_layers": 17,
        "idf": True,
        "rescale_with_baseline": False,
        "nthreads": 0,
    }


def test_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(MissingPartError, match=r"pip install 'lrp_jax\[bertscore\]'"):
        f_bert(["a"], [["a"]])
    monkeypatch.setitem(sys.modules, "bert_score", types.SimpleNamespace(score=None))
    monkeypatch.setattr(file, "kept_model", lambda: None)
    with pytest.raises(MissingPartError, match="hf download FacebookAI/roberta-large"):
        f_bert(["a"], [["a"]])
    with pytest.raises(MissingPartError, match="there is no folder"):
        f_bert(["a"], [["a"]], model=str(tmp_path / "none"))


def test_the_model_is_found_where_it_was_downloaded_to(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda name, weights: None)
    assert kept_model() is None

    def cached(name, weights):
        return str(tmp_path / weights) if (name, weights) == ("roberta-large", "pytorch_model.bin") else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    assert kept_model() is None  # half a download
    (tmp_path / "config.json").write_text("{}")
    assert kept_model() == str(tmp_path)
