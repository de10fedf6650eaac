"""What the charts of all pages have in common.

The pages hand Vega-Lite specifications to Streamlit: st.line_chart and st.bar_chart would load
Altair to make the same, which takes 2 s and 30 MB in every process.
https://vega.github.io/vega-lite/docs/
"""

from typing import Final

CONFIG: Final = {
    # Streamlit's own grey is too pale on white (3.7:1); this is the text colour of the theme.
    "axis": {"labelColor": "currentColor"},
    "legend": {"labelColor": "currentColor", "orient": "bottom", "offset": 4, "padding": 0},
}
