//! The parts of a body, cut out of it in whatever pieces it comes.

use super::header::parameter;
use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memmem};

/// Longest boundary (RFC 2046 §5.1.1), and room for the dashes that some announce with it.
const MAX_BOUNDARY_BYTES: usize = 72;

/// No more room than this is made on a sender's word alone.
const TRUSTED_BYTES: usize = 1 << 20;

/// What a body may have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one part's body.
    pub part_bytes: usize,
    /// Bytes of a part's headers, and of whatever stands between parts.
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            part_bytes: 10 << 20,
            head_bytes: 8 << 10,
        }
    }
}

/// One part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// `name` of its `Content-Disposition` (RFC 7578 §4.2).
    pub name: Option<String>,
    /// Its `Content-Type`, as it was sent.
    pub content_type: Option<String>,
    /// What it carries.
    pub body: Bytes,
}

/// Why a body cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// Empty, too long, or with characters that no line can have.
    #[error("the boundary is not one of 1 to 70 printable characters")]
    BadBoundary,
    /// Nothing that looks like the boundary where one has to be.
    #[error("no boundary --{boundary} {place}")]
    NoBoundary {
        /// As announced.
        boundary: String,
        /// Where it was looked for.
        place: &'static str,
    },
    /// Headers beyond [`Limits::head_bytes`].
    #[error("the headers of a part have more than {limit} bytes")]
    HeadTooLong {
        /// As [`Limits::head_bytes`].
        limit: usize,
    },
    /// `Content-Length` is no number, or there are two that differ.
    #[error("the Content-Length of a part is not one number")]
    BadLength,
    /// A body beyond [`Limits::part_bytes`].
    #[error("a part has more than the {limit} bytes allowed")]
    PartTooLong {
        /// As [`Limits::part_bytes`].
        limit: usize,
    },
    /// The body ended within a part.
    #[error("the body ends within a part: its closing boundary is missing")]
    Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    /// Behind a delimiter: the end of its line, or the dashes that end it all.
    Delimiter,
    Head,
    /// Of known length.
    Measured(usize),
    /// Up to the next delimiter; bytes up to here were searched.
    Open {
        searched: usize,
    },
    /// Behind a body of known length, before its delimiter.
    Between,
    Ended,
}

/// Takes a body apart. Holds at most one part that is not whole yet, and what was pushed behind it.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    boundary: String,
    /// As the sender writes it, dashes included.
    delimiter: Vec<u8>,
    held: BytesMut,
    state: State,
    head: Head,
    failed: Option<MultipartError>,
}

#[derive(Debug, Default)]
struct Head {
    part: Part,
    length: Option<usize>,
    bytes: usize,
}

