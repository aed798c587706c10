//! Who may do what, as the host starts; and without a host, for the first key.

use super::roll::Ledger;
use super::{claim, store};
use crate::config::{Config, variable_of};
use ::store::Writer;
use anyhow::{Context, bail};
use control::Access;
use control::access::Standing;
use std::fs::File;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Reads who is known. If that cannot be done now it is done later, and nobody can change
/// anything until then.
pub(super) async fn open(config: &Config, store: &::store::Store) -> Access {
    let ledger = Ledger::new(store.clone(), &config.audit);
    let access = Access::new(Some(Arc::new(ledger)));
    if let Err(error) = access.look().await {
        tracing::warn!(
            error,
            "keys and users cannot be read: requests from elsewhere are refused until they can, \
             and those from this machine may only look"
        );
    }
    access
}

/// Refuses to listen where everybody reaches the API while nobody could be told from a stranger.
///
/// # Errors
/// It says how to make a key.
pub(super) fn check(config: &Config, access: &Access) -> anyhow::Result<()> {
    let listen = config.api.listen;
    if listen.ip().is_loopback() || access.standing() != Standing::Nobody {
        return Ok(());
    }
    bail!(
        "the API shall listen on {listen}, where others reach it, and there is no key to tell them \
         apart by. Make one first, with the same --config or --database-url: `pointsman key add \
         NAME --role admin --offline`; it is shown once, and keys travel safely over TLS only. Or \
         listen on this machine only: api.listen = \"127.0.0.1:{port}\" in the configuration, or \
         {variable}",
        port = listen.port(),
        variable = variable_of("api.listen"),
    )
}

/// Who is known, without a host that runs.
pub(crate) struct Offline {
    pub(crate) access: Access,
    writer: Writer,
    _claim: Option<File>,
}

impl Offline {
    /// Opens the database that a host of this configuration would.
    ///
    /// # Errors
    /// A host uses it, or it cannot be read.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let folder = &config.data_dir;
        tokio::fs::create_dir_all(folder)
            .await
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let running = "a host that runs is asked over its API: leave out --offline";
        let claim = claim::claim(folder).context(running)?;
        let (store, writer) = store::open(config).await.context(running)?;
        let ledger = Ledger::new(store, &config.audit);
        let access = Access::new(Some(Arc::new(ledger)));
        let read = access.look().await.map_err(anyhow::Error::msg);
        read.context("keys and users cannot be read")?;
        Ok(Self {
            access,
            writer,
            _claim: claim,
        })
    }

    /// Closes the database.
    pub(crate) async fn close(self) {
        let stop = CancellationToken::new();
        stop.cancel();
        self.writer.run(stop).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_wide_listener_without_a_key_is_refused_with_the_way_out() {
        let mut config = Config::default();
        let nobody = Access::default();
        assert!(check(&config, &nobody).is_ok());
        for wide in ["0.0.0.0:8080", "[::]:8080", "192.0.2.7:80"] {
            config.api.listen = wide.parse().unwrap();
            let told = check(&config, &nobody).unwrap_err().to_string();
            assert!(told.contains("pointsman key add"), "{told}");
            assert!(told.contains("POINTSMAN_API_LISTEN"), "{told}");
        }
    }
}
