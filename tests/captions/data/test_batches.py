import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.batches import CaptionBatches, ImageBatches, pad_captions
from lrp_jax.captions.data.images import LazyImages, Subset, UnreadableImageError, load_all
from lrp_jax.captions.images import Example
from lrp_jax.captions.words import END, PAD, START


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


# --- several processes, threads, flips ------------------------------------------------------------------------

LEFT = 7  # the word of every fourth image


def photographs(tmp_path, count=22):
    """Image files with their number in their colours, dark on the left and bright on the right; one is cut."""
    examples = []
    for index in range(count):
        pixels = np.full((12, 16, 3), (index, 0, 0), np.uint8)
        pixels[:, 8:, 2] = 255
        path = tmp_path / f"{index}.png"
        Image.fromarray(pixels).save(path)
        if index == 5:
            path.write_bytes(path.read_bytes()[:60])
        examples.append(Example(str(index), path))
    good = [item.index for item in load_all(examples, (12, 16)) if item.error is None]
    assert good == [index for index in range(count) if index != 5]
    return good, Subset(examples, good)


def batches_of(kind, images, numbers, share=(0, 1), flip=0.0):
    captions = [[[10 + n] * (1 + n % 4) + [LEFT] * (n % 4 == 0), [10 + n]] for n in numbers]
    shape = {"lengths": (3, 6)} if kind is CaptionBatches else {"length": 6}
    batches = kind(images, captions, batch_size=8, seed=3, epochs=2, share=share, **shape)
    return batches.flipped(flip, {LEFT}) if flip else batches


@pytest.mark.parametrize("kind", [CaptionBatches, ImageBatches])
@pytest.mark.parametrize("stored", ["files", "memory"])
@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_the_shares_of_two_processes_are_the_batches_of_one(tmp_path, kind, stored, flip):
    numbers, dataset = photographs(tmp_path)
    images = LazyImages(dataset, (12, 16))
    if stored == "memory":
        images = images[np.arange(len(dataset))]
    alone = list(batches_of(kind, images, numbers, flip=flip).iterate(threads=3))
    shares = [list(batches_of(kind, images, numbers, (part, 2), flip).iterate()) for part in range(2)]
    assert len(alone) == len(shares[0]) == len(shares[1]) > 4
    flipped = 0
    for whole, *parts in zip(alone, *shares, strict=True):
        assert len(parts[0].features) == 4
        for expected, *found in zip(whole, *parts, strict=True):
            np.testing.assert_array_equal(np.concatenate(found), expected)
        for image, row in zip(whole.features, whole[-1], strict=True):
            ids = image[..., 0]
            assert (ids == ids[0, 0]).all() and 10 + ids[0, 0] in row and ids[0, 0] != 5
            mirrored = image[0, 0, 2] == 255
            assert (image[:, :8, 2] == 255 * mirrored).all() and (image[:, 8:, 2] == 255 * (not mirrored)).all()
            assert not (mirrored and LEFT in row)
            flipped += mirrored
    assert bool(flip) == bool(flipped)


def test_flipped_batches_resume_and_leave_the_others_alone(tmp_path):
    numbers, dataset = photographs(tmp_path)
    images = LazyImages(dataset, (12, 16))
    plain = batches_of(CaptionBatches, images, numbers)
    batches = plain.flipped(0.5, {LEFT})
    first = batches.iterate(threads=2)
    for _ in range(4):
        next(first)
    resumed = batches.iterate(first.get_state(), threads=1)
    for step in range(4, 8):
        batch = next(resumed)
        np.testing.assert_array_equal(batch.features, batches[step].features)
        np.testing.assert_array_equal(plain[step].features[..., 0], batch.features[..., 0])
        assert (plain[step].features[:, :, 0, 2] == 0).all()


def test_an_image_that_is_cut_later_is_named(tmp_path):
    numbers, dataset = photographs(tmp_path)
    batches = batches_of(CaptionBatches, LazyImages(dataset, (12, 16)), numbers)
    dataset[9].image.write_bytes(b"")
    with pytest.raises(UnreadableImageError, match=r"image 10: .*10\.png: got no readable image"):
        list(batches.iterate())
