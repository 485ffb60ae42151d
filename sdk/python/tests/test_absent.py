"""The stand-ins of modules that the guest lacks: as many names as the real ones have, and failures in a sentence."""

import importlib
import importlib.util
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

from guesthouse import standin

# What the standard library's own part of a module is made on. The others are tested on their own.
_BELOW = {"_ssl": "ssl", "_ctypes": "ctypes", "_bz2": "bz2", "_lzma": "lzma", "_multiprocessing": "multiprocessing.synchronize"}
# Of one version or one system alone, or of C code.
_NOT_ASKED = {"_C_API", "_test_decode_cert", "RAND_egd", "call_commethod", "_unpickle", "Py_INCREF", "Py_DECREF"}
_NOT_ASKED |= {"err_names_to_codes", "generate_time_safe"}


def load(name):
    spec = importlib.util.spec_from_file_location(name, "%s/%s.py" % (standin.FOLDER, name))
    module = importlib.util.module_from_spec(spec)
    # Another stand-in asks for it by its name.
    with mock.patch.dict(sys.modules, {name: module}):
        spec.loader.exec_module(module)
    return module


def above(*names):
    """The standard library's modules, anew, on these stand-ins."""
    loaded = {name: load(name) for name in names}
    upper = {_BELOW[name] for name in names}
    with mock.patch.dict(sys.modules, loaded):
        for name in upper:
            sys.modules.pop(name, None)
        return [importlib.import_module(name) for name in sorted(upper)]


class Names(unittest.TestCase):
    def test_a_stand_in_has_the_names_of_the_real_module(self):
        for file in sorted(os.listdir(standin.FOLDER)):
            name, extension = os.path.splitext(file)
            if extension != ".py":
                continue
            with self.subTest(name):
                try:
                    real = importlib.import_module(name)
                except ImportError:
                    continue
                ours = load(name)
                wanted = {one for one in dir(real) if not one.startswith("__") and "codes_to_" not in one} - _NOT_ASKED
                wanted = {one for one in wanted if not one.startswith("_READLINE")}
                self.assertEqual(sorted(wanted - set(dir(ours))), [])

    def test_the_names_of_os_socket_and_signal_are_those_of_linux(self):
        from guesthouse import sysnames

        import signal
        import socket

        ours = {**sysnames.users(), **sysnames.processes(), **sysnames._OS}
        for module, names in ((os, ours), (socket, sysnames._SOCKETS), (signal, {**sysnames.signals(), **sysnames._SIGNALS})):
            wrong = {name for name in names if not hasattr(module, name)} - {"SO_RDM"}
            self.assertEqual(wrong, set())
            for name, value in names.items():
                if type(value) is int and type(getattr(module, name)) is int:
                    self.assertEqual(value, getattr(module, name), name)


class Tls(unittest.TestCase):
    def test_contexts_are_made_and_set_up_and_a_connection_is_refused_in_a_sentence(self):
        (ssl,) = above("_ssl")
        context = ssl.create_default_context()
        self.assertEqual((context.check_hostname, context.verify_mode), (True, ssl.VerifyMode.CERT_REQUIRED))
        with self.assertRaises(ValueError):
            context.verify_mode = ssl.CERT_NONE
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.load_verify_locations("/no/such/file")
        self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        self.assertTrue(ssl.OPENSSL_VERSION.startswith("OpenSSL "))
        self.assertEqual(ssl.VerifyFlags.VERIFY_X509_STRICT, 32)
        with self.assertRaisesRegex(ssl.SSLError, "^there is no TLS in this guest"):
            context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="shop.example")
        self.assertTrue(issubclass(ssl.SSLError, OSError))


class Others(unittest.TestCase):
    def test_archives_are_refused_in_a_sentence(self):
        for names, what in ((("_bz2",), "bzip2"), (("_lzma",), "LZMA")):
            (module,) = above(*names)
            with self.assertRaisesRegex(Exception, "there is no %s in this guest" % what):
                module.compress(b"x")
            with self.assertRaisesRegex(Exception, "there is no %s in this guest" % what):
                module.decompress(b"x")

    def test_a_map_is_a_copy_that_is_written_back(self):
        mmap = load("mmap")
        with tempfile.TemporaryFile() as file:
            file.write(b"one\ntwo\n")
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                self.assertEqual((mapped[:3], mapped.find(b"two"), len(mapped), mapped.readline()), (b"one", 4, 8, b"one\n"))
                with self.assertRaises(TypeError):
                    mapped[0] = 1
            with mmap.mmap(file.fileno(), 0) as mapped:
                mapped[0:3] = b"ONE"
            file.seek(0)
            self.assertEqual(file.read(), b"ONE\ntwo\n")
        self.assertEqual(bytes(mmap.mmap(-1, 3)[:]), b"\0\0\0")

    def test_a_lock_of_a_file_is_free_and_there_is_no_terminal(self):
        fcntl, termios, pwd = load("fcntl"), load("termios"), load("pwd")
        self.assertIsNone(fcntl.flock(1, fcntl.LOCK_EX))
        with self.assertRaisesRegex(termios.error, "no terminal"):
            termios.tcgetattr(0)
        self.assertEqual(pwd.getpwuid(0).pw_name, "guest")
        with self.assertRaises(KeyError):
            pwd.getpwuid(7)

    def test_a_semaphore_of_processes_is_a_counter(self):
        semaphores = load("_multiprocessing")
        lock = semaphores.SemLock(1, 1, 1)
        self.assertTrue(lock.acquire())
        self.assertFalse(lock.acquire(False))
        lock.release()
        recursive = semaphores.SemLock(0, 1, 1)
        self.assertTrue(recursive.acquire() and recursive.acquire())
        recursive.release()
        self.assertTrue(recursive._is_mine())

    def test_types_of_c_are_declared_and_sized_and_no_function_is_called(self):
        kept = dict(sys.modules)
        try:
            (ctypes,) = above("_ctypes")

            class Point(ctypes.Structure):
                _fields_ = [("x", ctypes.c_byte), ("y", ctypes.c_int)]

            self.assertEqual((ctypes.sizeof(Point), Point.y.offset), (8, 4))
            self.assertEqual(Point(1, 2).y, 2)
            self.assertEqual(ctypes.sizeof(ctypes.c_int * 3), 12)
            for library in ("libc.so.6", "sodium"):
                with self.assertRaisesRegex(OSError, "no foreign functions in this guest"):
                    ctypes.CDLL(library)
            with self.assertRaises(AttributeError):
                ctypes.pythonapi.Py_IncRef
        finally:
            sys.modules.clear()
            sys.modules.update(kept)

    def test_a_command_is_as_if_it_were_not_installed(self):
        from guesthouse import sysnames

        import subprocess

        with mock.patch.object(subprocess.Popen, "__init__", sysnames.no_process), mock.patch("sys.stderr", io.StringIO()):
            with self.assertRaisesRegex(FileNotFoundError, "no processes in this guest.*git"):
                subprocess.check_output(["git", "describe"])
