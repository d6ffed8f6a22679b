"""How properties are checked: the same examples every time, and no limit that a busy machine would miss."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
