"""Connection strings, and what holds without them."""

import os
import tempfile
import unittest
from unittest import mock

from guesthouse.postgres import conninfo
from guesthouse.postgres import options
from guesthouse.postgres import passfile
from guesthouse.postgres import places

_GOOD = {
    "": {},
    "host=db port = 1 user='a b' password='it\\'s'": {"host": "db", "port": "1", "user": "a b", "password": "it's"},
    "host='' dbname=x\\ y": {"host": "", "dbname": "x y"},
    "postgresql://": {},
    "postgres://db": {"host": "db"},
    "postgresql://me:secret@db:1/shop": {"user": "me", "password": "secret", "host": "db", "port": "1", "dbname": "shop"},
    "postgresql://a%40b:%2F%20@db/?sslmode=disable": {"user": "a@b", "password": "/ ", "host": "db", "sslmode": "disable"},
    "postgresql://one:1,two:2,three/x": {"host": "one,two,three", "port": "1,2,", "dbname": "x"},
    "postgresql://[::1]:5433/x": {"host": "::1", "port": "5433", "dbname": "x"},
    "postgresql:///x?host=/run/pg&port=7": {"dbname": "x", "host": "/run/pg", "port": "7"},
    "postgresql://%2Frun%2Fpg/x": {"host": "/run/pg", "dbname": "x"},
    "postgresql:///?ssl=true&application_name=a%C3%A4": {"sslmode": "require", "application_name": "aä"},
}
_BAD = {
    "host": 'missing "=" after "host" in connection info string',
    "colour=red": 'invalid connection option "colour"',
    "host='db": "unterminated quoted string in connection info string",
    "postgresql:///?colour=red": 'invalid URI query parameter: "colour"',
    "postgresql:///?host": 'missing key/value separator "=" in URI query parameter: "host"',
    "postgresql:///?host=a=b": 'extra key/value separator "=" in URI query parameter: "host"',
    "postgresql://%zz": 'invalid percent-encoded token: "%zz"',
    "postgresql://a%00": 'forbidden value %00 in percent-encoded value: "a%00"',
    "postgres://[::1": 'end of string reached when looking for matching "]" in IPv6 host address in URI: "postgres://[::1"',
    "postgresql://[]": 'IPv6 host address may not be empty in URI: "postgresql://[]"',
}


class Strings(unittest.TestCase):
    def test_pairs_and_uris_are_read_as_libpq_reads_them(self):
        for text, expected in _GOOD.items():
            with self.subTest(text):
                self.assertEqual(conninfo.parse(text), expected)

    def test_what_is_none_is_refused_in_libpqs_words(self):
        for text, expected in _BAD.items():
            with self.subTest(text), self.assertRaises(conninfo.Invalid) as raised:
                conninfo.parse(text)
            self.assertEqual(str(raised.exception).strip(), expected)


class Defaults(unittest.TestCase):
    def test_the_environment_stands_for_what_was_not_given(self):
        with mock.patch.dict(os.environ, {"PGHOST": "db", "PGUSER": "me"}):
            values = options.completed({"port": "7"})
        self.assertEqual([values[name] for name in ("host", "user", "dbname", "port")], ["db", "me", "me", "7"])
        self.assertEqual(values["sslmode"], "prefer")

    def test_what_is_not_supported_is_said_and_not_passed_over(self):
        bad = ({"connect_timeout": "soon"}, {"min_protocol_version": "3.2"}, {"gssencmode": "require"})
        for given in (*bad, {"service": "x"}, {"sslmode": "sometimes"}, {"sslcrl": "x"}, {"channel_binding": "require"}):
            self.assertTrue(options.complaint(options.completed({"user": "me", **given})), given)
        self.assertIsNone(options.complaint(options.completed({"user": "me"})))


class Places(unittest.TestCase):
    def hosts(self, **given):
        return [tuple(one) for one in places.hosts(options.completed({"user": "me", "host": None, **given}))]

    def test_lists_of_hosts_go_with_lists_of_ports(self):
        self.assertEqual(self.hosts(), [("", "", "5432")])
        self.assertEqual(self.hosts(host="a,b", port="1,2"), [("a", "", "1"), ("b", "", "2")])
        self.assertEqual(self.hosts(host="a,b", port="7"), [("a", "", "7"), ("b", "", "7")])
        self.assertEqual(self.hosts(host="a,b", port=",2"), [("a", "", "5432"), ("b", "", "2")])
        self.assertEqual(self.hosts(host="a", hostaddr="10.0.0.1"), [("a", "10.0.0.1", "5432")])

    def test_lists_that_do_not_match_are_refused(self):
        lists = ({"host": "a,b", "port": "1,2,3"}, {"host": "a,b", "hostaddr": "1.1.1.1"})
        for given in (*lists, {"port": "x"}, {"port": "70000"}):
            with self.subTest(given), self.assertRaises(places.Unknown):
                self.hosts(**given)


class Passwords(unittest.TestCase):
    def test_the_first_line_that_matches_counts(self):
        values = {"dbname": "shop", "user": "me"}
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/pgpass"
            with open(path, "w") as opened:
                opened.write("# a note\nother:*:*:*:no\ndb:5432:shop:me:a\\:b\n*:*:*:*:last\n")
            values["passfile"] = path
            os.chmod(path, 0o600)
            self.assertEqual(passfile.password(values, "db", "5432"), "a:b")
            self.assertEqual(passfile.password(values, "db", "1"), "last")
            os.chmod(path, 0o644)
            self.assertIsNone(passfile.password(values, "db", "1"))
