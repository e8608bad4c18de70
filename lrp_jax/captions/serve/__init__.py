"""The page in the browser: pictures and captions come from there, and explanations go back."""

from lrp_jax.captions.serve.app import LIMIT, Application, Held, Model
from lrp_jax.captions.serve.asked import Asked
from lrp_jax.captions.serve.server import Server

__all__ = ["LIMIT", "Application", "Asked", "Held", "Model", "Server"]
