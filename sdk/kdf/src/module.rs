//! The extension module: `pbkdf2(hash, password, salt, rounds, length)` and `scrypt(password, salt, log_n, r, p, length)`.
//!
//! Both are called by our own Python alone, which has looked at the arguments.

use core::ffi::c_char;
use core::ptr::null_mut;
use core::slice;

use pyo3_ffi::METH_FASTCALL;
use pyo3_ffi::Py_DecRef;
use pyo3_ffi::Py_ssize_t;
use pyo3_ffi::PyBytes_AsString;
use pyo3_ffi::PyBytes_FromStringAndSize;
use pyo3_ffi::PyBytes_Size;
use pyo3_ffi::PyErr_Occurred;
use pyo3_ffi::PyErr_SetString;
use pyo3_ffi::PyExc_TypeError;
use pyo3_ffi::PyExc_ValueError;
use pyo3_ffi::PyLong_AsUnsignedLong;
use pyo3_ffi::PyMethodDef;
use pyo3_ffi::PyMethodDefPointer;
use pyo3_ffi::PyModule_Create;
use pyo3_ffi::PyModuleDef;
use pyo3_ffi::PyModuleDef_HEAD_INIT;
use pyo3_ffi::PyObject;

use crate::derive;

static mut METHODS: [PyMethodDef; 3] = [
    PyMethodDef {
        ml_name: c"pbkdf2".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunctionFast: pbkdf2 },
        ml_flags: METH_FASTCALL,
        ml_doc: null_mut(),
    },
    PyMethodDef {
        ml_name: c"scrypt".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunctionFast: scrypt },
        ml_flags: METH_FASTCALL,
        ml_doc: null_mut(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"_guesthouse_kdf".as_ptr(),
    m_doc: null_mut(),
    m_size: -1,
    m_methods: (&raw mut METHODS).cast(),
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// What Python calls when the module is imported.
#[unsafe(no_mangle)]
pub extern "C" fn PyInit__guesthouse_kdf() -> *mut PyObject {
    // SAFETY: the interpreter holds its lock, and the definition is never moved.
    unsafe { PyModule_Create(&raw mut MODULE) }
}

unsafe extern "C" fn pbkdf2(_: *mut PyObject, given: *mut *mut PyObject, count: Py_ssize_t) -> *mut PyObject {
    // SAFETY: the interpreter gives as many objects as it says.
    let given = unsafe { slice::from_raw_parts(given, count as usize) };
    let [hash, password, salt, rounds, length] = *given else { return wrong(c"pbkdf2 takes 5 arguments") };
    // SAFETY: the caller keeps its arguments alive, and nothing else runs meanwhile.
    unsafe {
        let (Some(hash), Some(password), Some(salt)) = (bytes(hash), bytes(password), bytes(salt)) else {
            return null_mut();
        };
        let (Some(rounds), Some(length)) = (number(rounds), number(length)) else { return null_mut() };
        filled(length, |key| derive::pbkdf2(hash, password, salt, rounds, key))
    }
}

unsafe extern "C" fn scrypt(_: *mut PyObject, given: *mut *mut PyObject, count: Py_ssize_t) -> *mut PyObject {
    // SAFETY: as above.
    let given = unsafe { slice::from_raw_parts(given, count as usize) };
    let [password, salt, log_n, r, p, length] = *given else { return wrong(c"scrypt takes 6 arguments") };
    // SAFETY: as above.
    unsafe {
        let (Some(password), Some(salt)) = (bytes(password), bytes(salt)) else { return null_mut() };
        let (Some(log_n), Some(r), Some(p)) = (number(log_n), number(r), number(p)) else { return null_mut() };
        let Some(length) = number(length) else { return null_mut() };
        filled(length, |key| derive::scrypt(password, salt, u8::try_from(log_n).ok()?, r, p, key))
    }
}

fn wrong(text: &core::ffi::CStr) -> *mut PyObject {
    // SAFETY: the interpreter holds its lock; the text is a static.
    unsafe { PyErr_SetString(PyExc_TypeError, text.as_ptr()) };
    null_mut()
}

/// The content of a `bytes`. `None`: it is none, and an error is set.
unsafe fn bytes<'call>(object: *mut PyObject) -> Option<&'call [u8]> {
    // SAFETY: the caller's.
    unsafe {
        let start: *mut c_char = PyBytes_AsString(object);
        if start.is_null() {
            return None;
        }
        Some(slice::from_raw_parts(start.cast(), PyBytes_Size(object) as usize))
    }
}

/// A number. `None`: it is none, or too large, and an error is set.
unsafe fn number(object: *mut PyObject) -> Option<u32> {
    // SAFETY: the caller's. An `unsigned long` has 32 bits here.
    unsafe {
        let value = PyLong_AsUnsignedLong(object);
        if (value as u32) == u32::MAX && !PyErr_Occurred().is_null() { None } else { Some(value as u32) }
    }
}

/// A `bytes` of this length, as it was filled.
unsafe fn filled(length: u32, fill: impl FnOnce(&mut [u8]) -> Option<()>) -> *mut PyObject {
    // SAFETY: nobody else knows of the object before it is returned.
    unsafe {
        let key = PyBytes_FromStringAndSize(null_mut(), length as Py_ssize_t);
        if key.is_null() {
            return key;
        }
        let content = slice::from_raw_parts_mut(PyBytes_AsString(key).cast(), length as usize);
        if fill(content).is_none() {
            Py_DecRef(key);
            PyErr_SetString(PyExc_ValueError, c"unknown hash, or parameters that are not allowed".as_ptr());
            return null_mut();
        }
        key
    }
}
