"""Values and rules: what a chat is, how it is counted, priced and fitted. No I/O."""
