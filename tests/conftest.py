"""What all tests share: Hypothesis without deadlines, for a busy machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile("mile", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("mile")
