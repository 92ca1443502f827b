"""Records that people keep, and what can be said from them."""
