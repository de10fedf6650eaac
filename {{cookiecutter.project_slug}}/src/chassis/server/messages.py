"""What browsers send: the type of a message from its first bytes, and which ones may pass.

The messages are Streamlit's protobufs, which are no public API: pyproject.toml therefore holds
Streamlit to one minor version, and the tests drive a real session through this module. What is not
named here is refused, also what Streamlit adds later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg

KIB: Final = 1024

_NAMES: Final = {field.number: field.name for field in BackMsg.DESCRIPTOR.fields}
_VARINT, _LENGTH = 0, 2  # types of fields on the wire
_MAX_VARINT_BYTES: Final = 10

# What the server may be asked to do beside a run. The rest writes files into the project.
OPERATIONS: Final = frozenset({"deferred_file", "dataframe_chunk"})


@dataclass(frozen=True)
class Rules:
    """What a tab may send: the largest size of each type, and how long a list may be."""

    sizes: Mapping[str, int]
    items: int


# The sign-in page is a form: a rerun sends it. It has no files, and no state worth a long list.
GUEST: Final = Rules({"rerun_script": 64 * KIB}, items=200)
# The rest is for developers of Streamlit or harmful: `clear_cache` empties the caches of all users,
# `load_git_info` tells branch and file names.
SIGNED_IN: Final = Rules(
    {
        # Streamlit itself refuses more than server.maxWidgetStateSize.
        "rerun_script": 64 * KIB * KIB,
        "stop_script": 16,
        "app_heartbeat": 16,
        "file_urls_request": 256 * KIB,
        "backend_operation_request": 64 * KIB,
    },
    items=10_000,
)
# Each name costs a random id: so many files may be chosen at once.
MAX_FILE_NAMES: Final = 1000


class Refused(Exception):  # noqa: N818 - a refusal, nothing failed
    """A message that must not reach Streamlit: its type, why, and the code to close with."""

    def __init__(self, kind: str, reason: str, code: int = 1008) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.code = code


def check(data: bytes, rules: Rules) -> BackMsg:
    """Return a message that may pass; raises Refused, and before it parses what is not allowed."""
    kind = kind_of(data)
    largest = rules.sizes.get(kind)
    if largest is None:
        raise Refused(kind, "type")
    if len(data) > largest:
        raise Refused(kind, "size", 1009)
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        raise Refused(kind, "not a message") from None
    if kind == "rerun_script":
        state = message.rerun_script
        if max(len(state.widget_states.widgets), len(state.cached_message_hashes)) > rules.items:
            raise Refused(kind, "list")
    elif kind == "file_urls_request":
        if len(message.file_urls_request.file_names) > MAX_FILE_NAMES:
            raise Refused(kind, "list")
    elif kind == "backend_operation_request":
        operation = message.backend_operation_request.WhichOneof("payload")
        if operation not in OPERATIONS:
            raise Refused(f"{kind}.{operation or 'unknown'}", "type")
    return message


def kind_of(data: bytes) -> str:
    """Return the type of a message, without parsing it; "unknown" for what is not one message.

    On the wire it is one field: its number, and its length up to the end.
    """
    tag, at = _varint(data, 0)
    value, end = _varint(data, at)
    if tag & 7 == _LENGTH:
        end += value
    elif tag & 7 != _VARINT:
        return "unknown"
    return _NAMES.get(tag >> 3, "unknown") if end == len(data) else "unknown"


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number that begins at a place, and where it ends; 0 where there is none."""
    number = 0
    for shift, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, at + shift + 1
    return 0, len(data) + 1
