"""What is shared between test files is imported from here: `from tests.servers import RedisServer`."""
