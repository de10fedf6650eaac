"""Sign-in page: what somebody sees who is not signed in, at every address of the app."""

import streamlit as st

from ..auth import oidc, sign_in
from ..auth.current import browser_hash, client_address, device_cookie, finish_sign_in
from ..auth.sign_in import Outcome
from ..i18n import _
from ..settings import get_settings
from ..ui.plain_text import plain
from ..ui.problems import draw_refusal


def draw_password_form() -> None:
    """Draw the form of streamlit-authenticator, and below it the way in without a password."""
    from ..auth import form  # takes half a second, once

    outcome = Outcome("ok")

    def check(username: str, password: str) -> bool:
        nonlocal outcome
        outcome = sign_in.check_password(
            username,
            password,
            browser=browser_hash(),
            address=client_address(),
            device=device_cookie(),
        )
        return outcome.status == "ok"

    form.draw_login(check, lambda: finish_sign_in(outcome.code))
    # Nothing that only an existing account would cause.
    draw_refusal(outcome, _("User name or password is wrong."))
    with st.expander(_("Forgotten password or first sign-in"), icon=":material/key:"):
        draw_code_form()


def draw_code_form() -> None:
    """Draw the form for a code that an administrator has made."""
    st.write(_("An administrator can give you a code with which you choose a new password."))
    with st.form("code", border=False):
        username = st.text_input(_("User name"), autocomplete="username")
        code = st.text_input(_("Code"), autocomplete="one-time-code")
        new, repeat = (
            st.text_input(label, type="password", autocomplete="new-password")
            for label in (_("New password"), _("Repeat the new password"))
        )
        if not st.form_submit_button(_("Set the password"), width="stretch"):
            return
    if new != repeat:
        st.error(_("The new passwords are not the same."), icon=":material/error:")
        return
    outcome = sign_in.use_reset_code(
        username,
        code,
        new,
        browser=browser_hash(),
        address=client_address(),
        device=device_cookie(),
    )
    if outcome.status == "ok":
        finish_sign_in(outcome.code)
    draw_refusal(outcome, _("User name or code is wrong, or the code has expired."))


def refusals() -> dict[str, str]:
    """Return what to say to whom the provider has sent back without a session."""
    return {
        "failed": _("The sign-in service did not sign you in. Please try again in a minute."),
        "nobody": _("The sign-in service did not say who you are."),
        "expired": _("This sign-in has expired; sign in again."),
        "unverified": _(
            "The sign-in service does not say that your e-mail address is verified; "
            "ask an administrator."
        ),
        "email": _("Your e-mail address may not sign in here."),
        "disabled": _("Your account is disabled; ask an administrator."),
    }


def draw_provider_button() -> None:
    """Draw the way to the OpenID Connect provider, and why the last attempt has failed."""
    refusal = refusals().get(st.query_params.get("sign_in", ""))
    if refusal is not None:
        st.error(refusal, icon=":material/error:")
    st.write(_("Sign in with the account of your organisation."))
    if st.button(_("Sign in"), type="primary", icon=":material/login:", width="stretch"):
        st.login(oidc.PROVIDER)


def draw() -> None:
    """Draw the page."""
    settings = get_settings()
    with st.container(horizontal_alignment="center"), st.container(width=420):
        st.title(plain(settings.app_name))
        if settings.auth_backend == "password":
            draw_password_form()
        elif settings.auth_backend == "oidc":
            draw_provider_button()
        elif settings.auth_backend == "proxy":
            text = _(
                "You are not signed in: open this app through the address that its users know."
            )
            st.error(text, icon=":material/lock:")
