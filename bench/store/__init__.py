"""What a call of the store costs as an owner's conversations grow: `python -m bench store`."""
