"""One rule, one file: message, mend, an example that earns it and one that does not."""
