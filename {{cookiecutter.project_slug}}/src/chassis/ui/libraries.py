"""What pages need and what takes long to import: no page runs before it is there."""

import importlib
from typing import Final

LIBRARIES: Final = ("altair", "pandas", "pyarrow")


def import_libraries() -> None:
    """Import them, or wait while another thread does.

    Each visitor has a thread, and Streamlit imports parts of pandas when it needs them. Where one
    thread imports a part and another one the whole, either fails; a third that waited for it goes
    on with an empty module, and the next import can end the process with a segmentation fault.
    In one order, no two threads import at the same time.
    Source: https://github.com/python/cpython/issues/83065.
    """
    for name in LIBRARIES:
        importlib.import_module(name)
