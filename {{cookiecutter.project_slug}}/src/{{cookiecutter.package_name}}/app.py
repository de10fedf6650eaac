"""This tool on one page: what it consists of. docs/chassis.md explains each part."""

from chassis import Chassis, Page, _


def menu() -> list[Page]:
    """Return the pages in the order of the menu; their titles are looked up at each run."""
    return [
{% if cookiecutter.starter == 'tour' %}
        Page("pages/home.py", _("Home"), ":material/home:", default=True),
        Page("pages/records.py", _("Equipment"), ":material/inventory_2:"),
{% else %}
        Page("pages/start.py", _("Start"), ":material/home:", default=True),
{% endif %}
    ]


project = Chassis(
    __name__,
    name="{{ cookiecutter.project_name }}",
    command="{{ cookiecutter.project_slug }}",
    menu=menu,
    # The first language is the default.
    languages={ {{- cookiecutter.languages | replace('en', '"en": "English"') | replace('ko', '"ko": "한국어"') | replace(',', ', ') -}} },
    # How users sign in; AUTH_BACKEND changes it.
    auth_backend="{{ cookiecutter.auth_backend }}",
)

main = project.main
