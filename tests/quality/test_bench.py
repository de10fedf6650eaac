"""The benchmark measures what it says that it measures: nothing else starts its code."""

import re
import sys

from baking import ROOT, run

FIGURES = 10


def test_each_figure_is_measured() -> None:
    done = run(sys.executable, "-m", "bench", "--quick", cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    # A difference of two times as short as these may be below zero.
    figures = re.findall(r"^(\S.*\S) +-?\d+\.\d\d \S+ +[<>]= ", done.stdout, re.MULTILINE)
    assert len(figures) == FIGURES, done.stdout
