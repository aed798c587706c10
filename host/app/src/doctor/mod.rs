//! `pointsman doctor`: whether this machine has what a host needs, and what to do if not.

mod ffmpeg;
mod files;
mod network;
mod ports;

use crate::config::Config;
use std::fmt;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but not as well as it could, or not everything.
    Warn,
    /// Something will not work.
    Fail,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it went.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when there is nothing to do.
    pub advice: String,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Ok,
            what,
            found: found.into(),
            advice: String::new(),
        }
    }

    fn warn(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            what,
            found: found.into(),
            advice: advice.into(),
        }
    }

    fn fail(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            what,
            found: found.into(),
            advice: advice.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        write!(f, "{verdict}  {:<16} {}", self.what, self.found)?;
        if !self.advice.is_empty() {
            write!(f, "\n      {:<16} -> {}", "", self.advice)?;
        }
        Ok(())
    }
}

/// Looks at everything. Takes about a second; changes nothing but a probe file that it removes.
pub fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = ffmpeg::examine();
    findings.extend(ports::examine(config));
    findings.extend(network::examine());
    findings.extend(files::examine(config));
    findings
}

/// Prints the report; the worst verdict decides the exit code.
pub fn report(findings: &[Finding], out: &mut impl std::io::Write) -> std::io::Result<Verdict> {
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    let count = |verdict| {
        findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let (warnings, failures) = (count(Verdict::Warn), count(Verdict::Fail));
    writeln!(out, "\n{failures} failures, {warnings} warnings")?;
    Ok(findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_verdict_and_advice_follows_its_line() {
        let findings = [
            Finding::ok("a", "fine"),
            Finding::fail("b", "broken", "mend it"),
            Finding::ok("c", ""),
        ];
        let mut out = Vec::new();
        assert_eq!(report(&findings, &mut out).unwrap(), Verdict::Fail);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("FAIL  b                broken\n"), "{text}");
        assert!(text.contains("-> mend it"), "{text}");
        assert!(text.ends_with("1 failures, 0 warnings\n"), "{text}");
    }

    #[test]
    fn every_line_that_is_not_ok_says_what_to_do() {
        for finding in examine(&Config::default()) {
            assert_eq!(
                finding.verdict == Verdict::Ok,
                finding.advice.is_empty(),
                "{finding}"
            );
        }
    }
}
