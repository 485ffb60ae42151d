//! A number inside the component, which a test changes in the file without building it anew.

/// What comes before the digits.
const PREFIX_BYTES: usize = "GUESTHOUSE-REVISION-".len();

#[used]
static MARKER: [u8; 30] = *b"GUESTHOUSE-REVISION-0000000000";

/// The number's ten digits.
pub fn digits() -> String {
    // SAFETY: a reference to a static is valid to read from. The read is volatile so that the compiler does not answer
    // with the digits that it knows.
    let marker = unsafe { core::ptr::read_volatile(&raw const MARKER) };
    String::from_utf8_lossy(&marker[PREFIX_BYTES..]).into_owned()
}
