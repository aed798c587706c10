"""Errors that are meant for the operator."""


class PolicyError(Exception):
    """Why a policy gives no answer, in words for the operator. Raise it, or any other exception."""
