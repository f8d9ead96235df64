"""The gateway among SMPP programs that others wrote; each is skipped where it is missing, but never in CI.

Met so far: npm smpp 0.5.1 on node 20, Net::SMPP 1.19, PyPI smpp34 1.5.0, aiosmpplib 0.7.4, smpplib 2.2.4,
Kannel 1.4.5, tshark 4.0.17. `.ci/run` installs what is Debian's; pip and npm bring the rest, pinned.
"""
