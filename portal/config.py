"""Settings: a frozen value, complete or absent. Every variable is called `PORTAL_*`."""

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

KeyRing = Annotated[tuple[str, ...], NoDecode]

_SHORTEST_KEY = 32


class SettingsRefused(Exception):
    """All that is missing or wrong in the settings, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Settings(BaseSettings):
    """Everything that differs between one installation and the next."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", frozen=True, extra="forbid")

    database_url: str = Field(default="", description="SQLAlchemy URL; a SQLite file under instance/ if empty.")
    instance_path: Path = Field(default=Path("instance"), description="Folder for the SQLite file and local keys.")
    secret_key: KeyRing = Field(
        description="Signing keys, comma-separated, oldest first; the last one signs. 32 characters or more each."
    )
    base_url: str = Field(default="http://127.0.0.1:8000", description="Public address, without a path.")
    smtp_url: str = Field(
        default="",
        description="smtps:// or smtp+starttls://user:password@host:port, smtp://host:port; empty: mail waits.",
    )
    mail_hook_secret: str = Field(default="", description="Secret for posting delivery reports; empty shuts the hook.")
    unsubscribe_key: KeyRing = Field(
        default=(), description="Keys that only unsubscribe and preference links use, so that they outlive the others."
    )
    mail_from: str = Field(default="portal@portal.example", description="Sender address of approved email.")
    demo: bool = Field(default=False, description="Show the demo logins on the sign-in page.")
    production: bool = Field(default=False, description="Refuse settings that are only fit for one machine.")
    trusted_proxies: int = Field(default=0, ge=0, le=5, description="Reverse proxies in front that set X-Forwarded-*.")
    display_zone: str = Field(default="UTC", description="IANA zone in which staff pages show times.")
    link_days: int = Field(default=30, ge=1, le=365, description="Days for which a fresh link is valid.")
    visit_minutes: int = Field(default=720, ge=5, le=10080, description="Minutes after which a visit must be reopened.")
    staff_minutes: int = Field(default=480, ge=5, le=1440, description="Minutes of silence that end a staff session.")
    quarantine_seconds: int = Field(
        default=60, ge=0, le=3600, description="Seconds after hand-over in which an opened link looks like a scanner's."
    )
    burst_links: int = Field(default=3, ge=2, le=50, description="Links of one mail that make a burst.")
    burst_seconds: int = Field(default=10, ge=1, le=300, description="Seconds within which they do.")
    crowd_doctors: int = Field(
        default=5, ge=2, le=1000, description="Doctors whose links one network address opens before it looks automatic."
    )
    crowd_minutes: int = Field(default=10, ge=1, le=1440, description="Minutes within which it does.")
    idle_seconds: int = Field(default=60, ge=30, le=180, description="Silence that counts as absence, where unknown.")
    grace_seconds: int = Field(default=5, ge=1, le=30, description="Silence that always counts as reading.")

    @field_validator("secret_key", "unsubscribe_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_there(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one key is needed")
        return value

    @field_validator("secret_key", "unsubscribe_key")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < _SHORTEST_KEY for key in value):
            raise ValueError(f"every key needs {_SHORTEST_KEY} characters or more")
        if len(set(value)) != len(value):
            raise ValueError("the same key stands twice")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError("an address such as https://portal.example, without a path")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fit_for_production(self) -> "Settings":
        if self.production and not self.base_url.startswith("https://"):
            raise ValueError("base_url: production needs https")
        if self.production and self.demo:
            raise ValueError("demo: never in production")
        return self

    @property
    def database(self) -> str:
        """Return the database URL, the local SQLite file where none is set."""
        return self.database_url or f"sqlite:///{(self.instance_path / 'portal.sqlite').resolve()}"

    @property
    def shows_mail_to_follow(self) -> bool:
        """Tell whether an administrator may read codes and follow links of waiting mail: a demo without mail server."""
        return self.demo and not self.smtp_url and not self.production

    @property
    def secure(self) -> bool:
        """Tell whether the portal is reached over HTTPS, which decides cookie flags."""
        return self.base_url.startswith("https://")


def load(**given: object) -> Settings:
    """Return the settings from the environment, or raise SettingsRefused with every fault at once."""
    try:
        return Settings.model_validate(given) if given else Settings.model_validate({})
    except ValidationError as refused:
        faults = [f"PORTAL_{'_'.join(map(str, e['loc'])).upper() or 'SETTINGS'}: {e['msg']}" for e in refused.errors()]
        raise SettingsRefused(faults) from None


def load_or_leave() -> Settings:
    """Return the settings, or say every fault on standard error and leave with exit code 2: no traceback tells more."""
    try:
        return load()
    except SettingsRefused as refused:
        for fault in refused.faults:
            sys.stderr.write(f"{fault}\n")
        sys.stderr.write("The portal does not start with these settings; .env.example lists and explains every one.\n")
        raise SystemExit(2) from None
