"""Captioners from PyTorch state dicts with the names of the paper's published code.

PyTorch stores dense weights as [out, in], ours are [in, out]; LSTM gates are i, f, g, o in both. The input of
the published Ada-LSTM is [h2_{t-1}, I_g, E_m], ours is [E_m, I_g, h2_{t-1}], which continues Eq. 1; so the columns
are reordered.
"""

import operator
from collections.abc import Mapping

import numpy as np

from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.weights.named import as_numpy, nested, problems_with, raise_any, read_sizes

# Published name -> our path, and the shape: V words, E embedding, H hidden, D raw feature, A attention space,
# G global feature, F input of the global projection.
SHARED = {
    "img_projector.weight": ("image_projection.kernel", "H D"),
    "img_projector.bias": ("image_projection.bias", "H"),
    "embedding.weight": ("word_embedding.embedding", "V E"),
    "fc.weight": ("fc.kernel", "V H"),
    "fc.bias": ("fc.bias", "V"),
}
ADA_LSTM = SHARED | {
    "AdaLSTM.lstm_cell.weight_ih": ("decoder_lstm.input.kernel", "4H H+G+E"),
    "AdaLSTM.lstm_cell.weight_hh": ("decoder_lstm.recurrent.kernel", "4H H"),
    "AdaLSTM.lstm_cell.bias_ih": ("decoder_lstm.input.bias", "4H"),
    "AdaLSTM.lstm_cell.bias_hh": ("decoder_lstm.recurrent.bias", "4H"),
    "AdaLSTM.x_gate.weight": ("sentinel.W_x.kernel", "H H+G+E"),
    "AdaLSTM.x_gate.bias": ("sentinel.W_x.bias", "H"),
    "AdaLSTM.h_gate.weight": ("sentinel.W_h.kernel", "H H"),
    "AdaLSTM.h_gate.bias": ("sentinel.W_h.bias", "H"),
    "AdaAttention.W_v_proj.weight": ("adaptive_attention.W_I.kernel", "A H"),
    "AdaAttention.W_v_proj.bias": ("adaptive_attention.W_I.bias", "A"),
    "AdaAttention.W_s_proj.weight": ("adaptive_attention.W_s.kernel", "A H"),
    "AdaAttention.W_s_proj.bias": ("adaptive_attention.W_s.bias", "A"),
    "AdaAttention.W_g_proj.weight": ("adaptive_attention.W_g.kernel", "A H"),
    "AdaAttention.w_h.weight": ("adaptive_attention.w_a.kernel", "1 A"),
    "LanguageLSTM.weight_ih": ("language_lstm.input.kernel", "4H 2H"),
    "LanguageLSTM.weight_hh": ("language_lstm.recurrent.kernel", "4H H"),
    "LanguageLSTM.bias_ih": ("language_lstm.input.bias", "4H"),
    "LanguageLSTM.bias_hh": ("language_lstm.recurrent.bias", "4H"),
}
GLOBAL_PROJECTION = {
    "global_img_feature_proj.weight": ("global_projection.kernel", "E F"),
    "global_img_feature_proj.bias": ("global_projection.bias", "E"),
}
READS_X1 = ("AdaLSTM.lstm_cell.weight_ih", "AdaLSTM.x_gate.weight")
MH_FC = SHARED | {
    "LanguageLSTM.weight_ih": ("lstm.input.kernel", "4H E+H"),
    "LanguageLSTM.weight_hh": ("lstm.recurrent.kernel", "4H H"),
    "LanguageLSTM.bias_ih": ("lstm.input.bias", "4H"),
    "LanguageLSTM.bias_hh": ("lstm.recurrent.bias", "4H"),
    "decoder_k_proj.weight": ("multi_head_attention.W_k.kernel", "H H"),
    "decoder_k_proj.bias": ("multi_head_attention.W_k.bias", "H"),
    "decoder_v_proj.weight": ("multi_head_attention.W_v.kernel", "H H"),
    "decoder_v_proj.bias": ("multi_head_attention.W_v.bias", "H"),
    "decoder_aoa_linear.weight": ("context.kernel", "H H"),
    "decoder_aoa_linear.bias": ("context.bias", "H"),
    "decoder_aoa_linear_gate.weight": ("context_gate.kernel", "H H"),
    "decoder_aoa_linear_gate.bias": ("context_gate.bias", "H"),
}
QUERY_PROJECTION = {
    "decoder_multihead_attention.q_proj.weight": ("multi_head_attention.W_q.kernel", "H H"),
    "decoder_multihead_attention.q_proj.bias": ("multi_head_attention.W_q.bias", "H"),
}


