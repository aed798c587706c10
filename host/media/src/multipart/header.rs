//! Header fields with parameters: `type/subtype; key=value; key="quoted value"` (RFC 2045 §5.1).

/// The media type of a `Content-Type`, in lower case, without its parameters.
pub fn media_type(content_type: &str) -> String {
    let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    kind.trim().to_ascii_lowercase()
}

/// The boundary that a `Content-Type` names.
pub fn boundary_of(content_type: &str) -> Option<String> {
    parameter(content_type, "boundary")
}

/// A parameter of a header field, its quotes and escapes taken away.
pub(super) fn parameter(field: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = field.split_once(';')?;
    loop {
        let (key, behind) = rest.split_once('=')?;
        let (value, behind) = value(behind.trim_start());
        if key.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        (_, rest) = behind.split_once(';')?;
    }
}

/// A token or a quoted string, and what stands behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return (token.trim_end().to_owned(), rest);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, found) in quoted.char_indices() {
        match found {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, quoted.get(at + 1..).unwrap_or_default()),
            _ => {
                escaped = false;
                value.push(found);
            }
        }
    }
    (value, "")
}
