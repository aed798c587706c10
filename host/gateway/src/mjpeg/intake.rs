//! From a request's body to pictures, whatever form a publisher chose.

use bytes::Bytes;
use media::jpeg::{self, JpegError, Picture, Splitter};
use media::multipart::{self, MultipartError, Parser, boundary_of, media_type};

/// The field of a form that carries the picture.
const FIELD: &str = "frame";

/// What tells the form of a body that says none: a boundary's line, or SOI.
const TELLING_BYTES: usize = 80;

/// Why a body gives no pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum IntakeError {
    /// Neither multipart nor JPEG.
    #[error(
        "{0} is not taken; send image/jpeg, multipart/form-data with the field frame, or \
         multipart/x-mixed-replace"
    )]
    Form(String),
    /// `Content-Type: multipart/...` without its boundary.
    #[error("the Content-Type is multipart and names no boundary")]
    Boundary,
    /// As it says.
    #[error(transparent)]
    Multipart(#[from] MultipartError),
    /// As it says.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// It ended before its first picture.
    #[error("there is no picture in the body; a form has it in the field frame")]
    Nothing,
}

/// Takes a body apart. Holds at most one picture that is not whole yet.
pub(super) struct Intake {
    limits: jpeg::Limits,
    form: Form,
    found: u64,
}

enum Form {
    /// It said nothing of itself: its first bytes tell.
    Untold(Vec<u8>),
    Fields(Parser),
    Parts(Parser),
    Run(Splitter),
}

impl Intake {
    /// For a body of that `Content-Type`.
    pub(super) fn new(
        content_type: Option<&str>,
        limits: jpeg::Limits,
    ) -> Result<Self, IntakeError> {
        let given = content_type.unwrap_or_default();
        let form = match media_type(given).as_str() {
            "multipart/form-data" => Form::Fields(announced(given, &limits)?),
            kind if kind.starts_with("multipart/") => Form::Parts(announced(given, &limits)?),
            kind if kind.starts_with("image/") => match kind {
                "image/jpeg" | "image/jpg" | "image/pjpeg" => Form::Run(Splitter::new(limits)),
                other => return Err(IntakeError::Form(other.to_owned())),
            },
            // What curl and FFmpeg say of a body that nobody told them about.
            "" | "application/octet-stream" | "application/x-www-form-urlencoded" => {
                Form::Untold(Vec::new())
            }
            "video/x-motion-jpeg" | "video/x-mjpeg" | "video/mjpeg" => {
                Form::Run(Splitter::new(limits))
            }
            other => return Err(IntakeError::Form(other.to_owned())),
        };
        let found = 0;
        Ok(Self {
            limits,
            form,
            found,
        })
    }

    /// The most bytes that a body in this form may have, where it is to carry one picture.
    pub(super) const fn is_form(&self) -> bool {
        matches!(self.form, Form::Fields(_))
    }

    /// Takes bytes in any cut; poll until there is no picture before more is pushed.
    pub(super) fn handle_input(&mut self, data: &[u8]) -> Result<(), IntakeError> {
        match &mut self.form {
            Form::Untold(held) => {
                let room = TELLING_BYTES.saturating_sub(held.len()).min(data.len());
                let (telling, rest) = data.split_at(room);
                held.extend_from_slice(telling);
                if let Some(form) = tell(held, &self.limits)? {
                    let told = std::mem::replace(&mut self.form, form);
                    if let Form::Untold(held) = told {
                        self.handle_input(&held)?;
                    }
                    self.handle_input(rest)?;
                }
            }
            Form::Fields(parser) | Form::Parts(parser) => parser.handle_input(data),
            Form::Run(splitter) => splitter.handle_input(data),
        }
        Ok(())
    }

    /// The next whole picture; none until more comes.
    pub(super) fn poll_picture(&mut self) -> Result<Option<(Picture, Bytes)>, IntakeError> {
        let found = match &mut self.form {
            Form::Untold(_) => None,
            Form::Run(splitter) => splitter.poll_picture()?,
            Form::Fields(parser) => {
                let wanted = |part: &multipart::Part| part.name.as_deref() == Some(FIELD);
                next_part(parser, &self.limits, wanted)?
            }
            Form::Parts(parser) => {
                let wanted = |part: &multipart::Part| {
                    let kind = part.content_type.as_deref().map(media_type);
                    kind.is_none_or(|kind| kind.starts_with("image/"))
                };
                next_part(parser, &self.limits, wanted)?
            }
        };
        self.found += u64::from(found.is_some());
        Ok(found)
    }

    /// Whether a picture is under way: it may not take for ever then.
    pub(super) fn is_within(&self) -> bool {
        match &self.form {
            Form::Untold(_) => true,
            Form::Run(splitter) => !splitter.is_between(),
            Form::Fields(parser) | Form::Parts(parser) => !parser.is_between(),
        }
    }

    /// Whether more may follow the pictures that have come.
    pub(super) fn has_ended(&self) -> bool {
        match &self.form {
            Form::Fields(parser) | Form::Parts(parser) => parser.has_ended(),
            Form::Untold(_) | Form::Run(_) => false,
        }
    }

    /// To be asked when no more comes.
    pub(super) fn finish(&self) -> Result<(), IntakeError> {
        match &self.form {
            Form::Untold(_) => {}
            Form::Run(splitter) => splitter.finish()?,
            Form::Fields(parser) | Form::Parts(parser) => parser.finish()?,
        }
        match self.found {
            0 => Err(IntakeError::Nothing),
            _ => Ok(()),
        }
    }
}

