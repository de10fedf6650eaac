"""The page that both sides of the benchmark draw."""

import numpy as np
import pandas as pd
import streamlit as st

st.title("Bench")
factor = st.slider("Factor", 1, 10, 3)
data = pd.DataFrame(np.arange(1500).reshape(500, 3) * factor, columns=["a", "b", "c"])
st.dataframe(data)
st.line_chart(data)
