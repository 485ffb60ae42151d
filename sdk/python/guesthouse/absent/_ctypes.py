"""`_ctypes` without foreign functions: types can be declared, sized and made; no library is opened, nothing is called."""

import errno
import struct

from guesthouse.standin import failed
from guesthouse.standin import unavailable

_WHY = "there are no foreign functions in this guest"
__version__ = "1.1.0"
RTLD_LOCAL, RTLD_GLOBAL = 0, 256
FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, FUNCFLAG_USE_LASTERROR, FUNCFLAG_STDCALL = 1, 4, 8, 16, 0
CTYPES_MAX_ARGCOUNT = 1024
SIZEOF_TIME_T = 8
_memmove_addr = _memset_addr = _string_at_addr = _wstring_at_addr = _cast_addr = _memoryview_at_addr = 0
_pointer_type_cache = {}
_POINTER = struct.calcsize("P")
# Codes that are not those of the module `struct`.
_SIZES = {"O": _POINTER, "z": _POINTER, "Z": _POINTER, "u": 4, "g": 8, "v": 2, "X": _POINTER}
_NUMBERS = frozenset("bBhHiIlLqQfdg?")


class ArgumentError(Exception):
    """As the module has it."""


class CField:
    """A member of a structure or a union."""

    def __init__(self, name, kind, offset):
        self.name, self.type, self.offset, self.size = name, kind, offset, kind._size_

    def __get__(self, instance, owner):
        if instance is None:
            return self
        made = instance._values.get(self.name)
        if made is None:
            made = instance._values[self.name] = self.type()
        return made.value if isinstance(made, _SimpleCData) else made

    def __set__(self, instance, value):
        instance._values[self.name] = value if isinstance(value, self.type) else self.type(value)


class _Type(type):
    """What all types of C have in common."""

    _size_ = _align_ = 0

    def __mul__(cls, length):
        if length < 0:
            raise ValueError("Array length must be >= 0, not %d" % length)
        return type("%s_Array_%d" % (cls.__name__, length), (Array,), {"_type_": cls, "_length_": length})

    __rmul__ = __mul__

    def from_param(cls, value):
        return value

    def _refuse(cls, *_):
        raise failed("ctypes.%s" % cls.__name__, _WHY)

    from_address = from_buffer = from_buffer_copy = in_dll = _refuse


class PyCSimpleType(_Type):
    def __init__(cls, name, bases, content):
        super().__init__(name, bases, content)
        code = getattr(cls, "_type_", None)
        if code is None:
            return
        if code in "DFG":
            raise AttributeError("there are no complex numbers of C in this guest")
        cls._size_ = cls._align_ = _SIZES.get(code) or struct.calcsize(code)
        cls.__ctype_le__ = cls.__ctype_be__ = cls