impl Parser {
    /// For a body with this boundary.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn new(boundary: &str, limits: Limits) -> Result<Self, MultipartError> {
        let printable = boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES || !printable {
            return Err(MultipartError::BadBoundary);
        }
        Ok(Self {
            limits,
            boundary: boundary.to_owned(),
            delimiter: format!("--{boundary}").into_bytes(),
            held: BytesMut::new(),
            state: State::Preamble,
            head: Head::default(),
            failed: None,
        })
    }

    /// Takes bytes in any cut; [`Parser::poll_part`] gives what they complete. Poll until there
    /// is none before more is pushed, and no more than one part is ever held.
    pub fn handle_input(&mut self, data: &[u8]) {
        if self.state != State::Ended && self.failed.is_none() {
            self.held.extend_from_slice(data);
        }
    }

    /// The next whole part; none until more comes, or where the body has ended.
    ///
    /// A part with a `Content-Length` is whole with its last byte, any other only with the
    /// delimiter behind it.
    ///
    /// # Errors
    /// When the body makes no sense, from then on.
    pub fn poll_part(&mut self) -> Result<Option<Part>, MultipartError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.advance().inspect_err(|error| {
            self.failed = Some(error.clone());
            self.held = BytesMut::new();
        })
    }

    /// Whether the closing delimiter has come.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it stands between two parts, or before the first, with nothing of the next.
    pub fn is_between(&self) -> bool {
        match self.state {
            State::Ended => true,
            State::Preamble | State::Between | State::Delimiter => self.held.is_empty(),
            State::Head => self.held.is_empty() && self.head.bytes == 0,
            State::Measured(_) | State::Open { .. } => false,
        }
    }

    /// To be asked when no more comes.
    ///
    /// # Errors
    /// When the body ended within a part. One that ends between parts has lost nothing.
    pub fn finish(&self) -> Result<(), MultipartError> {
        match self.state {
            State::Preamble => Err(self.no_boundary("in the body")),
            State::Between | State::Delimiter => Ok(()),
            _ if self.is_between() => Ok(()),
            _ => Err(MultipartError::Unfinished),
        }
    }

    fn advance(&mut self) -> Result<Option<Part>, MultipartError> {
        loop {
            let went_on = match self.state {
                State::Preamble => self.preamble()?,
                State::Delimiter => self.delimiter_line()?,
                State::Head => self.head_line()?,
                State::Between => self.between()?,
                State::Measured(length) if self.held.len() >= length => {
                    self.state = State::Between;
                    return Ok(Some(self.part(length)));
                }
                State::Measured(_) => false,
                State::Open { searched } => match self.open(searched)? {
                    Some(part) => return Ok(Some(part)),
                    None => false,
                },
                State::Ended => {
                    self.held = BytesMut::new();
                    false
                }
            };
            if !went_on {
                return Ok(None);
            }
        }
    }

    /// To behind the first delimiter, which settles how the sender writes it.
    fn preamble(&mut self) -> Result<bool, MultipartError> {
        let boundary = self.boundary.as_bytes();
        for at in memmem::find_iter(&self.held, boundary) {
            let before = self.held.get(..at).unwrap_or_default();
            let dashed = before.ends_with(b"--");
            if !dashed && !boundary.starts_with(b"--") {
                continue;
            }
            let end = at + boundary.len();
            if end > self.limits.head_bytes {
                break;
            }
            if !dashed {
                self.delimiter = boundary.to_vec();
            }
            self.held.advance(end);
            self.state = State::Delimiter;
            return Ok(true);
        }
        match self.held.len() > self.limits.head_bytes {
            true => Err(self.no_boundary("at the start of the body")),
            false => Ok(false),
        }
    }

    fn delimiter_line(&mut self) -> Result<bool, MultipartError> {
        if self.held.starts_with(b"--") {
            self.state = State::Ended;
            return Ok(true);
        }
        let Some(end) = memchr(b'\n', &self.held) else {
            return self.within_head(self.held.len());
        };
        self.within_head(end)?;
        // Nothing but white space may follow (RFC 2046 §5.1.1, transport padding).
        let line = self.held.get(..end).unwrap_or_default();
        if !line.iter().all(|byte| b" \t\r".contains(byte)) {
            return Err(self.no_boundary("on a line of its own"));
        }
        self.held.advance(end + 1);
        (self.state, self.head) = (State::Head, Head::default());
        Ok(true)
    }

    fn head_line(&mut self) -> Result<bool, MultipartError> {
        let Some(end) = memchr(b'\n', &self.held) else {
            return self.within_head(self.head.bytes + self.held.len());
        };
        let line = self.held.split_to(end + 1);
        self.head.bytes += line.len();
        self.within_head(self.head.bytes)?;
        let line = line.trim_ascii();
        if line.is_empty() {
            self.state = self.body_ahead()?;
        } else {
            self.head.take(&String::from_utf8_lossy(line))?;
        }
        Ok(true)
    }

    /// `Ok(false)`, "no further yet", while a head is within its limit.
    const fn within_head(&self, bytes: usize) -> Result<bool, MultipartError> {
        let limit = self.limits.head_bytes;
        match bytes > limit {
            true => Err(MultipartError::HeadTooLong { limit }),
            false => Ok(false),
        }
    }

    /// Checked before any of the body is held.
    fn body_ahead(&mut self) -> Result<State, MultipartError> {
        let limit = self.limits.part_bytes;
        match self.head.length {
            Some(length) if length > limit => Err(MultipartError::PartTooLong { limit }),
            Some(length) => {
                let missing = length.saturating_sub(self.held.len());
                self.held.reserve(missing.min(TRUSTED_BYTES));
                Ok(State::Measured(length))
            }
            None => Ok(State::Open { searched: 0 }),
        }
    }

    fn open(&mut self, searched: usize) -> Result<Option<Part>, MultipartError> {
        let mut from = searched;
        while let Some(found) = self.find_delimiter(from) {
            let before = self.held.get(..found).unwrap_or_default();
            // A delimiter begins a line, whose line end belongs to it (RFC 2046 §5.1.1).
            let length = match before {
                [] => Some(0),
                [.., b'\r', b'\n'] => Some(found - 2),
                [.., b'\n'] => Some(found - 1),
                _ => None,
            };
            if let Some(length) = length {
                if length > self.limits.part_bytes {
                    break;
                }
                self.state = State::Delimiter;
                let part = self.part(length);
                self.held.advance(found - length + self.delimiter.len());
                return Ok(Some(part));
            }
            from = found + 1;
        }
        // The start of a delimiter may be there already.
        let tail = self.delimiter.len() + 2;
        let searched = self.held.len().saturating_sub(tail);
        self.state = State::Open { searched };
        match self.held.len() > self.limits.part_bytes.saturating_add(tail) {
            true => Err(MultipartError::PartTooLong {
                limit: self.limits.part_bytes,
            }),
            false => Ok(None),
        }
    }

    fn find_delimiter(&self, from: usize) -> Option<usize> {
        let rest = self.held.get(from..)?;
        memmem::find(rest, &self.delimiter).map(|at| from + at)
    }

    fn between(&mut self) -> Result<bool, MultipartError> {
        let ends = self.held.iter().take_while(|byte| b"\r\n".contains(byte));
        let ends = ends.count();
        let rest = self.held.get(ends..).unwrap_or_default();
        self.within_head(ends)?;
        if rest.starts_with(&self.delimiter) {
            self.held.advance(ends + self.delimiter.len());
            self.state = State::Delimiter;
            return Ok(true);
        }
        if !self.delimiter.starts_with(rest) {
            return Err(
                self.no_boundary("behind a part of the length that its Content-Length says")
            );
        }
        Ok(false)
    }

    fn part(&mut self, length: usize) -> Part {
        let body = self.held.split_to(length).freeze();
        let part = std::mem::take(&mut self.head).part;
        Part { body, ..part }
    }

    fn no_boundary(&self, place: &'static str) -> MultipartError {
        MultipartError::NoBoundary {
            boundary: self.boundary.clone(),
            place,
        }
    }
}

impl Head {
    fn take(&mut self, line: &str) -> Result<(), MultipartError> {
        let Some((key, value)) = line.split_once(':') else {
            return Ok(());
        };
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("content-length") {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let length = value.parse().ok().filter(|_| digits);
            let length = length.ok_or(MultipartError::BadLength)?;
            if self
                .length
                .replace(length)
                .is_some_and(|before| before != length)
            {
                return Err(MultipartError::BadLength);
            }
        } else if key.eq_ignore_ascii_case("content-type") {
            self.part.content_type = Some(value.to_owned());
        } else if key.eq_ignore_ascii_case("content-disposition") {
            self.part.name = parameter(value, "name");
        }
        Ok(())
    }
}
