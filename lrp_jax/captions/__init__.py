"""Image captioners with attention: models, explanations, training, measures.

Needs `pip install "lrp_jax[captions]"`.
"""
