"""Around the websocket of each browser tab: who pays for it, and whether one more may be opened."""

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from .. import metrics
from ..limits import Limiter, counted, get_limiter
from ..settings import Settings
from . import open_tabs
from .budgets import MAX_WAIT_SECONDS, SIGNED_IN, Budget, Budgets
from .open_tabs import USER
from .refusal import refuse
from .tab_traffic import TabTraffic


class SessionTraffic:
    """ASGI middleware around the websocket of a tab; HTTP passes untouched."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        # In memory even where there is Redis: a tab is connected to one process only.
        self._reruns = Limiter(enabled=settings.rate_limit_enabled)
        self._budgets = Budgets()
        self._open_tabs = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        payer, budgets = self._paying(scope)
        if wait := await self._wait(payer, budgets):
            metrics.rate_limited("connect")
            retry_after = {"Retry-After": str(math.ceil(wait))}
            await refuse(scope, receive, send, 429, "Too many sessions.", retry_after)
            return
        tab = open_tabs.tab_of(scope)
        traffic = TabTraffic(self._settings, self._reruns, budgets, tab, receive, send)
        self._count(+1, budgets)
        try:
            await self._app(scope, traffic.receive, traffic.send)
        finally:
            self._count(-1, budgets)

    def _paying(self, scope: Scope) -> tuple[str, list[Budget]]:
        """Return for whom a new tab counts, and the budgets that it spends from."""
        address = counted((scope.get("client") or ("",))[0])
        tab = open_tabs.tab_of(scope)
        if tab is None:  # AUTH_BACKEND=none
            return address, [Budget(SIGNED_IN), self._budgets.of_office(address)]
        if tab.state == USER:
            return f"session {tab.key}", [self._budgets.of_session(tab.key)]
        return address, [self._budgets.of_guests(address)]

    async def _wait(self, payer: str, budgets: list[Budget]) -> float:
        """Return 0.0 if one more tab may be opened, else the seconds to wait."""
        if not self._settings.rate_limit_enabled:
            return 0.0
        if any(budget.tabs >= budget.allowance.tabs for budget in budgets):
            return MAX_WAIT_SECONDS
        spent = max(budget.wait() for budget in budgets)
        if spent > 0:
            return spent
        return await get_limiter().hit(self._settings.rate_limit_connect, "connect", payer)

    def _count(self, change: int, budgets: list[Budget]) -> None:
        for budget in budgets:
            budget.tabs += change
        self._open_tabs += change
        metrics.sessions_open(self._open_tabs)
