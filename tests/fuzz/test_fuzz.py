"""A hundred random notebooks: each gives what its pipeline gives, or is refused."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import Outcome, judge
from tests.fuzz.templates import program_of

seen: Counter[Outcome] = Counter()


@settings(max_examples=100, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**9))
def check_a_program(seed: int) -> None:
    program = program_of(seed)
    verdict = judge(program)
    seen[verdict.outcome] += 1
    assert verdict.outcome not in (Outcome.WRONG, Outcome.CRASH), f"{verdict.detail}\n{program.percent()}"


def test_pipelines_compute_what_random_notebooks_compute() -> None:
    check_a_program()
    assert seen[Outcome.SAME] >= 80
