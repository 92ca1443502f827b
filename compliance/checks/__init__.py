"""The checks: one function per control, one module per area."""
