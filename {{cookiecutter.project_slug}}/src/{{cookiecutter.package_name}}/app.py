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
    # What else can be said here, with an example; docs/chassis.md explains each.
    # settings=OwnSettings,  # a class of yours, with fields of your own
    # groups=["finance"],  # for Page(..., group="finance") and require(group="finance")
    # checks=[Check("erp", "erp:answers", {"health", "doctor"})],
    # commands={"import-orders": "orders:import_orders"},
    # lifespan="refresh:lifespan",  # what runs beside the server
    # secret_keys=["iban"],  # logs hide the values of names that contain one of these
    # external_sources=["https://tiles.example.com"],  # what pages may load from other servers
    # browser_features=["camera"],  # also microphone, geolocation
    # logo="logo.svg",  # in the corner of each page; icon.svg is in the tab of the browser
)

main = project.main
