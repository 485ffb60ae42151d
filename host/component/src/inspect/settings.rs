//! The custom section in which a builder writes what it knows about a component. It is found here, and not looked into.

/// It holds a few lines of text.
const SETTINGS_BYTES_MAX: usize = 4 << 10;

/// Takes in the section's content `found`, after what was found before. What is wrong is said as in "its section …".
pub fn take(known: &mut Option<Vec<u8>>, found: &[u8]) -> Result<(), String> {
    if found.len() > SETTINGS_BYTES_MAX {
        return Err(format!("has {} bytes; at most {SETTINGS_BYTES_MAX} are read", found.len()));
    }
    match known {
        Some(known) if known != found => Err("is there twice, and not the same: which one counts?".to_owned()),
        _ => {
            *known = Some(found.to_owned());
            Ok(())
        }
    }
}
