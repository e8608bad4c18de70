"""A builder of TFDS with the features and splits of `coco_captions`, and records that a test gives it."""

import numpy as np
import tensorflow_datasets as tfds

CATEGORIES = ("person", "dog", "traffic light")


class TinyCocoCaptions(tfds.core.GeneratorBasedBuilder):
    """`records` is split -> list of records; set it on the class before preparing."""

    VERSION = tfds.core.Version("1.1.0")
    records = {}  # noqa: RUF012

    def _info(self):
        box = {
            "area": np.int64,
            "bbox": tfds.features.BBoxFeature(),
            "id": np.int64,
            "is_crowd": np.bool_,
            "label": tfds.features.ClassLabel(names=CATEGORIES),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(encoding_format="jpeg"),
                    "image/filename": tfds.features.Text(),
                    "image/id": np.int64,
                    "captions": tfds.features.Sequence({"text": np.str_, "id": np.int64}),
                    "objects": tfds.features.Sequence(box),
                }
            ),
            description="for tests",
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {split: self._generate_examples(split) for split in self.records}

    def _generate_examples(self, split):
        for record in self.records[split]:
            yield record["image/filename"], record


def prepare(folder, records, file_format="array_record"):
    """Writes the records of each split below `folder` and returns the folder of the version."""
    TinyCocoCaptions.records = records
    builder = TinyCocoCaptions(data_dir=str(folder), file_format=file_format)
    builder.download_and_prepare()
    return builder.data_dir
