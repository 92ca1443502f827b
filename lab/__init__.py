"""The lab: virtual machines and network segments on this computer, for trying and proving Patuh."""
