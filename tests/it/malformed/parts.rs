//! What broken components are put together from, and a source of numbers that is the same in every run.

/// What every component begins with.
pub const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// What every core module begins with.
pub const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Section of a core module within a component, and of a component.
pub const CORE_MODULE: u8 = 1;
pub const COMPONENT: u8 = 4;

/// A number as WebAssembly writes it (LEB128).
pub fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

/// A component of these sections which also exports the gateway's handler, with nothing behind it: whoever only looks at it
/// takes it for an app.
pub fn with_door(sections: &[u8]) -> Vec<u8> {
    [PREAMBLE, sections, &door("")].concat()
}

/// A component of the text `more` with the same door.
pub fn text_with_door(more: &str) -> Vec<u8> {
    [PREAMBLE, &door(more)].concat()
}

fn door(more: &str) -> Vec<u8> {
    let text =
        format!("(component {more} (instance $door) (export \"guesthouse:gateway/handler@0.1.0\" (instance $door)))");
    wat::parse_str(text).unwrap().split_off(PREAMBLE.len())
}

/// A component of the 0.2 lane with a function to call, whose module has `fields` in it, and `more` after its instance.
pub fn handler(fields: &str, more: &str) -> Vec<u8> {
    let text = format!(
        "(component
             (import \"wasi:http/types@0.2.0\" (instance $types
                 (export \"incoming-request\" (type (sub resource)))
                 (export \"response-outparam\" (type (sub resource)))))
             (alias export $types \"incoming-request\" (type $request))
             (alias export $types \"response-outparam\" (type $out))
             (core module $m (func (export \"handle\") (param i32 i32)) {fields})
             (core instance $i (instantiate $m))
             {more}
             (func $handle (param \"request\" (own $request)) (param \"response-out\" (own $out))
                 (canon lift (core func $i \"handle\")))
             (instance $door (export \"handle\" (func $handle)))
             (export \"wasi:http/incoming-handler@0.2.0\" (instance $door)))"
    );
    wat::parse_str(text).unwrap()
}

/// Where sections end, those of core modules inside included.
pub fn boundaries(component: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    walk(component, PREAMBLE.len(), component.len(), &mut found);
    found
}

fn walk(bytes: &[u8], mut at: usize, end: usize, found: &mut Vec<usize>) {
    while at < end {
        found.push(at);
        let id = bytes[at];
        let (length, content) = number(bytes, at + 1);
        if (id == CORE_MODULE || id == COMPONENT) && bytes[content..].starts_with(b"\0asm") {
            walk(bytes, content + PREAMBLE.len(), content + length, found);
        }
        at = content + length;
    }
}

/// A number, and where it ends.
fn number(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut number, mut shift) = (0, 0);
    loop {
        number |= usize::from(bytes[at] & 0x7f) << shift;
        (at, shift) = (at + 1, shift + 7);
        if bytes[at - 1] < 0x80 {
            return (number, at);
        }
    }
}

/// Numbers without a pattern, the same in every run (xorshift64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, most: usize) -> usize {
        (self.roll() % most as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll() as u8).collect()
    }
}
