"""Entry point of `streamlit run`, which looks for the literal assignment to `app` in this file."""

import streamlit as st

from {{cookiecutter.package_name}}.server import application

app = st.App(
    application.SCRIPT,
    lifespan=application.lifespan,
    routes=application.routes(),
    middleware=application.middleware(),
    on_script_error=application.on_script_error,
    secrets=application.secrets(),
)
