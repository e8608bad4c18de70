import dataclasses
import errno
import threading

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.pages import batch, writers
from lrp_jax.captions.pages.batch import EMPTY, EXPLAINED, FAILED, Picture, explain_batch, one_line, presentable


def picture(name, value=0):
    return Picture(name, lambda: np.full((20, 30, 3), value, np.uint8))


def broken(name):
    def read():
        raise ValueError(f"{name}: not an\nimage")

    return Picture(name, read)


@pytest.fixture
def to_case(make_case):
    """What stands for a model here; counts its calls."""
    calls = []

    def explain(picture, pixels):
        calls.append(picture.name)
        return dataclasses.replace(make_case(), name=picture.name, image=presentable(pixels))

    explain.calls = calls
    return explain


def test_one_bad_image_costs_no_other(to_case, tmp_path, capsys):
    outcome = explain_batch([picture("a.png"), broken("b.png"), picture("c.png")], to_case, tmp_path / "new")
    assert (outcome.explained, list(outcome.failed)) == (2, ["b.png"])
    printed = capsys.readouterr()
    assert printed.err == "[2/3] b.png: FAILED: b.png: not an image\n"
    assert printed.out.splitlines()[1] == "[3/3] c.png: a red ball on the grass"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a", "c", "index.html", ".lock"}
    assert "2 explained" in str(outcome) and "1 failed (b.png)" in str(outcome)


@pytest.fixture
def full(monkeypatch):
    """full(names): the disk is full when one of these is written."""

    def start(*names):
        write = writers.write_png

        def refuse(folder, *args):
            written = write(folder, *args)
            if folder.name in names:
                raise OSError(errno.ENOSPC, "No space left on device")
            return written

        monkeypatch.setattr(writers, "WRITERS", {**writers.WRITERS, "png": refuse})

    return start


def test_a_full_disk_ends_the_batch_with_what_was_finished(to_case, tmp_path, capsys, full):
    full("b")
    pictures = [picture(f"{name}.png") for name in "abcd"]
    outcome = explain_batch(pictures, to_case, tmp_path)
    assert (outcome.explained, outcome.left, list(outcome.failed)) == (1, 2, ["b.png"]) and not outcome.complete
    assert capsys.readouterr().err == "[2/4] b.png: FAILED: [Errno 28] No space left on device\n"
    assert "2 not started: nothing more can be written; free space and continue with --resume" in str(outcome)
    # What was half written does not take the room of the index.
    assert {path.name for path in tmp_path.iterdir()} == {"a", "index.html", ".lock"}
    assert "a/report.html" in (tmp_path / "index.html").read_text()


def test_an_index_that_cannot_be_written_is_in_the_summary(to_case, tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writers, "write_index", refuse)
    outcome = explain_batch([picture("a.png")], to_case, tmp_path)
    assert outcome.explained == 1 and not outcome.complete
    assert "no index ([Errno 28] No space left on device)" in str(outcome)


def test_processes_share_the_images_by_the_names_of_all(to_case, tmp_path):
    pictures = [picture("a.png"), picture("a.jpg"), picture("b.png")]
    for part in (0, 1):
        outcome = explain_batch(pictures, to_case, tmp_path, share=(part, 2), formats=("json",))
        assert outcome.explained == 2 - part
    assert sorted(to_case.calls) == ["a.jpg", "a.png", "b.png"]
    # a.png and a.jpg were in different processes, and have a folder each all the same.
    assert len(list(tmp_path.iterdir())) == 3


def test_the_last_of_two_that_write_the_index_has_all_images(to_case, tmp_path, monkeypatch):
    """The first one is slow: it has looked into the folders, and would write after the second one has written."""
    index, looked, written = writers.index, threading.Event(), threading.Event()

    def slow(entries, *args):
        if not looked.is_set():
            looked.set()
            written.wait(2)  # in vain, as the second one waits for this one
        return index(entries, *args)

    monkeypatch.setattr(writers, "index", slow)

    def explain(part):
        explain_batch([picture("a.png"), picture("b.png")], to_case, tmp_path, share=(part, 2), formats=("html",))

    first = threading.Thread(target=explain, args=(0,))
    first.start()
    assert looked.wait(30)
    explain(1)
    written.set()
    first.join()
    text = (tmp_path / "index.html").read_text()
    assert "a/report.html" in text and "b/report.html" in text


