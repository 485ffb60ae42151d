"""`_posixsubprocess` where there is one process."""

from guesthouse.standin import unavailable

fork_exec = unavailable("fork_exec", "there are no processes in this guest")
