"""What Streamlit runs at each interaction.

Alone in its folder: beside a folder called `pages` Streamlit would open the files in there without
running this script.
"""

from chassis.ui import shell

shell.draw()
