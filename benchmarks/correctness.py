"""Speed of correctness with LRP at the paper's sizes: python -m benchmarks.correctness [--images 10] [--json FILE]

Drawn scenes of 224 x 224, VGG16 and either captioner with 512 units, 196 regions and 11026 words, random weights. Each
image is encoded and captioned with beam 3. The relevance of every object word of a caption of twelve words, which names
three objects of the scene, is propagated to the pixels: `experiments.Correctness`, as evaluate.py runs it. (Captions of
random weights name no objects, so the decoded words are replaced.) It prints images per minute, and the time per image
as a multiple of VGG16's forward pass in the same run.
"""

import argparse
import time

import jax
import numpy as np

from benchmarks.common import random_variables, write_figures
from lrp_jax.captions import scenes
from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import Correctness, cases
from lrp_jax.captions.models import MHFC, VGG16, AdaLSTM, Preprocessing
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.words import Vocabulary

WORDS, MENTIONS, VOCABULARY = 12, 3, 11026


class Naming(Speaker):
    """Decodes a caption, and then replaces it by one that names objects of the scene."""

    def caption(self, features, decoder=None, **how):
        super().caption(features, decoder, **how)
        return [self.saying] * len(features)


def speaker_of(captioner, encoder, encoder_params, vocabulary) -> Naming:
    features = np.zeros((196, 512), np.float32)
    return Naming(
        captioner=captioner,
        params=random_variables(captioner, features, np.ones(WORDS, np.int32)),
        words=vocabulary,
        encoder=Encoder(
            encoder, encoder_params, Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (224, 224))
        ),
    )


def measure(speaker: Naming, dataset: scenes.Scenes, images: int) -> dict:
    experiment = Correctness(methods=("lrp",), head_methods=())
    forward = jax.jit(speaker.encoder.module.apply)
    pixels = speaker.preprocessing(dataset[0].image[None])
    passes, seconds, mentions = [], [], []
    for index in range(images + 1):  # the first is for compilation
        kinds = [thing.kind for thing in dataset.scene(index).objects]
        named = [f"{kinds[i % len(kinds)]}" for i in range(MENTIONS)]
        words = [word for name in named for word in ("a", "red", name, "and")][:WORDS]
        object.__setattr__(speaker, "saying", speaker.given(" ".join(words)))
        began = time.perf_counter()
        ((_, case),) = cases(speaker, dataset, SCENES, [index], chunk=1)
        rows = experiment.rows(case)
        seconds.append(time.perf_counter() - began)
        mentions.append(len(rows))
        began = time.perf_counter()
        jax.block_until_ready(forward(speaker.encoder.params, pixels))
        passes.append(time.perf_counter() - began)
    mean = float(np.mean(seconds[1:]))
    return {
        "images_per_minute": 60 / mean,
        "words_per_image": float(np.mean(mentions[1:])),
        "over_forward": mean / min(passes[1:]),
        "forward_seconds": min(passes[1:]),
        "first_image_seconds": seconds[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    dataset = scenes.dataset("test_broken", size=224)
    fillers = [f"word{i}" for i in range(VOCABULARY)]
    words = [*sorted(scenes.SYNONYMS), "a", "and", "red", *fillers][: VOCABULARY - 4]
    vocabulary = Vocabulary.build(words)
    encoder = VGG16()
    encoder_params = random_variables(encoder, np.zeros((1, 224, 224, 3), np.float32))
    results = {}
    for captioner in (AdaLSTM(len(vocabulary)), MHFC(len(vocabulary))):
        name = type(captioner).__name__
        row = results[name] = measure(
            speaker_of(captioner, encoder, encoder_params, vocabulary), dataset, options.images
        )
        print(
            f"{name}: {row['images_per_minute']:.1f} images per minute with {row['words_per_image']:.1f} words each, "
            f"{row['over_forward']:.1f} times VGG16's forward pass of {1000 * row['forward_seconds']:.0f} ms an image; "
            f"the first, with compilation, {row['first_image_seconds']:.0f} s",
            flush=True,
        )
    write_figures(options.json, results)


if __name__ == "__main__":
    main()
