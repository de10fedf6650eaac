"""Everything around Streamlit: what a request passes before it reaches a page."""
