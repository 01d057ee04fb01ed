"""Settings from environment variables that begin with FACELOOM_."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings; each instance reads the environment, so create one where a setting is needed."""

    model_config = SettingsConfigDict(env_prefix="FACELOOM_")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("faceloom", appauthor=False)))
    """FACELOOM_HOME: the folder for models, directions and all other files that faceloom keeps."""

    @property
    def models(self) -> Path:
        """The folder of pulled assets and imported generators."""
        return self.home / "models"

    @property
    def directions(self) -> Path:
        """The folder of imported directions."""
        return self.home / "directions"
