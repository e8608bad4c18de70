"""SPICE, computed by its authors' program, which runs under Java and needs two files that are not on PyPI."""

import json
import math
import os
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np
import pycocoevalcap.spice as package
from jaxtyping import Float

from lrp_jax.captions.metrics import java
from lrp_jax.captions.metrics.captions import Tokenizer, our_tokens, tokenized

_LIBRARY = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"
_JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
# SPICE's cache accesses classes that Java 9 and later do not open by default.
_OPEN = " ".join(
    f"--add-opens={name}=ALL-UNNAMED"
    for name in (
        *("java.base/java.lang", "java.base/java.math", "java.base/java.util", "java.base/java.util.concurrent"),
        *("java.base/java.net", "java.base/java.text", "java.sql/java.sql"),
    )
)


def spice(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenizer: Tokenizer = our_tokens,
    seconds: float | None = None,
) -> tuple[float, Float[np.ndarray, " images"]]:
    """SPICE: the F-measure of the propositions of a caption against those of its references.

    Args:
      candidates: one caption per image.
      references: the reference captions of each image, at least one.
      tokenizer: splits captions into words.
      seconds: the time limit of the program; None: ten minutes plus five seconds for each caption.

    Returns:
      The mean over the images, and the score of each image.

    Raises:
      ValueError: the numbers of candidates and references differ, or an image has no reference.
      MissingPartError: Java is not installed, or CoreNLP is not where SPICE looks for it. It is never downloaded.
      JavaError: the program failed, or took too long.

    Reference:
      Anderson et al., SPICE: Semantic Propositional Image Caption Evaluation, ECCV 2016. Version 1.0 as bundled with
      pycocoevalcap.
    """
    result, truth = tokenized("SPICE", candidates, references, tokenizer)
    folder = pathlib.Path(package.__file__).parent
    java.java()
    missing = [name for name in _JARS if not (folder / "lib" / name).is_file()]
    if missing:
        raise java.MissingPartError(
            # No local path: the message also appears in tables that are published.
            f"{' and '.join(missing)} missing: copy the files of these names from {_LIBRARY} into "
            "pycocoevalcap/spice/lib (`pip show pycocoevalcap` prints its location); on Java 17 SPICE runs with "
            f'JDK_JAVA_OPTIONS="{_OPEN}", which is set automatically'
        )
    seconds = 600 + 5 * len(result) if seconds is None else seconds
    with tempfile.TemporaryDirectory() as own:
        asked, answered = pathlib.Path(own, "captions.json"), pathlib.Path(own, "scores.json")
        images = [
            {"image_id": i, "test": text, "refs": texts}
            for i, (text, texts) in enumerate(zip(result, truth, strict=True))
        ]
        asked.write_text(json.dumps(images), encoding="utf-8")
        java.run(
            ["-Xmx8G", "-jar", "spice-1.0.jar", str(asked), "-out", str(answered), "-subset", "-silent"],
            folder=folder,
            seconds=seconds,
            environment={"JDK_JAVA_OPTIONS": f"{os.environ.get('JDK_JAVA_OPTIONS', '')} {_OPEN}".strip()},
        )
        found = {item["image_id"]: _number(item["scores"]["All"]["f"]) for item in json.loads(answered.read_text())}
    if found.keys() != set(range(len(result))):
        raise java.JavaError(f"SPICE scored {len(found)} of {len(result)} captions")
    scores = np.array([found[index] for index in range(len(result))])
    return float(scores.mean()), scores


def _number(value: float | None) -> float:
    """The score; 0 where the program gives none, because it could not parse the caption."""
    return 0.0 if value is None or math.isnan(float(value)) else float(value)
