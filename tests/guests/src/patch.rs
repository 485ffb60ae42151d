//! A number written over the one in a component's data.

const PREFIX: &[u8] = b"GUESTHOUSE-REVISION-";
const DIGITS: usize = 10;

/// The component with another number. The length stays, so that nothing else has to change.
pub fn number(mut component: Vec<u8>, number: u32) -> Vec<u8> {
    let places: Vec<_> = component.windows(PREFIX.len()).enumerate().filter(|(_, bytes)| *bytes == PREFIX).collect();
    let [(place, _)] = places[..] else {
        panic!("the number to change stands in the component {} times", places.len());
    };
    let start = place + PREFIX.len();
    component[start..start + DIGITS].copy_from_slice(format!("{number:010}").as_bytes());
    component
}
