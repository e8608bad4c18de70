"""MH-FC on drawn scenes with strong planted biases."""

from configs import ada_scenes


def get_config():
    config = ada_scenes.get_config()
    config.captioner = "mhfc"
    return config
