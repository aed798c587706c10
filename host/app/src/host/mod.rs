//! A running host: every part of it, in the order in which it starts and stops.

mod claim;
mod listeners;
mod plugins;
mod signals;
mod store;
mod wanted;

use crate::config::Config;
use crate::{log, sys};
use anyhow::Context;
use control::{Control, ControlHandle};
use hub::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// All has to have ended within this after the first signal.
const SHUTDOWN: Duration = Duration::from_millis(2_700);

/// What `demo` adds to a host.
#[derive(Default)]
pub struct Extras {
    /// Called once everything listens.
    pub ready: Option<Box<dyn FnOnce() + Send>>,
}

/// Runs a host until a signal, or until something it cannot do without fails.
///
/// # Errors
/// A port in use, a document at fault, a plugin plane that does not come up.
pub async fn run(config: Config, extras: Extras) -> anyhow::Result<()> {
    let mut host = Host::new(&config);
    let stop = host.stop.clone();
    let started = tokio::select! {
        started = host.start(&config, extras) => started,
        () = stop.cancelled() => Ok(()),
    };
    let result = match started {
        Ok(()) => host.until_stopped().await,
        Err(error) => Err(error),
    };
    if tokio::time::timeout(SHUTDOWN, host.shut_down())
        .await
        .is_err()
    {
        tracing::error!("not everything stopped in time; what is left ends with this process");
    }
    result
}

/// The parts of a host, as they are there.
struct Host {
    /// Ends everything.
    stop: CancellationToken,
    registry: Registry,
    gateways: gateway::Context,
    control: Option<ControlHandle>,
    /// Ends the database, after everything that writes to it.
    store_stop: CancellationToken,
    /// On `data_dir`.
    claim: Option<std::fs::File>,
    /// What runs until `stop`: the actor, the listeners, the watchers.
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Host {
    fn new(config: &Config) -> Self {
        let stop = CancellationToken::new();
        let registry = Registry::new(hub::Settings::default());
        let settings = gateway::context::Settings {
            egress: config.egress.clone(),
            media: Some(config.media.dir.clone()),
            utc_offset_minutes: Some(sys::utc_offset_minutes),
        };
        let gateways =
            gateway::Context::with_settings(registry.clone(), stop.child_token(), settings);
        Self {
            stop,
            registry,
            gateways,
            control: None,
            store_stop: CancellationToken::new(),
            claim: None,
            tasks: JoinSet::new(),
        }
    }

    async fn start(&mut self, config: &Config, extras: Extras) -> anyhow::Result<()> {
        self.spawn(signals::watch(self.stop.clone()));
        // If this fails, so does what follows, which says it better.
        let _ = tokio::fs::create_dir_all(&config.data_dir).await;
        self.claim = claim::claim(&config.data_dir)?;
        let http = listeners::bind(config).await?;

        let (store, writer) = store::open(config).await?;
        let store_stop = self.store_stop.clone();
        self.spawn(async move {
            writer.run(store_stop).await;
            Ok(())
        });
        let keeper = Arc::new(store::Cupboard(store.clone()));
        let plugins = plugins::open(config, keeper).await?;
        let cabinet = wanted::Cabinet::new(store.clone(), config.site());
        let settings = control::Settings {
            rules: config.rules(),
            archive: Some(cabinet.clone()),
            utc_offset_minutes: sys::utc_offset_minutes,
            decisions: control::decide::Settings {
                keep_secrets: config.decisions.keep_secrets,
                history: store::history(config, &store),
                ..control::decide::Settings::default()
            },
            install_from: config.plugins.install_from.clone(),
            recent_errors: log::recent_errors(),
            ..control::Settings::default()
        };
        let (actor, control) = Control::new(
            self.registry.clone(),
            self.gateways.clone(),
            plugins.clone(),
            settings,
        );
        self.control = Some(control.clone());
        self.spawn(async move {
            actor.run().await;
            Ok(())
        });

        let folder = plugins::watch(plugins, config, control.clone(), self.stop.clone()).await;
        self.spawn(folder);
        let restoring = cabinet.restore(control.clone(), self.stop.clone()).await?;
        self.spawn(restoring);

        let http = listeners::serve(http, config, &control, &self.gateways, &self.stop).await?;
        self.spawn(async move {
            http.await;
            Ok(())
        });
        tracing::info!(
            api = %config.api.listen, rtmp = %config.rtmp.listen, srt = %config.srt.listen,
            "pointsman is up"
        );
        if let Some(ready) = extras.ready {
            ready();
        }
        Ok(())
    }

    fn spawn(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for a signal. A part that fails takes the host with it.
    async fn until_stopped(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(result) => result?,
                    Err(error) => return Err(error).context("a part of the host broke off"),
                },
            }
        }
    }

    /// Peers first, then links and streams, then what is written of them, then whatever is left.
    async fn shut_down(&mut self) {
        tracing::info!("stopping");
        self.stop.cancel();
        if let Some(control) = self.control.take() {
            // Stopped already is as good.
            let _ = control.shutdown().await;
        }
        self.gateways.close().await;
        self.store_stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Ok(Err(error)) = ended {
                tracing::warn!(error = format!("{error:#}"), "while stopping");
            }
        }
    }
}
