"""Many random programs: ``python -m tests.fuzz PROGRAMS [FIRST_SEED]`` (``make fuzz``).

Prints counts, and each program at fault with all left out that its fault does not need.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.fuzz.harness import Outcome, Verdict, judge
from tests.fuzz.programs import Program
from tests.fuzz.templates import program_of

FAULTS = (Outcome.WRONG, Outcome.CRASH)


def verdict_of(seed: int) -> tuple[int, Verdict]:
    """The seed and its program's verdict."""
    try:
        return seed, judge(program_of(seed))
    except Exception as error:
        return seed, Verdict(Outcome.CRASH, f"{type(error).__name__}: {error}\n{traceback.format_exc()[-1500:]}")


def smallest(program: Program, outcome: Outcome) -> Program:
    """The program with every statement left out that the fault does not need."""
    position = len(program.lines) - 1
    while position >= 0:
        shorter = program.without(position)
        try:
            same = judge(shorter).outcome is outcome
        except Exception:
            same = outcome is Outcome.CRASH
        if same:
            program = shorter
        position -= 1
    return program


def main(programs: int, first: int, shown: int) -> int:
    """Runs the programs; 1 when one is at fault."""
    counts: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    faults: list[tuple[int, Verdict]] = []
    start = time.monotonic()
    with ProcessPoolExecutor() as pool:
        for done, (seed, verdict) in enumerate(pool.map(verdict_of, range(first, first + programs), chunksize=8), 1):
            counts[verdict.outcome] += 1
            if verdict.outcome is Outcome.REFUSED:
                refusals[verdict.detail.partition(":")[0]] += 1
            if verdict.outcome in FAULTS:
                faults.append((seed, verdict))
            if done % 100 == 0:
                print(f"{done} programs, {done / (time.monotonic() - start):.1f} a second: {dict(counts)}", flush=True)
    print("refused for:", dict(refusals.most_common()))
    for seed, verdict in faults[:shown]:
        small = smallest(program_of(seed), verdict.outcome)
        print(f"\n{'=' * 20} seed {seed}: {verdict.outcome}\n{small.percent()}\n{judge(small).detail}")
    print(f"\n{programs} programs from seed {first}: {dict(counts)}")
    return 1 if faults else 0


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    beginning = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**9)
    sys.exit(main(wanted, beginning, int(sys.argv[3]) if len(sys.argv) > 3 else 5))
