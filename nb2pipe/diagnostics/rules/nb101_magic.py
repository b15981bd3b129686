"""NB101: a magic or shell line without a translation."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB101",
    title="a magic or shell line without a translation",
    severity=Severity.ERROR,
    message="`{construct}` has no translation to plain Python",
    mend="write it in Python, or tag the cell `skip` if the pipeline does not need it",
    earns="""\
# %% tags=["stage:load_data"]
%run prepare.py
names = open("unique.txt").read().split()
""",
    clean="""\
# %% tags=["stage:load_data"]
!sort -u names.txt > unique.txt
names = open("unique.txt").read().split()
""",
)
