"""Entry point of `streamlit run`, which looks for the literal assignment to `app` in this file."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit Community Cloud installs no package, and gives settings as secrets: docs/platforms.md.
sys.path.insert(0, str(Path(__file__).with_name("src")))
st.secrets.load_if_toml_exists()

from {{cookiecutter.package_name}}.app import project  # noqa: E402 - needs the path

app = st.App(**project.server())
