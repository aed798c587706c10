//! Lets everybody watch, and publishers in with a key.

use pointsman_sdk::auth::{Action, Auth, Request, Verdict};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    keys: Vec<String>,
}

struct Policy;

impl Auth for Policy {
    type Config = Config;

    /// Called when somebody comes, and again when a verdict's time to live ends.
    fn authorize(request: Request, config: Config) -> Result<Verdict, Error> {
        let shown = request.token.unwrap_or_default();
        Ok(match request.action {
            Action::Read => Verdict::allow("everybody may watch"),
            _ if config.keys.iter().any(|key| same(&shown, key)) => Verdict {
                ttl_ms: Some(60_000),
                ..Verdict::allow("a valid key")
            },
            _ => Verdict::deny("no valid key"),
        })
    }
}

/// Compares without telling by its duration where the first difference is.
fn same(shown: &str, key: &str) -> bool {
    let differences = shown
        .bytes()
        .zip(key.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == key.len() && differences == 0
}

export!(Policy, kinds: [auth], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::Policy>("fixtures");
    }
}
