"""What a whole dataset takes, and where: ``pyredmem rdb report``."""
