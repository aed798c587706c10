//! What an uploaded file is called: its title as its sender wrote it, and a name that is harmless
//! wherever it is written.

use crate::error::Error;
use crate::settings::Settings;

/// A title has at most so many characters.
const TITLE_CHARS: usize = 200;

/// A name has at most so many bytes before its ending, and before a number is put behind it.
const STEM_BYTES: usize = 120;

/// A name nothing is left of.
const NAMELESS: &str = "video";

/// What an uploaded file is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    /// What people read: in any script, on one line.
    pub(crate) title: String,
    /// Letters and digits of any script, `_` and `-`; never begins with `-`.
    pub(crate) stem: String,
    /// One of [`Settings::extensions`].
    pub(crate) extension: String,
}

impl Naming {
    /// By the name that the file has at its sender's, and the title given, if one is.
    ///
    /// # Errors
    /// It does not end like a video's.
    pub(crate) fn of(sent: &str, title: Option<&str>, settings: &Settings) -> Result<Self, Error> {
        let own = sent.rsplit(['/', '\\']).next().unwrap_or(sent);
        let (stem, extension) = own.rsplit_once('.').unwrap_or((own, ""));
        if !settings.knows(extension) {
            return Err(Error::Extension {
                name: own
                    .chars()
                    .rev()
                    .take(40)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect(),
                known: settings.extensions.join(", "),
            });
        }
        let safe = safe(stem);
        let titles = [title.unwrap_or_default(), stem, &safe];
        let titles = titles.map(readable);
        let title = titles.into_iter().find(|title| !title.is_empty());
        Ok(Self {
            title: title.unwrap_or_default(),
            stem: safe,
            extension: extension.to_ascii_lowercase(),
        })
    }

    /// `a.mp4`, `a-2.mp4`, `a-3.mp4`, ...
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        /// Files of one name that are told apart by a number.
        const MOST_NUMBERED: u32 = 10_000;
        let (stem, extension) = (&self.stem, &self.extension);
        let numbered = (2..=MOST_NUMBERED).map(move |n| format!("{stem}-{n}.{extension}"));
        std::iter::once(format!("{stem}.{extension}")).chain(numbered)
    }
}

/// Letters and digits stay; every run of anything else becomes one `-`.
fn safe(stem: &str) -> String {
    let mut safe = String::new();
    for c in stem.chars() {
        if safe.len() + c.len_utf8() > STEM_BYTES {
            break;
        }
        match c {
            // Accents that stand for themselves, as macOS writes them.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_alphanumeric() || c == '_' => safe.push(c),
            _ if safe.is_empty() || safe.ends_with('-') => {}
            _ => safe.push('-'),
        }
    }
    let safe = safe.trim_end_matches('-');
    match safe.is_empty() {
        true => NAMELESS.to_owned(),
        false => safe.to_owned(),
    }
}

/// On one line, and in the order in which it is written: controls and what turns the direction of
/// text around (Unicode TR 9 §2) are left out.
pub(crate) fn readable(title: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = title
        .chars()
        .filter(|&c| !turns(c))
        .map(|c| if c.is_control() { ' ' } else { c });
    let plain: String = plain.collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(TITLE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(sent: &str) -> Naming {
        Naming::of(sent, None, &Settings::default()).unwrap()
    }

    #[test]
    fn names_do_no_harm_and_titles_stay_as_they_were_written() {
        for (sent, name, title) in [
            ("Opening night.MP4", "Opening-night.mp4", "Opening night"),
            ("../../etc/passwd.mp4", "passwd.mp4", "passwd"),
            (r"C:\fakepath\clip.mov", "clip.mov", "clip"),
            ("-i.mp4", "i.mp4", "-i"),
            ("--.mp4", "video.mp4", "--"),
            ("..mp4", "video.mp4", "."),
            (".mp4", "video.mp4", "video"),
            (".hidden.mp4", "hidden.mp4", ".hidden"),
            ("concat:a.ts|b.ts", "concat-a-ts-b.ts", "concat:a.ts|b"),
            ("a'b\"c`$(x)`.mkv", "a-b-c-x.mkv", "a'b\"c`$(x)`"),
            ("two\nlines\r\0.webm", "two-lines.webm", "two lines"),
            ("%2e%2e%2fx.mp4", "2e-2e-2fx.mp4", "%2e%2e%2fx"),
            ("開幕式 第1部.mp4", "開幕式-第1部.mp4", "開幕式 第1部"),
            ("cafe\u{301}.mp4", "cafe.mp4", "cafe\u{301}"),
            ("\u{202e}4pm.exe.mp4", "4pm-exe.mp4", "4pm.exe"),
        ] {
            let naming = naming(sent);
            assert_eq!(naming.names().next().unwrap(), name, "{sent:?}");
            assert_eq!(naming.title, title, "{sent:?}");
        }
        let long = naming(&format!("{}.mp4", "語".repeat(300)));
        assert_eq!(long.stem.len(), STEM_BYTES);
        assert_eq!(long.title.chars().count(), TITLE_CHARS);
        assert_eq!(naming("a.mp4").names().nth(2).unwrap(), "a-3.mp4");
    }

    #[test]
    fn a_title_given_wins_and_other_endings_are_refused() {
        let named = Naming::of("a.mp4", Some("  The\tday  "), &Settings::default()).unwrap();
        assert_eq!(named.title, "The day");
        for other in ["a.m3u8", "a.mp4.exe", "mp4", "", "a.", "a.mp4/", "a.mp4 "] {
            let refused = Naming::of(other, None, &Settings::default());
            assert!(matches!(refused, Err(Error::Extension { .. })), "{other:?}");
        }
    }
}
