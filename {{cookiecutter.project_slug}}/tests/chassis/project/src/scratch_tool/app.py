"""What the scratch project consists of."""

from chassis import Chassis, Check, Page, Role, _


def menu() -> list[Page]:
    """Return the pages."""
    return [
        Page("pages/start.py", _("Start"), ":material/home:", default=True),
        Page("pages/notes.py", _("Notes"), ":material/edit:", role=Role.EDITOR),
        Page("pages/ledger.py", _("Ledger"), ":material/euro:", group="finance"),
    ]


project = Chassis(
    __name__,
    name="Scratch Tool",
    command="scratch-tool",
    menu=menu,
    languages={"en": "English", "ko": "한국어"},
    groups=["finance", "staff & guests"],
    checks=[Check("desk", "beside:desk", {"health", "doctor"})],
    commands={"count-notes": "beside:count_notes"},
    lifespan="beside:lifespan",
    secret_keys=["iban"],
)

main = project.main
