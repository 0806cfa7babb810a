from analysis.jobs import run_for


def test_run_for_repeats_until_a_step_returns_false():
    steps = iter([True, True, False])
    assert run_for(60, lambda: next(steps)) is False
    assert list(steps) == []


def test_run_for_without_time_runs_no_step():
    steps = iter([False])
    assert run_for(0, lambda: next(steps)) is True
    assert list(steps) == [False]