class PyCStructType(_Type):
    def __init__(cls, name, bases, content):
        super().__init__(name, bases, content)
        if "_fields_" in content:
            cls._lay_out(content["_fields_"])

    def __setattr__(cls, name, value):
        super().__setattr__(name, value)
        if name == "_fields_":
            cls._lay_out(value)

    def _lay_out(cls, fields):
        base = next((one for one in cls.__mro__[1:] if isinstance(one, PyCStructType)), None)
        end, align = (base._size_, base._align_) if base is not None else (0, 1)
        for name, kind, *_ in fields:
            own = min(kind._align_ or 1, getattr(cls, "_pack_", 0) or kind._align_ or 1)
            start = 0 if cls._is_union_ else -(-end // own) * own
            type.__setattr__(cls, name, CField(name, kind, start))
            end, align = max(end, start + kind._size_), max(align, own)
        type.__setattr__(cls, "_align_", align)
        type.__setattr__(cls, "_size_", -(-end // align) * align)


class UnionType(PyCStructType):
    pass


class PyCArrayType(_Type):
    def __init__(cls, name, bases, content):
        super().__init__(name, bases, content)
        if hasattr(cls, "_type_"):
            cls._size_, cls._align_ = cls._type_._size_ * cls._length_, cls._type_._align_


class PyCPointerType(_Type):
    _size_ = _align_ = _POINTER

    def __init__(cls, name, bases, content):
        super().__init__(name, bases, content)
        target = content.get("_type_")
        if target is not None:
            target.__pointer_type__ = cls

    def set_type(cls, kind):
        cls._type_ = kind


class PyCFuncPtrType(_Type):
    _size_ = _align_ = _POINTER


class _CData:
    _b_base_, _b_needsfree_, _objects = None, 1, None


class _SimpleCData(_CData, metaclass=PyCSimpleType):
    def __init__(self, value=None):
        code = getattr(self, "_type_", None)
        self.value = value if value is not None else False if code == "?" else 0 if code in _NUMBERS else b"\0" if code == "c" else None

    def __bool__(self):
        return bool(self.value)

    def __repr__(self):
        return "%s(%r)" % (type(self).__name__, self.value)


class Structure(_CData, metaclass=PyCStructType):
    _is_union_ = False

    def __new__(cls, *_, **__):
        made = super().__new__(cls)
        object.__setattr__(made, "_values", {})
        return made

    def __init__(self, *values, **named):
        names = [field[0] for one in reversed(type(self).__mro__) for field in vars(one).get("_fields_", ())]
        for name, value in (*zip(names, values), *named.items()):
            setattr(self, name, value)


class Union(Structure, metaclass=UnionType):
    _is_union_ = True


class Array(_CData, metaclass=PyCArrayType):
    def __init__(self, *values):
        self._values = [*values, *((self._length_ - len(values)) * (None,))]

    def __len__(self):
        return self._length_

    def __getitem__(self, key):
        found = self._values[key]
        if found is None and not isinstance(key, slice):
            found = self._values[key] = self._type_()
        return found.value if isinstance(found, _SimpleCData) else found

    def __setitem__(self, key, value):
        self._values[key] = value

    @property
    def raw(self):
        return bytes(getattr(self, "value", b"")).ljust(self._length_, b"\0")


class _Pointer(_CData, metaclass=PyCPointerType):
    def __init__(self, target=None):
        self.contents = target

    def __bool__(self):
        return self.contents is not None

    def __getitem__(self, key):
        return self.contents.value if isinstance(self.contents, _SimpleCData) else self.contents


class CFuncPtr(_CData, metaclass=PyCFuncPtrType):
    """A function that can be declared and not called."""

    restype = argtypes = errcheck = None

    def __init__(self, what=0, *_):
        if isinstance(what, tuple):
            raise AttributeError("%s: function `%s` not found" % (_WHY, what[0]))
        self._what = what

    def __call__(self, *_, **__):
        raise failed("ctypes", _WHY)


def sizeof(what, /):
    return (what if isinstance(what, type) else type(what))._size_


def alignment(what, /):
    return (what if isinstance(what, type) else type(what))._align_


def byref(what, offset=0, /):
    return POINTER(type(what))(what)


def POINTER(kind, /):
    try:
        return kind.__dict__["__pointer_type__"]
    except KeyError:
        return type("LP_%s" % kind.__name__, (_Pointer,), {"_type_": kind})


def pointer(what, /):
    return POINTER(type(what))(what)


def addressof(what, /):
    return id(what)


def get_errno():
    return 0


def set_errno(value, /):
    return 0


def dlopen(name, flag=0, /):
    """The program itself can be opened, as `ctypes.pythonapi`; it has no functions."""
    if name is None:
        return 0
    raise OSError(errno.ENOSYS, "%s: the library `%s` cannot be opened" % (_WHY, name))


def buffer_info(what, /):
    return "", 0, ()


resize = unavailable("ctypes.resize", _WHY)
dlsym = dlclose = call_function = call_cdeclfunction = PyObj_FromPtr = unavailable("ctypes", _WHY)
