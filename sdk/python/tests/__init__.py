"""The SDK's tests, run natively: the host is a set of fakes."""
