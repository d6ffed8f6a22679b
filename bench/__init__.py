"""What relaying a chat stream costs: the product beside nginx and beside the usual way of writing it."""
