"""What tests share."""

import pytest


@pytest.fixture(autouse=True)
def no_lockout(settings):
    """`client.login` has no request to count by; the test of the lock-out turns it on again."""
    settings.AXES_ENABLED = False
