"""The page in the browser: explains pictures and captions that the user sends."""

from lrp_jax.captions.serve.app import LIMIT, Application, Held, Model
from lrp_jax.captions.serve.asked import Asked
from lrp_jax.captions.serve.server import Server

__all__ = ["LIMIT", "Application", "Asked", "Held", "Model", "Server"]
