"""What all pages share: navigation, language, notices, debug panel."""

import pytest
from chassis import project, session_notes
from chassis.project import RESERVED
from chassis.server.application import SCRIPT
from chassis.testing.pages import at
from streamlit.testing.v1 import AppTest

# The sign-in page stands in for all the others, at their addresses.
PAGES = sorted({"start", "notes", *RESERVED})


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", project.current().languages)
def test_page_runs(app: AppTest, page: str, language: str) -> None:
    app.query_params["lang"] = language
    at(app, page)
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1
    assert app.selectbox(key="language").value == language


def test_no_page_runs_without_the_main_script() -> None:
    # Streamlit takes such a folder for pages of its own, and runs them past main.py.
    assert not SCRIPT.with_name("pages").exists()


def test_one_page_leads_to_another(app: AppTest) -> None:
    [link] = app.run().get("page_link")
    assert link.proto.page == "notes"
    next(button for button in app.button if button.label == "Write a note").click().run()
    assert app.title[0].value == "Notes"


def test_default_language_is_that_of_the_settings(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_LANGUAGE", "ko")
    app.run()
    assert app.selectbox(key="language").value == "ko"
    assert app.selectbox(key="language").label == "언어"
    assert "lang" not in app.query_params


def test_language_in_the_address_wins(app: AppTest) -> None:
    app.query_params["lang"] = "ko"
    app.run()
    assert app.selectbox(key="language").value == "ko"
    assert app.selectbox(key="language").label == "언어"


def test_unknown_language_in_the_address_is_ignored(app: AppTest) -> None:
    app.query_params["lang"] = "../../xx"
    app.run()
    assert not app.exception
    assert app.selectbox(key="language").value == "en"


def test_chosen_language_goes_into_the_address_and_stays(app: AppTest) -> None:
    app.run()
    app.selectbox(key="language").set_value("ko").run()
    assert app.query_params["lang"] == "ko"
    assert app.selectbox(key="language").label == "언어"
    at(app, "about")
    assert app.selectbox(key="language").value == "ko"
    app.selectbox(key="language").set_value("en").run()
    assert app.selectbox(key="language").label == "Language"


def test_first_click_after_a_restart_is_not_lost(app: AppTest) -> None:
    # The browser connects to a session that knows nothing, and runs nothing until the user clicks:
    # then the new session gets the old address, and the values of all widgets.
    app.run()
    app.selectbox(key="language").set_value("ko")
    values = app._tree.get_widget_states()
    restarted = AppTest.from_file(SCRIPT, default_timeout=30)
    restarted.user = app.user
    restarted.query_params["lang"] = "en"
    restarted._run(values)
    assert restarted.selectbox(key="language").value == "ko"
    assert restarted.query_params["lang"] == "ko"


def test_delayed_clicks_are_explained_once(app: AppTest) -> None:
    app.run()
    assert not app.toast
    session_notes.throttled.add("test session id")
    app.run()
    assert "delayed, not lost" in app.toast[0].value
    app.run()
    assert not app.toast


def test_debug_panel_shows_the_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_DEBUG", "true")
    app.run()
    panel = app.sidebar.expander[0].json[0].value
    assert '"page": "home"' in panel
    assert '"run_id"' in panel
    assert '"duration_ms"' in panel
    assert '"language": "str"' in panel
    assert "test session id" not in panel


def test_no_debug_panel_by_default(app: AppTest) -> None:
    app.run()
    assert not app.sidebar.expander
