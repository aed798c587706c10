//! What a player may ask of a playlist: delivery directives (draft-pantos-hls-rfc8216bis-17
//! §6.2.5).

use media::cmaf::Window;

/// All names of directives begin with it; they are not for what a playlist names.
const RESERVED: &str = "_HLS_";

/// The directives of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Directives {
    /// Not before this segment is there, or this part of it.
    pub(super) block: Option<(u64, Option<usize>)>,
    /// Without the segments that the player knows.
    pub(super) skip: bool,
}

/// A directive that makes no sense, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DirectiveError {
    /// Not a number.
    #[error("{0} is to be a decimal number")]
    NotANumber(&'static str),
    /// A part of no segment.
    #[error("_HLS_part needs _HLS_msn beside it")]
    PartAlone,
    /// It would take too long.
    #[error("segment {wanted} is too far ahead; the newest is {newest}")]
    TooFarAhead {
        /// Asked for.
        wanted: u64,
        /// Listed.
        newest: u64,
    },
}

impl Directives {
    pub(super) fn parse(query: &str) -> Result<Self, DirectiveError> {
        let (mut sequence, mut part, mut skip) = (None, None, false);
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "_HLS_msn" => sequence = Some(number("_HLS_msn", &value)?),
                "_HLS_part" => part = Some(number("_HLS_part", &value)?),
                "_HLS_skip" => skip = matches!(value.as_ref(), "YES" | "v2"),
                _ => {}
            }
        }
        let part = part.map(|part| usize::try_from(part).unwrap_or(usize::MAX));
        let block = match (sequence, part) {
            (Some(sequence), part) => Some((sequence, part)),
            (None, Some(_)) => return Err(DirectiveError::PartAlone),
            (None, None) => None,
        };
        Ok(Self { block, skip })
    }

    /// Whether what is waited for may come soon: at most two segments ahead, and not more parts
    /// ahead than last three seconds (three parts, if those are long).
    pub(super) fn check(&self, window: &Window) -> Result<(), DirectiveError> {
        let Some((wanted, part)) = self.block else {
            return Ok(());
        };
        if window.has_ended() || window.has(wanted, part) {
            return Ok(());
        }
        let newest = window.next_sequence().saturating_sub(1);
        let part_s = window.part_target().as_secs_f64().clamp(0.01, 1.0);
        let ahead = (3.0 / part_s).ceil() as usize;
        let there = match window.last_part() {
            Some((sequence, last)) if sequence == wanted => last,
            _ => 0,
        };
        let far = wanted > newest.saturating_add(2);
        if far || part.is_some_and(|part| part > there.saturating_add(ahead)) {
            return Err(DirectiveError::TooFarAhead { wanted, newest });
        }
        Ok(())
    }
}

fn number(what: &'static str, value: &str) -> Result<u64, DirectiveError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or(DirectiveError::NotANumber(what))
}

/// The query without directives: what shows who asks.
pub(super) fn without_directives(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.starts_with(RESERVED));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_and_nonsense_is_named() {
        let parse = Directives::parse;
        let block = |sequence, part| Directives {
            block: Some((sequence, part)),
            skip: false,
        };
        assert_eq!(parse("token=x"), Ok(Directives::default()));
        assert_eq!(parse("_HLS_msn=7&token=x"), Ok(block(7, None)));
        assert_eq!(parse("_HLS_part=3&_HLS_msn=7"), Ok(block(7, Some(3))));
        assert!(parse("_HLS_skip=YES").is_ok_and(|it| it.skip));
        assert_eq!(parse("_HLS_part=3"), Err(DirectiveError::PartAlone));
        for odd in ["", "-1", "+1", "x", "99999999999999999999"] {
            let query = format!("_HLS_msn={odd}");
            assert_eq!(
                parse(&query),
                Err(DirectiveError::NotANumber("_HLS_msn")),
                "{odd}"
            );
        }
    }

    #[test]
    fn credentials_are_handed_on_and_directives_are_not() {
        assert_eq!(
            without_directives("_HLS_msn=7&token=a%20b&_HLS_part=1&u"),
            "token=a%20b&u"
        );
        assert_eq!(without_directives("_HLS_skip=YES"), "");
    }
}
