//! What came over an HTTP/1 connection, taken apart into answers. Strict: what it cannot read is an error.

/// One answer, also an interim one.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The head's lines after the first, in lower case.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// All values of a field.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The only value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        match self.values(name).as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Whether more answers to the same request follow.
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }
}

/// Reads all answers up to the connection's end. `is_head`: the first request was one, so its answer has no body.
pub fn answers(mut bytes: &[u8], is_head: bool) -> Result<Vec<Answer>, String> {
    let mut found: Vec<Answer> = Vec::new();
    while !bytes.is_empty() {
        let is_first = found.iter().all(Answer::is_interim);
        let (answer, rest) = one(bytes, is_head && is_first)?;
        found.push(answer);
        bytes = rest;
    }
    Ok(found)
}

fn one(bytes: &[u8], is_head: bool) -> Result<(Answer, &[u8]), String> {
    let (head, rest) = split(bytes, b"\r\n\r\n").ok_or_else(|| format!("a head breaks off: {}", shown(bytes)))?;
    let head = str::from_utf8(head).map_err(|_| format!("a head is not ASCII: {}", shown(head)))?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(|| format!("no status: {first:?}"))?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("not a field: {line:?}"))?;
        Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let fields = lines.map(field).collect::<Result<_, String>>()?;
    let mut answer = Answer { status, fields, body: Vec::new() };
    let has_no_body = is_head || answer.is_interim() || matches!(status, 204 | 304);
    let rest = if has_no_body { rest } else { body(&mut answer, rest)? };
    Ok((answer, rest))
}

/// RFC 9112 section 6.3, as a reader that trusts nobody.
fn body<'b>(answer: &mut Answer, bytes: &'b [u8]) -> Result<&'b [u8], String> {
    let (length, coding) = (answer.value("content-length"), answer.value("transfer-encoding"));
    match (length, coding) {
        (Some(length), None) => {
            let length: usize = length.parse().map_err(|_| format!("a length of {length:?}"))?;
            let (body, rest) = bytes.split_at_checked(length).ok_or("a body breaks off")?;
            answer.body = body.to_vec();
            Ok(rest)
        }
        (None, Some("chunked")) => chunked(answer, bytes),
        (None, None) => {
            answer.body = bytes.to_vec();
            Ok(&[])
        }
        other => Err(format!("framed by {other:?}")),
    }
}

fn chunked<'b>(answer: &mut Answer, mut bytes: &'b [u8]) -> Result<&'b [u8], String> {
    loop {
        let (size, rest) = split(bytes, b"\r\n").ok_or("a chunk's size breaks off")?;
        let size = str::from_utf8(size).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or("a chunk has no size")?;
        let (chunk, rest) = rest.split_at_checked(size).ok_or("a chunk breaks off")?;
        bytes = rest.strip_prefix(b"\r\n").ok_or("a chunk does not end")?;
        answer.body.extend_from_slice(chunk);
        if size == 0 {
            return Ok(bytes);
        }
    }
}

fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(200)].escape_ascii().to_string()
}
