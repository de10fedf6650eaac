"""The first sign-in of a new user, then visits with the same session from other browsers.

first_sign_in.py CHROMIUM URL USER GIVEN_PASSWORD OWN_PASSWORD: a program for the Python of the
tests, with `tests/support` on its path, at a site whose name leads to the machine that it runs on.
It prints the instances that served the visits.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright
from visiting import choose_password, enter, visit, wait_for_menu


def main() -> None:
    """Sign in as the arguments say."""
    chromium, url, username, given, own = sys.argv[1:]
    leads_here = f"--host-resolver-rules=MAP {urlsplit(url).hostname} 127.0.0.1"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", leads_here]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        context = browser.new_context(ignore_https_errors=True)  # the certificate signs itself
        page = context.new_page()
        visit(page, url)
        enter(page, username, given)
        choose_password(page, given, own)
        state = context.storage_state()
        state["cookies"] = [one for one in state["cookies"] if one["name"] == "__Host-session"]
        instances = set()
        for _ in range(4):
            another = browser.new_context(ignore_https_errors=True, storage_state=state)
            page = another.new_page()
            visit(page, url)
            wait_for_menu(page)
            expect(page.get_by_test_id("stSidebar")).to_contain_text(username)
            instances |= {o["value"] for o in another.cookies() if o["name"].endswith("_instance")}
        print(*sorted(instances))
        browser.close()


if __name__ == "__main__":
    main()
