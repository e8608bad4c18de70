import dataclasses
import json

import pytest

from lrp_jax.captions.training import Linear, Plateau


def run(scores, **options):
    plateau, rates, stops = Plateau(1.0, **options), [], []
    for score in scores:
        plateau = plateau.after(score)
        rates.append(plateau.learning_rate)
        stops.append(plateau.stopped)
    return rates, stops


def test_the_papers_schedule():
    # Best at the second epoch; 20 % less after three more without a gain, the end after six.
    rates, stops = run([0.1, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])
    assert rates == pytest.approx([1, 1, 1, 1, 0.8, 0.8, 0.8, 0.64])
    assert stops == [False] * 7 + [True]


def test_a_gain_starts_the_count_anew_and_an_equal_score_is_none():
    rates, stops = run([0.5, 0.4, 0.5, 0.6, 0.6, 0.6, 0.6])
    assert rates == pytest.approx([1, 1, 1, 1, 1, 1, 0.8])
    assert not any(stops)


def test_the_rate_has_a_floor():
    rates, _ = run([1.0] + [0.0] * 5, patience=1, least=0.7, stop_after=100)
    assert rates == pytest.approx([1, 0.8, 0.7, 0.7, 0.7, 0.7])
    assert run([1.0, 0.0], patience=1, least=2.0)[0] == pytest.approx([1, 1])  # and is never raised to it


def test_saved_and_read_back_it_goes_on():
    plateau = Plateau(5e-4).after(0.3).after(0.1).after(0.1)
    again = Plateau(**json.loads(json.dumps(dataclasses.asdict(plateau))))
    assert again == plateau
    assert again.after(0.2) == plateau.after(0.2)
    assert again.after(0.2).learning_rate == pytest.approx(4e-4)


def test_a_linear_rate_falls_to_zero_at_the_last_step_and_never_stops():
    schedule = Linear(2.0, steps=4)
    assert [schedule.rate(step) for step in range(5)] == [2.0, 1.5, 1.0, 0.5, 0.0]
    for score in (0.5, *[0.1] * 20):
        schedule = schedule.after(score)
        assert not schedule.stopped
    assert schedule.best == 0.5
    assert schedule.after(0.6).best == 0.6
    assert Linear(**json.loads(json.dumps(dataclasses.asdict(schedule)))) == schedule


def test_the_rate_of_a_plateau_is_that_of_its_epoch():
    assert Plateau(0.3).rate(0) == Plateau(0.3).rate(1000) == 0.3
