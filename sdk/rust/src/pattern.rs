//! Patterns over stream names, as the host's own configuration has them.

/// Whether the whole name fits the pattern, in which `*` stands for any run of characters,
/// slashes included.
///
/// ```
/// use pointsman_sdk::pattern::matches;
/// assert!(matches("live/*", "live/studio/cam1"));
/// assert!(!matches("live/*", "test/cam1"));
/// ```
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, mut pattern)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    // Taking the earliest place for every part but the last leaves the most for those after it.
    while let Some((part, after)) = pattern.split_once('*') {
        let Some((_, found)) = rest.split_once(part) else {
            return false;
        };
        (rest, pattern) = (found, after);
    }
    rest.ends_with(pattern)
}

/// How specific a pattern is: of all that match, the highest wins.
///
/// Literal characters count; an exact name beats any pattern of its length.
pub fn specificity(pattern: &str) -> usize {
    let stars = pattern.matches('*').count();
    (pattern.len() - stars) * 2 + usize::from(stars == 0)
}

/// Of all whose pattern matches the name, the one with the most specific pattern; of equals, the
/// first. So rules decide everywhere in Pointsman.
///
/// ```
/// let rules = [("*", 1), ("live/cam1", 2), ("live/*", 3)];
/// let rule = pointsman_sdk::pattern::most_specific(&rules, "live/cam2", |rule| rule.0);
/// assert_eq!(rule, Some(&("live/*", 3)));
/// ```
pub fn most_specific<'a, T>(
    rules: &'a [T],
    name: &str,
    pattern: impl Fn(&'a T) -> &'a str,
) -> Option<&'a T> {
    rules
        .iter()
        .filter(|rule| matches(pattern(rule), name))
        // `max_by_key` gives the last of equals, and the first is wanted.
        .rev()
        .max_by_key(|rule| specificity(pattern(rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_slashes_included() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "live/a"),
            ("live/*", "live/a/b"),
            ("*/cam*", "studio/cam1"),
            ("a*b*c", "axxbxbc"),
            ("live/cam1", "live/cam1"),
        ] {
            assert!(matches(pattern, name), "{pattern} should match {name}");
        }
    }

    #[test]
    fn what_lies_outside_the_stars_must_be_there() {
        for (pattern, name) in [
            ("live/*", "live"),
            ("*cam1", "cam12"),
            ("a*b*c", "acb"),
            ("ab*ba", "aba"),
            ("", "a"),
            ("live/cam1", "live/cam11"),
        ] {
            assert!(!matches(pattern, name), "{pattern} should not match {name}");
        }
    }

    #[test]
    fn an_exact_name_beats_a_pattern_and_more_letters_beat_fewer() {
        assert!(specificity("live/cam1") > specificity("live/cam1*"));
        assert!(specificity("live/cam*") > specificity("live/*"));
        assert!(specificity("live/*") > specificity("*"));
    }
    #[test]
    fn of_equally_specific_patterns_the_first_decides() {
        let rules = [("*", 0), ("live/*", 1), ("*live/", 2), ("live/*", 3)];
        assert_eq!(
            most_specific(&rules, "live/a", |it| it.0),
            Some(&("live/*", 1))
        );
        assert_eq!(most_specific(&rules[1..], "test", |it| it.0), None);
    }
}