def test_whoever_follows_is_told_of_each_image(to_case, tmp_path):
    told = []
    explain_batch([picture("a.png"), broken("b.png")], to_case, tmp_path, tell=told.append, formats=("json",))
    good, bad = told
    assert (good.status, good.caption, good.folder) == (EXPLAINED, "a red ball on the grass", tmp_path / "a")
    assert (bad.status, bad.number, bad.of) == (FAILED, 2, 2) and isinstance(bad.error, ValueError)


def test_images_that_all_lack_what_was_asked_are_no_success():
    assert not batch.Outcome(empty=2).complete
    assert batch.Outcome(empty=1, explained=1).complete and batch.Outcome().complete


def test_a_failing_model_is_a_line_too(make_case, tmp_path, capsys):
    def explain(picture, pixels):
        raise RuntimeError

    outcome = explain_batch([picture("a.png")], explain, tmp_path)
    assert outcome.failed == {"a.png": "RuntimeError"}


def test_drawings_that_are_made_later_are_written_in_order_and_fail_alone(to_case, tmp_path):
    """More images than may be on the device at a time, every third of which fails there or has nothing to show."""
    waiting, most = [], []

    def begin(picture, pixels):
        waiting.append(picture.name)
        most.append(len(waiting))

        def finish():
            waiting.remove(picture.name)
            number = int(picture.name[0])
            if number % 3 == 1:
                raise RuntimeError("the device is lost")
            return None if number % 3 == 2 else to_case(picture, pixels)

        return finish

    told = []
    pictures = [picture(f"{number}.png") for number in range(9)]
    outcome = explain_batch(pictures, begin, tmp_path, tell=told.append, formats=("json",))
    assert (outcome.explained, outcome.empty, list(outcome.failed)) == (3, 3, ["1.png", "4.png", "7.png"])
    assert [done.number for done in told] == list(range(1, 10))
    assert [done.status for done in told[:3]] == [EXPLAINED, FAILED, EMPTY]
    assert max(most) <= batch.AHEAD and not waiting


def test_images_are_read_in_a_thread_and_written_in_another(make_case, tmp_path, monkeypatch):
    threads = {}
    write = writers.write

    def writing(*args, **options):
        threads["write"] = threading.current_thread()
        return write(*args, **options)

    def read():
        threads["read"] = threading.current_thread()
        return np.zeros((20, 30, 3), np.uint8)

    def begin(picture, pixels):
        threads["begin"] = threading.current_thread()
        return make_case

    monkeypatch.setattr(writers, "write", writing)
    assert explain_batch([Picture("a.png", read)], begin, tmp_path, formats=("json",)).explained == 1
    assert threads["begin"] is threading.current_thread() and len(set(threads.values())) == 3


def test_what_images_share_is_done_for_several_at_once(make_case, tmp_path):
    """Seven images in groups of three, one of which cannot be read and one of which was finished before."""
    pictures = [picture(f"{number}.png", number) for number in range(7)]
    pictures[1] = broken("1.png")
    explain_batch([pictures[5]], lambda *_: make_case(), tmp_path, formats=("json",))
    groups, given = [], []

    def prepare(group):
        groups.append([picture.name for picture, _ in group])
        return [pixels.max() for _, pixels in group]

    def to_case(picture, pixels, prepared):
        given.append((picture.name, int(prepared)))
        return make_case()

    told = []
    how = {"prepare": prepare, "together": 3, "resume": True, "tell": told.append, "formats": ("json",)}
    outcome = explain_batch(pictures, to_case, tmp_path, **how)
    assert groups == [["0.png", "2.png"], ["3.png", "4.png"], ["6.png"]]
    assert given == [(f"{number}.png", number) for number in (0, 2, 3, 4, 6)]
    assert (outcome.explained, outcome.skipped, list(outcome.failed)) == (5, 1, ["1.png"])
    assert [done.number for done in told] == list(range(1, 8))


