"""The one error of curation: what a person asked for is not done, and why."""


class ActionRefused(Exception):
    """A sentence for the person who asked; nothing was changed."""
