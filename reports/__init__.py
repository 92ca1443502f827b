"""The reports: one assessment in, one document out. No report computes a verdict of its own."""