fn announced(content_type: &str, limits: &jpeg::Limits) -> Result<Parser, IntakeError> {
    let boundary = boundary_of(content_type).ok_or(IntakeError::Boundary)?;
    parser(&boundary, limits)
}

fn parser(boundary: &str, limits: &jpeg::Limits) -> Result<Parser, IntakeError> {
    let limits = multipart::Limits {
        part_bytes: limits.bytes,
        ..multipart::Limits::default()
    };
    Ok(Parser::new(boundary, limits)?)
}

/// The form of a body by its first bytes; none while they do not tell.
fn tell(held: &[u8], limits: &jpeg::Limits) -> Result<Option<Form>, IntakeError> {
    let line = held.trim_ascii_start();
    if jpeg::SOI.starts_with(line) || b"--".starts_with(line) {
        return Ok(None);
    }
    if line.starts_with(&jpeg::SOI) {
        return Ok(Some(Form::Run(Splitter::new(*limits))));
    }
    let unknown = || IntakeError::Form("a body that is neither JPEG nor multipart".to_owned());
    let rest = line.strip_prefix(b"--").ok_or_else(unknown)?;
    match rest.iter().position(|&byte| byte == b'\n') {
        Some(end) => {
            let boundary = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
            Ok(Some(Form::Parts(parser(boundary.trim_end(), limits)?)))
        }
        None if held.len() >= TELLING_BYTES => Err(unknown()),
        None => Ok(None),
    }
}

fn next_part(
    parser: &mut Parser,
    limits: &jpeg::Limits,
    wanted: impl Fn(&multipart::Part) -> bool,
) -> Result<Option<(Picture, Bytes)>, IntakeError> {
    while let Some(part) = parser.poll_part()? {
        if wanted(&part) {
            let picture = jpeg::inspect(&part.body, limits)?;
            let data = part.body.slice(..picture.bytes);
            return Ok(Some((picture, data)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1x1, as FFmpeg's encoder would not make it, but whole.
    fn picture() -> Vec<u8> {
        let mut data = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0];
        data.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xFF, 0xD9]);
        data
    }

    fn pictures(kind: Option<&str>, body: &[u8], step: usize) -> Result<usize, IntakeError> {
        let mut intake = Intake::new(kind, jpeg::Limits::default())?;
        let mut found = 0;
        for piece in body.chunks(step) {
            intake.handle_input(piece)?;
            while let Some((_, data)) = intake.poll_picture()? {
                assert_eq!(data, picture());
                found += 1;
            }
        }
        intake.finish().map(|()| found)
    }

    fn part(head: &str) -> Vec<u8> {
        let mut body = format!("--b\r\n{head}\r\n\r\n").into_bytes();
        body.extend(picture());
        body.extend(b"\r\n");
        body
    }

    #[test]
    fn every_form_gives_its_pictures_wherever_reads_end() {
        let twice = |part: Vec<u8>| [part.clone(), part, b"--b--\r\n".to_vec()].concat();
        let plain = || part("Content-Type: image/jpeg");
        let field = || part("Content-Disposition: form-data; name=\"frame\"");
        let mixed = Some("multipart/x-mixed-replace;boundary=b");
        let form = Some("multipart/form-data; boundary=b");
        let run = [picture(), picture()].concat();
        for step in [1, 7, 10_000] {
            assert_eq!(pictures(mixed, &twice(plain()), step), Ok(2));
            assert_eq!(pictures(form, &twice(field()), step), Ok(2));
            assert_eq!(pictures(Some("image/jpeg"), &picture(), step), Ok(1));
            for untold in [None, Some("application/x-www-form-urlencoded")] {
                assert_eq!(pictures(untold, &run, step), Ok(2));
                assert_eq!(pictures(untold, &twice(plain()), step), Ok(2));
            }
        }
    }

    #[test]
    fn a_body_without_a_picture_says_what_is_missing() {
        let form = Some("multipart/form-data; boundary=b");
        let other = [
            part("Content-Disposition: form-data; name=\"x\""),
            b"--b--".to_vec(),
        ]
        .concat();
        assert_eq!(pictures(form, &other, 9), Err(IntakeError::Nothing));
        assert_eq!(pictures(None, b"", 9), Err(IntakeError::Nothing));
        assert_eq!(
            pictures(Some("multipart/form-data"), b"", 9),
            Err(IntakeError::Boundary)
        );
        let not = JpegError::NotJpeg;
        assert_eq!(
            pictures(Some("image/jpeg"), b"GIF89a", 2),
            Err(IntakeError::Jpeg(not))
        );
        let bytes = picture().len() - 1;
        let cut = pictures(Some("image/jpeg"), &picture()[..bytes], 3);
        assert_eq!(cut, Err(JpegError::Truncated { bytes }.into()));
        for kind in [None, Some("image/png"), Some("text/html")] {
            let body = "x".repeat(200);
            let error = pictures(kind, body.as_bytes(), 64);
            assert!(matches!(error, Err(IntakeError::Form(_))), "{kind:?}");
        }
        let long = format!("--{}", "a".repeat(200));
        assert!(pictures(None, long.as_bytes(), 1).is_err());
    }
}
