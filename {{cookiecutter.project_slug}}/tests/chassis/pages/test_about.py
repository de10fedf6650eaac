"""The about page."""

import pytest
from chassis.settings import Settings
from chassis.testing.pages import at
from scratch_tool import __version__
from streamlit.testing.v1 import AppTest

KEY = "a-key-for-tests-0123456789-abcdefgh"


def open_page(app: AppTest) -> AppTest:
    return at(app, "about")


def test_name_version_and_environment(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_NAME", "Orders *R")
    open_page(app)
    assert app.title[0].value == r"Orders \*R"
    assert app.metric[0].value == __version__
    assert "development" in app.main.markdown[0].value


def test_settings_are_listed_and_secrets_masked(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_SECRET_KEY", KEY)
    monkeypatch.setenv("METRICS_PORT", "9333")
    table = open_page(app).dataframe[0].value.set_index("name")
    assert set(table.index) == {name.upper() for name in Settings.model_fields}
    assert table["value"]["METRICS_PORT"] == "9333"
    assert table["source"]["METRICS_PORT"] == "environment"
    assert set(table["value"]["APP_SECRET_KEY"]) == {"*"}
    assert KEY not in table.to_csv()


def test_settings_are_not_shown_in_production(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_BASE_URL", "https://tool.example.com")
    monkeypatch.setenv("APP_SECRET_KEY", KEY)
    open_page(app)
    assert not app.dataframe
    assert "not shown in production" in app.info[0].value
