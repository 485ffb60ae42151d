"""`_uuid` without a system that makes them: the module `uuid` has its own ways."""

has_uuid_generate_time_safe = 0
has_stable_extractable_node = 0
