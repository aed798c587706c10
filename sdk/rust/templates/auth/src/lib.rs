//! Lets anybody read, and whoever shows the key publish.

use pointsman_sdk::auth::{Action, Auth, Request, Verdict};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    key: String,
}

struct Policy;

impl Auth for Policy {
    type Config = Config;

    /// Called when somebody comes, and again when a verdict's time to live ends.
    fn authorize(request: Request, config: Config) -> Result<Verdict, Error> {
        let shown = request.token.unwrap_or_default();
        Ok(match request.action {
            Action::Read => Verdict::allow("anybody may read"),
            Action::Publish if same(&shown, &config.key) => Verdict::allow("has the key"),
            Action::Publish => Verdict::deny("has not the key"),
            Action::Api => Verdict::deny("the API is not for peers"),
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
