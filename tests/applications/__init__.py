"""Libraries that applications use with Redis, unmodified: each test lets one of them do real work over TCP.

The libraries are in the extra `applications`; a test whose library is not installed is skipped. Each test runs against
a real redis-server and against pyredmem, so that what fails on both is the test's or the library's fault.
"""
