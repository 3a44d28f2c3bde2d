"""The figures of a server as metrics of Prometheus."""