def test_an_image_that_spoils_a_group_fails_alone(make_case, tmp_path):
    calls = []

    def prepare(group):
        calls.append(len(group))
        if any(picture.name == "b.png" for picture, _ in group):
            raise ValueError("an empty caption")
        return [None] * len(group)

    pictures = [picture(f"{name}.png") for name in "abcd"]
    outcome = explain_batch(pictures, lambda *_: make_case(), tmp_path, prepare=prepare, together=4, formats=("json",))
    assert calls == [4, 1, 1, 1, 1]
    assert (outcome.explained, outcome.failed) == (3, {"b.png": "an empty caption"})


def test_a_full_disk_ends_a_group_too(make_case, tmp_path, full):
    full("a")
    pictures = [picture(f"{number}.png") for number in range(9)]
    pictures[0] = picture("a.png")
    how = {"prepare": lambda group: group, "together": 9, "formats": ("png",), "tell": lambda done: None}
    outcome = explain_batch(pictures, lambda *_: make_case(), tmp_path, **how)
    # How many are under way when the disk is found full is a matter of threads; none of them is lost sight of.
    assert list(outcome.failed) == ["a.png"] and outcome.left == 8 and not outcome.explained


def test_what_was_finished_is_left_alone(to_case, tmp_path):
    batch = [picture("a.png"), picture("b.png")]
    explain_batch(batch, to_case, tmp_path, key=b"k")
    before = (tmp_path / "a" / "report.html").stat().st_mtime_ns
    outcome = explain_batch(batch, to_case, tmp_path, key=b"k", resume=True)
    assert (outcome.explained, outcome.skipped) == (0, 2) and len(to_case.calls) == 2
    assert (tmp_path / "a" / "report.html").stat().st_mtime_ns == before
    assert "2 were finished before" in str(outcome)


def test_other_pixels_another_request_or_a_missing_file_are_not_finished(to_case, tmp_path):
    explain_batch([picture("a.png"), picture("b.png")], to_case, tmp_path, key=b"k")
    explain_batch([picture("a.png", 9), picture("b.png")], to_case, tmp_path, key=b"k", resume=True)
    assert to_case.calls[2:] == ["a.png"]
    explain_batch([picture("a.png", 9)], to_case, tmp_path, key=b"other", resume=True)
    assert to_case.calls[3:] == ["a.png"]
    (tmp_path / "b" / "words.png").unlink()
    explain_batch([picture("b.png")], to_case, tmp_path, key=b"k", resume=True)
    assert to_case.calls[4:] == ["b.png"]


def test_without_resume_everything_is_done_again(to_case, tmp_path):
    for _ in range(2):
        explain_batch([picture("a.png")], to_case, tmp_path)
    assert len(to_case.calls) == 2


def test_an_interrupted_batch_has_an_index_of_what_is_finished(to_case, tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    batch = [picture("a.png"), Picture("b.png", interrupted), picture("c.png")]
    with pytest.raises(KeyboardInterrupt):
        explain_batch(batch, to_case, tmp_path)
    assert "a/report.html" in (tmp_path / "index.html").read_text()


def test_images_with_nothing_of_what_was_asked_are_counted(tmp_path):
    outcome = explain_batch([picture("a.png")], lambda *_: None, tmp_path)
    assert outcome.empty == 1 and not (tmp_path / "a").exists()
    assert "1 without the words asked for" in str(outcome)


def test_a_decompression_bomb_is_an_error(tmp_path, monkeypatch, to_case):
    Image.new("L", (50, 50)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    bomb = Picture("bomb.png", lambda: np.asarray(Image.open(tmp_path / "bomb.png").convert("RGB")))
    outcome = explain_batch([bomb], to_case, tmp_path / "out")
    assert "decompression bomb" in outcome.failed["bomb.png"]


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((96, 96), (384, 384)), ((500, 400), (500, 400)), ((600, 6000), (64, 640)), ((1, 1), (384, 384))],
)
def test_pictures_are_shown_at_a_size_to_look_at(shape, wanted):
    assert presentable(np.zeros((*shape, 3), np.uint8)).shape == (*wanted, 3)


def test_errors_in_one_line():
    assert one_line(ValueError("two\nlines")) == "two lines"
    assert one_line(KeyError("x")) == "KeyError: 'x'"
    assert len(one_line(ValueError("x" * 1000))) == 300
