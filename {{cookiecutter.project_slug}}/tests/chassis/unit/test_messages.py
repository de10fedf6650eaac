"""Which messages of a browser may pass: what is not named is refused, and refused unparsed."""

import pytest
from chassis.server import messages
from chassis.server.messages import GUEST, SIGNED_IN, Refused, Rules, check, kind_of
from streamlit.proto.BackMsg_pb2 import BackMsg

TYPES = [field.name for field in BackMsg.DESCRIPTOR.fields]


def message(kind: str) -> BackMsg:
    """Return a message of a type, as empty as it can be."""
    made = BackMsg()
    if BackMsg.DESCRIPTOR.fields_by_name[kind].message_type is None:
        setattr(made, kind, True)
    else:
        getattr(made, kind).SetInParent()
    if kind == "backend_operation_request":
        made.backend_operation_request.deferred_file.file_id = "1"
    return made


def refusal(data: bytes, rules: Rules) -> tuple[str, str]:
    """Return type and reason of a refusal; empty where the message may pass."""
    try:
        check(data, rules)
    except Refused as error:
        return error.kind, error.reason
    return "", ""


@pytest.mark.parametrize("kind", TYPES)
def test_the_type_of_a_message_is_read_from_its_first_bytes(kind: str) -> None:
    assert kind_of(message(kind).SerializeToString()) == kind


def test_a_guest_may_send_a_form_and_nothing_else() -> None:
    passing = [k for k in TYPES if not refusal(message(k).SerializeToString(), GUEST)[0]]
    assert passing == ["rerun_script"]


def test_who_has_signed_in_may_send_what_pages_need() -> None:
    passing = {k for k in TYPES if not refusal(message(k).SerializeToString(), SIGNED_IN)[0]}
    needed = {"rerun_script", "stop_script", "file_urls_request", "app_heartbeat"}
    assert passing == {*needed, "backend_operation_request"}


INVENTED = bytes.fromhex("fa3e 03 616263")  # field 1007, three bytes
RERUN = message("rerun_script").SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        INVENTED,
        b"",
        b"\xff\xfe no protobuf",
        b"\xff" * 12,  # a number without an end
        RERUN + message("clear_cache").SerializeToString(),  # protobuf takes the last one
        message("clear_cache").SerializeToString() + RERUN,
        RERUN + INVENTED,
        RERUN[:-1] + b"\x09",  # longer than it is
        b"\x59" + bytes(8),  # the field of a rerun, as another type
    ],
    ids=range(9),
)
def test_what_is_not_one_known_message_is_refused(data: bytes) -> None:
    assert refusal(data, SIGNED_IN) == ("unknown", "type")


def test_a_type_that_is_known_to_protobuf_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if a new version of Streamlit had brought it.
    monkeypatch.setitem(messages._NAMES, 1007, "invented")
    assert refusal(INVENTED, SIGNED_IN) == ("invented", "type")


@pytest.mark.parametrize("operation", ["install_skills", "dismiss_skills_nudge", None], ids=str)
def test_an_operation_that_writes_files_or_is_new_is_refused(operation: str | None) -> None:
    made = BackMsg()
    made.backend_operation_request.request_id = "1"
    if operation:
        getattr(made.backend_operation_request, operation).SetInParent()
    assert refusal(made.SerializeToString(), SIGNED_IN)[1] == "type"


def test_lists_are_capped() -> None:
    names, widgets, hashes = BackMsg(), BackMsg(), BackMsg()
    names.file_urls_request.file_names.extend([""] * (messages.MAX_FILE_NAMES + 1))
    hashes.rerun_script.cached_message_hashes.extend([""] * (SIGNED_IN.items + 1))
    for _number in range(SIGNED_IN.items + 1):
        widgets.rerun_script.widget_states.widgets.add()
    for made in (names, widgets, hashes):
        assert refusal(made.SerializeToString(), SIGNED_IN)[1] == "list"
    del names.file_urls_request.file_names[0]
    assert refusal(names.SerializeToString(), SIGNED_IN)[1] == ""


def test_what_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = BackMsg()
    made.file_urls_request.file_names.extend([""] * 200_000)
    data = made.SerializeToString()
    monkeypatch.setattr(messages, "BackMsg", None)
    assert refusal(data, SIGNED_IN)[1] == "size"
    assert refusal(data, GUEST)[1] == "type"
