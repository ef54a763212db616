"""What an instance is told: every setting once, read from the command line, the environment and one file."""

from penstock.settings.environment import SettingsError
from penstock.settings.load import load_settings
from penstock.settings.settings import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]
