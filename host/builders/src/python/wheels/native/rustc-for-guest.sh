#!/bin/sh
# A compiler for crates of Python packages. PyO3 before 0.27 names `std::os::wasi` in a way that only nightly compilers
# allow for wasm32-wasip2: for that crate alone the feature is switched on.
case " $* " in
*" --crate-name pyo3 "*" wasm32-wasip2 "*) RUSTC_BOOTSTRAP=1 exec "$@" "-Zcrate-attr=feature(wasip2)" ;;
*) exec "$@" ;;
esac
