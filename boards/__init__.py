"""Boards and simulated machines: one JSON file each, start-up code, and the programs that build and simulate.

Only the standard library is imported here: PlatformIO's Python runs these modules too.
"""
