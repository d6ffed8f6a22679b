"""One file per wire format, and what they share: catalogue, token counting, transport."""
