"""Put this directory on PYTHONPATH: see `sitecustomize.py`."""
