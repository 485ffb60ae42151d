"""`resource` in a guest: the host bounds it, from outside."""

import time
from collections import namedtuple

from guesthouse.standin import numbers

globals().update(
    numbers(
        """
    RLIMIT_CPU=0 RLIMIT_FSIZE=1 RLIMIT_DATA=2 RLIMIT_STACK=3 RLIMIT_CORE=4 RLIMIT_NOFILE=7 RLIMIT_OFILE=7 RLIMIT_AS=9
    RLIMIT_RSS=5 RLIMIT_NPROC=6 RLIMIT_MEMLOCK=8 RLIMIT_MSGQUEUE=12 RLIMIT_NICE=13 RLIMIT_RTPRIO=14 RLIMIT_RTTIME=15
    RLIMIT_SIGPENDING=11 RUSAGE_SELF=0 RUSAGE_CHILDREN=-1 RUSAGE_THREAD=1 RLIM_INFINITY=-1
        """
    )
)

error = OSError
RLIM_INFINITY = -1

_FIELDS = (
    "ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock ru_msgsnd "
    "ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw"
)
struct_rusage = namedtuple("struct_rusage", _FIELDS)


def getrlimit(resource, /):
    return RLIM_INFINITY, RLIM_INFINITY


def setrlimit(resource, limits, /):
    raise ValueError("the limits of a guest are the host's: `[limits]` in guesthouse.toml")


def prlimit(pid, resource, limits=None, /):
    return getrlimit(resource) if limits is None else setrlimit(resource, limits)


def getrusage(who, /):
    return struct_rusage(time.process_time(), 0.0, *(14 * (0,)))


def getpagesize():
    return 65536
