//! Bytes as people look at them: offset, hexadecimal, and the letters among them.

/// How many bytes are shown; a page of them is enough to learn from.
pub const BYTES_MAX: usize = 1024;

const LINE_BYTES: usize = 16;

/// The first bytes as lines like `00000000  68 65 6c 6c 6f  |hello|`.
pub fn hex(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(BYTES_MAX)];
    let mut lines = String::new();
    for (index, line) in shown.chunks(LINE_BYTES).enumerate() {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let letters: String = line.iter().map(|byte| letter(*byte)).collect();
        let width = LINE_BYTES * 3 - 1;
        lines.push_str(&format!("{:08x}  {:width$}  |{letters}|\n", index * LINE_BYTES, hex.join(" ")));
    }
    lines
}

fn letter(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_sixteen_bytes() {
        let lines = hex(b"0123456789abcdef<\n");
        let (first, second) = lines.split_once('\n').unwrap();
        assert_eq!(first, "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|");
        assert_eq!(second.trim_end(), format!("00000010  3c 0a{}  |<.|", " ".repeat(42)));
    }

    #[test]
    fn a_long_body_is_cut() {
        assert_eq!(hex(&[0; 100_000]).lines().count(), BYTES_MAX / LINE_BYTES);
    }
}
