"""Entry point of `streamlit run`."""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).with_name("src")))

from scratch_tool.app import project

app = st.App(**project.server())
