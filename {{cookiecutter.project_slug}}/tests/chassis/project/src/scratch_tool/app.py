"""What the scratch project consists of."""

from chassis import Chassis, Page, Role, _


def menu() -> list[Page]:
    """Return the pages."""
    return [
        Page("pages/start.py", _("Start"), ":material/home:", default=True),
        Page("pages/notes.py", _("Notes"), ":material/edit:", role=Role.EDITOR),
    ]


project = Chassis(
    __name__,
    name="Scratch Tool",
    command="scratch-tool",
    menu=menu,
    languages={"en": "English", "ko": "한국어"},
)

main = project.main