def captioner_from_state_dict(
    arrays: Mapping[str, np.ndarray],
    *,
    num_heads: int = 8,
    global_feature: str | None = None,
    attention_axis: str = "attention",
) -> tuple[AdaLSTM | MHFC, dict]:
    """A captioner and its parameters from the names of the published PyTorch code.

    Architecture and sizes are read from the arrays: `AdaLSTM.*` means an Ada-LSTM, `decoder_*` an MH-FC, with a
    query projection if `decoder_multihead_attention.q_proj.*` is present. The attention space of Ada-LSTM is
    the leading axis of `AdaAttention.W_v_proj.weight`.

    Args:
      arrays: names -> arrays, such as a loaded npz or a state dict of CPU tensors. `img_projector.weight` may
        be [H, d_raw] or, as a 1 x 1 convolution, [H, d_raw, 1, 1].
      num_heads: number of heads of an MH-FC, which the shapes do not determine; must divide H. Ignored for an
        Ada-LSTM.
      global_feature: the input of the global projection of an Ada-LSTM, "raw" or "projected" features; needed
        only if d_raw = H makes it ambiguous. Without a global projection the model is the paper's, "mean".
      attention_axis: of an Ada-LSTM; "attention" as in the paper, "position" for checkpoints of the published
        code.

    Returns:
      The captioner, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape, a number of heads
        that does not divide H, and options that are ambiguous or that the model does not have.
    """
    arrays = as_numpy(arrays)
    num_heads = operator.index(num_heads)
    projector = arrays.get("img_projector.weight")
    if projector is not None and projector.ndim == 4 and projector.shape[2:] == (1, 1):
        arrays["img_projector.weight"] = projector[:, :, 0, 0]
    ada = sum(name in arrays for name in ADA_LSTM if name not in MH_FC)
    mh = sum(name in arrays for name in MH_FC if name not in ADA_LSTM)
    if ada == mh:
        raise ValueError(
            "the arrays are neither those of an Ada-LSTM (AdaLSTM.*, AdaAttention.*) nor of an MH-FC (decoder_*), got "
            f"{', '.join(sorted(arrays)) or 'nothing'}; pass the state dict of one captioner"
        )
    if ada > mh:
        return _ada_lstm(arrays, global_feature, attention_axis)
    return _mh_fc(arrays, num_heads, global_feature, attention_axis)


def _ada_lstm(arrays: dict[str, np.ndarray], global_feature: str | None, attention_axis: str) -> tuple[AdaLSTM, dict]:
    problems = []
    if attention_axis not in ("attention", "position"):
        problems.append(f'attention_axis={attention_axis!r} is unknown: pass "attention" or "position"')
    if global_feature not in (None, "mean", "raw", "projected"):
        problems.append(f'global_feature={global_feature!r} is unknown: pass "raw", "projected" or "mean"')
        global_feature = None
    table = ADA_LSTM | GLOBAL_PROJECTION
    sizes = read_sizes(arrays, _shapes(table))
    if global_feature is None:
        global_feature, problem = _read_global_feature(arrays, sizes)
        problems += problem
    if global_feature == "mean":
        table = ADA_LSTM
    # The global projection maps raw features or regions to I_g, of the size of a word embedding.
    sizes |= _same(sizes, "G", "H" if global_feature == "mean" else "E")
    sizes |= _same(sizes, "F", {"raw": "D", "projected": "H"}.get(global_feature, "F"))
    raise_any([*problems, *_problems(arrays, table, sizes)], "an Ada-LSTM", sizes)
    for name in READS_X1:
        h2, image, word = np.split(arrays[name], [sizes["H"], sizes["H"] + sizes["G"]], axis=1)
        arrays[name] = np.concatenate([word, image, h2], axis=1)
    captioner = AdaLSTM(
        vocabulary_size=sizes["V"],
        hidden=sizes["H"],
        embedding=sizes["E"],
        attention=sizes["A"],
        global_feature=global_feature,
        attention_axis=attention_axis,
    )
    return captioner, _parameters(arrays, table)


