import dataclasses
import json

import pandas as pd
import pytest
from small_speaker import SIZE, small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import (
    Chair,
    Context,
    Experiment,
    ModalityShare,
    OtherSettingsError,
    measure,
    rows_of,
    write_tables,
)
from lrp_jax.captions.images import Example

IMAGES = 5
RECORD = {"data": "scenes", "model": "small"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawn(Experiment):
    """Draws a number for each image; fails where it is told to."""

    name = "drawn"
    shows = "a number"
    fails_at: int = -1

    def rows(self, case):
        if case.index == self.fails_at:
            raise KeyboardInterrupt  # as a user does
        return [{"number": self.rng(case).random(), "words": " ".join(case.words)}]

    def tables(self, rows, context):
        return {"drawn": pd.DataFrame([{"mean": rows["number"].mean()}])}


def run(experiments, out, dataset=None, share=(0, 1), record=RECORD):
    dataset = dataset or small_scenes(IMAGES)
    return measure(experiments, small_speaker(), dataset, SCENES, out, record=record, share=share)


def files(experiment, out, dataset=None):
    dataset = dataset or small_scenes(IMAGES)
    rows, missing = rows_of(experiment, dataset, out)
    assert not missing
    write_tables(experiment, rows, Context(dataset, SCENES, training_captions=list), out)
    return {path.name: path.read_bytes() for path in (out / experiment.name).iterdir() if "rows-" not in path.name}


def test_two_processes_and_an_interruption_give_the_same_files(tmp_path):
    experiments = [Drawn(), Chair(), ModalityShare()]
    run(experiments, tmp_path / "one")
    run(experiments, tmp_path / "two", share=(1, 2))
    run(experiments, tmp_path / "two", share=(0, 2))
    with pytest.raises(KeyboardInterrupt):
        run([dataclasses.replace(Drawn(), fails_at=3), *experiments[1:]], tmp_path / "three")
    (tmp_path / "three" / "drawn" / "record.json").unlink()  # it differs by `fails_at`
    # A line that was being written when a process died.
    with open(tmp_path / "three" / "chair" / "rows-0.jsonl", "a") as file:
        file.write('{"index": 4, "rows": [{"na')
    run(experiments, tmp_path / "three")
    for experiment in experiments:
        one, two, three = (files(experiment, tmp_path / name) for name in ("one", "two", "three"))
        assert one == two == three and len(one) >= 4, experiment.name
        assert len((tmp_path / "three" / experiment.name / "rows-0.jsonl").read_text().splitlines()) == IMAGES


def test_more_images_are_added_to_what_is_there(tmp_path):
    run([dataclasses.replace(Drawn(), images=2)], tmp_path)
    before = (tmp_path / "drawn" / "rows-0.jsonl").read_text()
    assert rows_of(Drawn(), small_scenes(IMAGES), tmp_path)[1] == IMAGES - 2
    run([Drawn()], tmp_path)
    assert (tmp_path / "drawn" / "rows-0.jsonl").read_text().startswith(before)
    assert rows_of(Drawn(), small_scenes(IMAGES), tmp_path)[0]["image"].tolist() == list(range(IMAGES))


def test_other_settings_and_other_models_are_refused(tmp_path):
    run([Drawn()], tmp_path)
    with pytest.raises(OtherSettingsError, match=r"settings .*'seed': '0'.*'seed': '7'.*use another --out"):
        run([Drawn(seed=7)], tmp_path)
    with pytest.raises(OtherSettingsError, match="model 'small', got 'other'"):
        run([Drawn()], tmp_path, record=RECORD | {"model": "other"})


def test_a_bad_image_costs_itself_alone_and_is_tried_again(tmp_path):
    dataset = [small_scenes(IMAGES)[index] for index in range(IMAGES)]
    whole = dataset[2]
    dataset[2] = Example("broken", b"no image", captions=("a dog",))
    domain = dataclasses.replace(SCENES, scene=None)
    experiment = Drawn()
    failed = measure([experiment], small_speaker(), dataset, domain, tmp_path, record=RECORD)
    assert list(failed) == [2] and "no readable image" in failed[2]
    rows, missing = rows_of(experiment, dataset, tmp_path)
    assert missing == 0 and rows["image"].tolist() == [0, 1, 3, 4]
    dataset[2] = whole
    assert measure([experiment], small_speaker(), dataset, domain, tmp_path, record=RECORD) == {}
    rows, _ = rows_of(experiment, dataset, tmp_path)
    assert rows["image"].tolist() == list(range(IMAGES)) and rows["id"][2] == whole.id
    assert whole.image.shape[:2] == (SIZE, SIZE)


def test_a_column_that_is_the_frames_own_is_refused(tmp_path):
    class Bad(Drawn):
        name = "bad"

        def rows(self, case):
            return [{"image": 0.5}]

    with pytest.raises(ValueError, match="bad: got a column 'image'"):
        run([Bad()], tmp_path)


def test_what_made_the_rows_is_beside_them(tmp_path):
    measure([Drawn(seed=3)], small_speaker(), small_scenes(1), SCENES, tmp_path, record=RECORD, notes={"commit": "abc"})
    record = json.loads((tmp_path / "drawn" / "record.json").read_text())
    assert record["measured"] == RECORD | {"experiment": "drawn", "settings": {"seed": "3", "fails_at": "-1"}}
    assert record["notes"] == {"commit": "abc"}
