"""The laboratory: traces of what clients ask for, replayed on other sizes and policies; and fragmentation."""
