import numpy as np
import pytest

from lrp_jax.data import END, PAD, START, CaptionBatches, pad_captions


def some_batches(count=23, batch_size=4, lengths=(3, 5, 8), seed=0, epochs=3):
    """Images whose only feature is their number; the captions of image i contain 100 + i and nothing else."""
    rng = np.random.default_rng(1)
    captions = [[[100 + i] * rng.integers(1, 8) for _ in range(1 + i % 3)] for i in range(count)]
    features = np.arange(count, dtype=np.float32)[:, None, None]
    batches = CaptionBatches(features, captions, batch_size=batch_size, lengths=lengths, seed=seed, epochs=epochs)
    return batches, captions


def test_inputs_start_and_targets_end():
    inputs, targets = pad_captions([[7, 8], [9], []], 4)
    np.testing.assert_array_equal(inputs, [[START, 7, 8, PAD], [START, 9, PAD, PAD], [START, PAD, PAD, PAD]])
    np.testing.assert_array_equal(targets, [[7, 8, END, PAD], [9, END, PAD, PAD], [END, PAD, PAD, PAD]])
    assert inputs.dtype == targets.dtype == np.int32


def test_a_caption_that_is_too_long_is_cut_and_does_not_end():
    inputs, targets = pad_captions([[4, 5, 6, 7], [4, 5, 6]], 4)
    np.testing.assert_array_equal(inputs, [[START, 4, 5, 6], [START, 4, 5, 6]])
    np.testing.assert_array_equal(targets, [[4, 5, 6, 7], [4, 5, 6, END]])
    np.testing.assert_array_equal(pad_captions([[4, 5, 6, 7]], 2)[0], [[START, 4]])


def test_an_epoch_holds_every_caption_with_the_features_of_its_image():
    batches, captions = some_batches()
    total = sum(len(texts) for texts in captions)
    assert batches.steps_per_epoch == -(-total // 4) and len(batches) == 3 * batches.steps_per_epoch
    seen = {}
    for step in range(batches.steps_per_epoch):
        batch = batches[step]
        assert batch.features.shape == (4, 1, 1) and batch.inputs.shape[0] == 4
        for image, row in zip(batch.features[:, 0, 0], batch.targets, strict=True):
            words = row[: list(row).index(END)]
            assert (words == 100 + image).all()
            seen[int(image), len(words)] = seen.get((int(image), len(words)), 0) + 1
    for image, texts in enumerate(captions):
        for text in texts:
            assert seen[image, len(text)] >= sum(len(other) == len(text) for other in texts)
    # All but the fill of the last batch were there once.
    assert sum(seen.values()) - total == 4 * batches.steps_per_epoch - total < 4


def test_shapes_are_few_and_no_longer_than_they_must_be():
    batches, _ = some_batches()
    lengths = [batches[step].inputs.shape[1] for step in range(len(batches))]
    assert set(lengths) == {3, 5, 8}
    wasteful = sum(
        (batches[step].targets != PAD).sum(1).max() <= smaller
        for step, length in enumerate(lengths)
        for smaller in (3, 5, 8)
        if smaller < length
    )
    assert wasteful == 0


def test_order_follows_from_seed_and_epoch():
    batches, _ = some_batches()

    def order(batches, epoch):
        steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
        return np.concatenate([batches[step].features[:, 0, 0] for step in steps])

    np.testing.assert_array_equal(order(batches, 1), order(some_batches()[0], 1))
    assert (order(batches, 0) != order(batches, 1)).any()
    assert (order(batches, 0) != order(some_batches(seed=5)[0], 0)).any()


def test_an_iterator_goes_on_where_another_was():
    batches, _ = some_batches()
    first = batches.iterate()
    for _ in range(batches.steps_per_epoch + 3):
        next(first)
    state = first.get_state()
    rest, resumed = list(first), list(batches.iterate(state))
    assert len(rest) == len(batches) - batches.steps_per_epoch - 3
    for one, other in zip(rest, resumed, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_batch_larger_than_the_data_is_filled():
    batches, _ = some_batches(count=2, batch_size=8)
    assert batches.steps_per_epoch == 1 and batches[0].features.shape == (8, 1, 1)


def test_no_captions_are_refused():
    with pytest.raises(ValueError, match="no image has a caption"):
        CaptionBatches(np.zeros((2, 1, 1)), [[], []], batch_size=1, lengths=(3,), seed=0, epochs=1)
