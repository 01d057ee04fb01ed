"""What a user may set from outside: environment variables that begin with FACELOOM_."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read afresh wherever it is needed, so that a change of the environment is seen at once."""

    model_config = SettingsConfigDict(env_prefix="FACELOOM_")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("faceloom", appauthor=False)))
    """FACELOOM_HOME: the one folder for models, directions and everything else that is kept."""

    @property
    def models(self) -> Path:
        """Where fetched and imported weights lie."""
        return self.home / "models"

    @property
    def directions(self) -> Path:
        """Where directions that were imported lie."""
        return self.home / "directions"
