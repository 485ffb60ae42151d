"""`_posixshmem` where there is one process."""

from guesthouse.standin import unavailable

_WHY = "there is no shared memory in this guest"
shm_open = unavailable("_posixshmem.shm_open", _WHY)
shm_unlink = unavailable("_posixshmem.shm_unlink", _WHY)
