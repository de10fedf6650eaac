"""What visitors may cost: tabs, messages, bytes and time of the event loop.

Guests share the budget of their address. Who has signed in has one of their own, so that an office
behind one address works; so has each tab where nobody signs in, and the address one for them all.
A budget is spent first and comes back over time: who has spent it waits, and no click is lost. Who
would have to wait for longer than a connection lives is sent away.
"""

import time
from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60.0
# While a message waits, its connection is not read, and pongs are not seen: well below the 30
# seconds after which it would count as lost.
MAX_WAIT_SECONDS: Final = 10.0
SWEEP_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Allowance:
    """Tabs at the same time, and what these may spend: at once, and again within a minute."""

    tabs: int
    messages: float
    bytes: float
    seconds: float  # of the event loop, which all visitors share


GUESTS: Final = Allowance(tabs=200, messages=240, bytes=2e6, seconds=1.5)
SIGNED_IN: Final = Allowance(tabs=100, messages=600, bytes=200e6, seconds=12)
OFFICE: Final = Allowance(tabs=500, messages=6000, bytes=600e6, seconds=30)


class Budget:
    """What one session, tab or address has spent; the times at which each part will be back."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.tabs = 0
        # Streamlit's ids of the sessions that may upload files, and what is arriving for them.
        self.sessions: set[str] = set()
        self.arriving_files = 0
        self.arriving_bytes = 0
        self._messages = self._bytes = self._seconds = 0.0

    def spend(self, *, messages: int = 0, size: int = 0, seconds: float = 0.0) -> None:
        """Note what was spent; the size is in bytes."""
        now, allowed = time.monotonic(), self.allowance
        self._messages = max(self._messages, now) + MINUTE * messages / allowed.messages
        self._bytes = max(self._bytes, now) + MINUTE * size / allowed.bytes
        self._seconds = max(self._seconds, now) + MINUTE * seconds / allowed.seconds

    def wait(self) -> float:
        """Return for how many seconds nothing may be spent; 0.0 or less if something may."""
        return self._back() - time.monotonic() - MINUTE

    def is_idle(self) -> bool:
        """Tell whether there is nothing to remember."""
        return not self.tabs and not self.sessions and self._back() <= time.monotonic()

    def _back(self) -> float:
        return max(self._messages, self._bytes, self._seconds)


class Budgets:
    """The budgets of this process by the name of who has them; those who have gone are dropped."""

    def __init__(self) -> None:
        self._budgets: dict[str, Budget] = {}
        self._next_sweep = 0.0

    def of_guests(self, address: str) -> Budget:
        """Return what all guests at an address share."""
        return self._get(f"guests {address}", GUESTS)

    def of_session(self, key: str) -> Budget:
        """Return what all tabs of somebody who has signed in share."""
        return self._get(f"session {key}", SIGNED_IN)

    def of_office(self, address: str) -> Budget:
        """Return what all tabs of an address share where nobody signs in."""
        return self._get(f"office {address}", OFFICE)

    def _get(self, name: str, allowance: Allowance) -> Budget:
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            for idle in [name for name, budget in self._budgets.items() if budget.is_idle()]:
                del self._budgets[idle]
        return self._budgets.setdefault(name, Budget(allowance))
