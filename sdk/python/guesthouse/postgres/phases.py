"""What a session is doing, and what a command is: libpq's own states, which its callers never see."""

# PGAsyncStatusType.
IDLE, BUSY, READY, READY_MORE, COPY_IN, COPY_OUT, COPY_BOTH, PIPELINE_IDLE = range(8)
IN_COPY = (COPY_IN, COPY_OUT, COPY_BOTH)

# PGQueryClass.
SIMPLE, EXTENDED, PREPARE, DESCRIBE, SYNC_POINT, CLOSE = range(6)
