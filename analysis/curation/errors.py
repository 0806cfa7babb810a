class ActionRefused(Exception):
    """A change was refused and nothing was saved. The message is shown to the user."""
