"""The policy of a booth on people's data: consent before any picture is kept, ages, and for how long data is kept.

Every picture of a person passes through here before it is kept. The operator's settings choose the times and the age
gate; consent itself cannot be switched off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faceloom.store.models import Consent, ConsentKind
from faceloom.web.booth.build_views import iso_time
from faceloom.web.security import RequestRefused
from faceloom.web.settings import BoothSettings

CONSENT_TEXT = "1"
"""Version of the text to which people agree. It changes with every change of the text's meaning."""


@dataclass(frozen=True)
class Policy:
    """The policy that follows from the operator's settings."""

    settings: BoothSettings

    @property
    def retention(self) -> float:
        """The seconds for which a visit without a request is kept."""
        return self.settings.retention_minutes * 60

    @property
    def download_retention(self) -> float:
        """The seconds for which a download is kept."""
        return self.settings.take_minutes * 60

    def make_consent(self, kind: ConsentKind, now: float) -> Consent:
        """Return the record of a consent that was given at `now`, in seconds since 1970."""
        return Consent(
            at=iso_time(now), text=CONSENT_TEXT, retention_minutes=self.settings.retention_minutes, kind=kind
        )

    def require_consent(self, consents: Sequence[Consent]) -> None:
        """Raise RequestRefused (403) unless a consent to the current text is recorded."""
        if not any(consent.kind != "guardian" and consent.text == CONSENT_TEXT for consent in consents):
            raise RequestRefused(403, "no_consent", "the visitor has not agreed to a picture", "agree first")

    @property
    def has_age_gate(self) -> bool:
        """Return whether ages are read before a photo is used."""
        return self.settings.min_age > 0

    def check_ages(self, ages: Iterable[float], consents: Sequence[Consent]) -> None:
        """Raise RequestRefused (403) when a person looks younger than the operator's limit.

        `ages` are readings of the analyzer in years, which are estimates: see its model card. A guardian's consent
        lifts the limit, unless the operator refuses minors.
        """
        limit = self.settings.min_age
        if not any(age < limit for age in ages):
            return
        if self.settings.minors == "refuse":
            raise RequestRefused(
                403, "too_young", f"this booth is for people from {limit} years on", "the photo is deleted already"
            )
        if not any(consent.kind == "guardian" for consent in consents):
            raise RequestRefused(
                403,
                "guardian_needed",
                f"a person in the photo looks younger than {limit}, so that a parent or guardian must agree",
                "the photo is deleted already; take it again when they have agreed",
            )
