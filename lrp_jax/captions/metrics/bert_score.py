"""BERTScore: the similarity of two captions, from the word embeddings of a language model."""

import pathlib
from collections.abc import Sequence

import huggingface_hub
import numpy as np
from jaxtyping import Float

from lrp_jax.captions.metrics.captions import Tokenizer, our_tokens, tokenized
from lrp_jax.captions.metrics.java import MissingPartError

MODEL = "roberta-large"
LAYERS = 17  # the layer whose output agrees best with human judgement; Zhang et al., appendix B

_NAMES = ("FacebookAI/roberta-large", "roberta-large")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def f_bert(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenizer: Tokenizer = our_tokens,
    model: str | None = None,
    layers: int = LAYERS,
) -> tuple[float, Float[np.ndarray, " images"]]:
    """F_BERT with idf weights from the references, not rescaled; the reference with the best score counts.

    Args:
      candidates: one caption per image.
      references: the reference captions of each image, at least one.
      tokenizer: splits captions into words, before the model's own tokenizer splits these into word pieces.
      model: folder of roberta-large; None: the one in Hugging Face's cache. It is never downloaded.
      layers: the number of layers of the model that are used.

    Returns:
      The mean over the images, and the score of each image.

    Raises:
      ValueError: the numbers of candidates and references differ, or an image has no reference.
      MissingPartError: bert-score or the model is not installed.

    Reference:
      Zhang et al., BERTScore: Evaluating Text Generation with BERT, ICLR 2020. Computed by bert-score.
    """
    result, truth = tokenized("F_BERT", candidates, references, tokenizer)
    try:
        import bert_score
    except ImportError:
        raise MissingPartError("bert-score is not installed: pip install 'lrp_jax[bertscore]'") from None
    folder = kept_model() if model is None else model
    if folder is None or not pathlib.Path(folder).is_dir():
        where = f"there is no folder {folder}" if folder else f"{MODEL} is not in Hugging Face's cache"
        raise MissingPartError(f"{where}: hf download {_NAMES[0]} (1.4 GB)")
    scores = bert_score.score(
        result,
        truth,
        model_type=str(folder),
        num_layers=layers,
        idf=True,
        rescale_with_baseline=False,
        nthreads=0,  # with threads it forks, which is not safe after JAX has started
    )[2]
    scores = np.asarray(scores, np.float64)
    return float(scores.mean()), scores


def kept_model() -> str | None:
    """The folder of roberta-large in Hugging Face's cache; None if it is missing or incomplete."""
    for name in _NAMES:
        for weights in _WEIGHTS:
            found = huggingface_hub.try_to_load_from_cache(name, weights)
            folder = pathlib.Path(found).parent if isinstance(found, str) else None
            if folder is not None and (folder / "config.json").is_file():
                return str(folder)
    return None
