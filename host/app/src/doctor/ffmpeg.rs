//! FFmpeg and the codecs that the demo and the stages need.

use super::Finding;
use std::process::Command;

/// Oldest release that the argument lists are tried with.
const OLDEST: u32 = 5;

const INSTALL: &str = "install it: apt-get install ffmpeg; only `pointsman demo` needs it today";

pub(super) fn examine() -> Vec<Finding> {
    let Some(version) = output(&["-version"]) else {
        return vec![Finding::fail("ffmpeg", "not found in PATH", INSTALL)];
    };
    let mut findings = vec![version_finding(&version)];
    let lists = [
        ("encoders", "-encoders", &["libx264", "aac"][..]),
        ("decoders", "-decoders", &["h264", "hevc", "aac"][..]),
        ("filters", "-filters", &["testsrc2", "sine"][..]),
        ("protocols", "-protocols", &["udp"][..]),
    ];
    for (what, option, needed) in lists {
        let listed = output(&["-hide_banner", option]).unwrap_or_default();
        findings.push(listed_finding(what, &listed, needed));
    }
    let filters = output(&["-hide_banner", "-filters"]).unwrap_or_default();
    if !missing(&filters, &["drawtext"]).is_empty() {
        let advice = "the demo runs without a clock; install an ffmpeg built with libfreetype";
        findings.push(Finding::warn("ffmpeg clock", "no drawtext filter", advice));
    }
    findings
}

fn output(arguments: &[&str]) -> Option<String> {
    let output = Command::new("ffmpeg").args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn version_finding(text: &str) -> Finding {
    let version = text
        .split_whitespace()
        .nth(2)
        .unwrap_or("of unknown version");
    // Builds from git call themselves N-12345; they are newer than any release.
    match version
        .split(['.', '-'])
        .next()
        .and_then(|major| major.parse::<u32>().ok())
    {
        Some(major) if major < OLDEST => {
            let advice = format!("untried; install {OLDEST}.0 or newer");
            Finding::warn("ffmpeg", version, advice)
        }
        _ => Finding::ok("ffmpeg", version),
    }
}

fn listed_finding(what: &'static str, listed: &str, needed: &[&str]) -> Finding {
    let missing = missing(listed, needed);
    if missing.is_empty() {
        return Finding::ok(what, needed.join(", "));
    }
    let advice = "install a full build of ffmpeg (Debian: ffmpeg; Fedora: from RPM Fusion)";
    Finding::fail(what, format!("ffmpeg lacks {}", missing.join(", ")), advice)
}

/// Needed names that are no word of the list.
fn missing<'a>(listed: &str, needed: &[&'a str]) -> Vec<&'a str> {
    let has = |name: &str| listed.split_whitespace().any(|word| word == name);
    needed.iter().filter(|name| !has(name)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn versions_of_releases_distributions_and_git_builds_are_understood() {
        let cases = [
            (
                "ffmpeg version 5.1.9-0+deb12u1 Copyright (c)",
                Verdict::Ok,
                "5.1.9-0+deb12u1",
            ),
            ("ffmpeg version 4.4.2 Copyright", Verdict::Warn, "4.4.2"),
            (
                "ffmpeg version N-112233-gabc Copyright",
                Verdict::Ok,
                "N-112233-gabc",
            ),
            ("nonsense", Verdict::Ok, "of unknown version"),
        ];
        for (text, verdict, found) in cases {
            let finding = version_finding(text);
            assert_eq!((finding.verdict, finding.found.as_str()), (verdict, found));
        }
    }

    #[test]
    fn a_codec_is_found_as_a_word_not_as_part_of_one() {
        let listed = " V....D libx264rgb  x\n A....D aac  AAC\n";
        assert_eq!(missing(listed, &["libx264", "aac"]), ["libx264"]);
    }
}
