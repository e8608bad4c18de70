"""A captioner trained on drawn scenes in front of your eyes, scored, and its words explained: `make demo`.

What it prints, and what to compare it with:

- CIDEr on scenes that it has not seen, beside the CIDEr of the same captions for shuffled images, which is what
  fluent sentences about nothing in particular get;
- the precision of the objects that it names, on scenes where the planted biases of the training captions are
  broken: what is missing to 1 are objects said out of habit;
- the correctness of LRP for object words (Eqs. 23, 24), with a 95 % bootstrap interval over images, beside the
  share of the image that the boxes cover and the correctness of the same word's map from another image.

The pages with the heat maps are in --out, the run is in --workdir for explain.py.
"""

import argparse
import pathlib
import sys
import time

import numpy as np

import explain as explain_script
from lrp_jax import experiments, metrics
from lrp_jax.data import scenes, source, tokenize
from lrp_jax.training import Run, load_run, paper_settings, train_and_evaluate
from lrp_jax.training.evaluate import caption_features

SPLIT = "test_broken"


def demo_settings():
    """A few minutes on two cores; what differs from the paper's settings, and why."""
    config = paper_settings()
    config.source = "scenes:strong,size=96,train=6000,validation=300,test_broken=1000,test_biased=0"
    config.encoder = "scenes"
    config.captioner = "ada"
    config.lengths = (12, 14, 17)  # 9 to 16 words and <end>
    config.hidden = 128  # 40 kinds of objects in 400 words need no 512 dimensions
    config.embedding = 128
    config.ada.attention = 64  # as many as regions, like the paper's 196
    config.batch_size = 64
    config.learning_rate = 2e-3  # four times the paper's, for a hundredth of its steps
    config.epochs = 4
    return config
