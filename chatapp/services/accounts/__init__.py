"""Accounts: how people come to have one, prove that it is theirs, and what they can do with it."""
