from tests.serving import prepared_home

__all__ = ["prepared_home"]
