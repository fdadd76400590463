import pytest


@pytest.fixture(autouse=True)
def outside(tmp_path, settings):
    """Seals go to a folder of the test."""
    settings.SEALS = tmp_path / "seals"
    return settings.SEALS
