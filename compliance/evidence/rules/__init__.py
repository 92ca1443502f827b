"""Rules over records, one module per area: one function per control."""
