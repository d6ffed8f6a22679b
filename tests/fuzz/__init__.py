"""Malformed requests by the thousand: what no client should send, to every route, and what must hold all the same."""