def _read_global_feature(arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> tuple[str | None, list[str]]:
    """The kind of I_g according to the shapes, or None with the problems to report."""
    if not any(name in arrays for name in GLOBAL_PROJECTION):
        return "mean", []
    if not {"F", "D", "H"} <= sizes.keys():
        return None, []  # an array is missing or has a wrong shape, and is reported as such
    fits = [kind for kind, letter in (("raw", "D"), ("projected", "H")) if sizes["F"] == sizes[letter]]
    if len(fits) == 1:
        return fits[0], []
    if fits:
        said = f"raw and projected features both have size {sizes['F']}, so its input is ambiguous"
    else:
        wanted = f"{sizes['D']} (raw) or {sizes['H']} (projected)"
        said = f"its input has size {sizes['F']}, wanted {wanted}"
    return None, [f'global_img_feature_proj.weight: {said}; pass global_feature="raw" or "projected"']


def _same(sizes: Mapping[str, int], letter: str, other: str) -> dict[str, int]:
    return {letter: sizes[other]} if other in sizes else {}


def _mh_fc(
    arrays: Mapping[str, np.ndarray], num_heads: int, global_feature: str | None, attention_axis: str
) -> tuple[MHFC, dict]:
    query_projection = any(name in arrays for name in QUERY_PROJECTION)
    table = MH_FC | QUERY_PROJECTION if query_projection else MH_FC
    sizes = read_sizes(arrays, _shapes(table))
    problems = []
    if global_feature not in (None, "mean"):
        problems.append(f'global_feature={global_feature!r}: an MH-FC supports only "mean", leave it out')
    if attention_axis != "attention":
        problems.append(f"attention_axis={attention_axis!r}: an MH-FC has no such option, leave it out")
    if num_heads < 1 or sizes.get("H", num_heads) % num_heads:
        problems.append(f"num_heads={num_heads} does not divide H={sizes.get('H')}: pass a divisor of H")
    raise_any([*problems, *_problems(arrays, table, sizes)], "an MH-FC", sizes)
    captioner = MHFC(
        vocabulary_size=sizes["V"],
        hidden=sizes["H"],
        embedding=sizes["E"],
        heads=num_heads,
        query_projection=query_projection,
    )
    return captioner, _parameters(arrays, table)


def _shapes(table: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: symbols for name, (_, symbols) in table.items()}


def _problems(
    arrays: Mapping[str, np.ndarray], table: Mapping[str, tuple[str, str]], sizes: Mapping[str, int]
) -> list[str]:
    problems = problems_with(arrays, _shapes(table), sizes)
    if any(name.startswith("img_encoder.") for name in arrays):
        problems.append(
            "img_encoder.* is the image encoder, which this function does not read: use captioner_from_checkpoint"
        )
    return problems


def _parameters(arrays: Mapping[str, np.ndarray], table: Mapping[str, tuple[str, str]]) -> dict:
    paths = {path: arrays[name] for name, (path, _) in table.items()}
    return {"params": nested({path: a.T if path.endswith("kernel") else a for path, a in paths.items()})}
