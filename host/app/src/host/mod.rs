//! A running host: every part of it, in the order in which it starts and stops.

mod access;
mod certificate;
mod claim;
mod listeners;
mod plugins;
mod reload;
mod roll;
mod signals;
mod store;
mod systemd;
mod videos;
mod wanted;

pub(crate) use access::Offline;
pub(crate) use claim::claim;
pub(crate) use store::place;

use crate::config::{Config, ConfigError};
use crate::{log, sys};
use anyhow::Context;
use control::{Control, ControlHandle};
use hub::Registry;
use signals::{Ending, Wishes};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use systemd::Manager;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// All has to have ended within this after Ctrl-C, or after SIGTERM when viewers are gone.
const SHUTDOWN: Duration = Duration::from_millis(2_700);

/// The configuration file, to be read again when it changes.
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Reads it, with what else the host was told when it was started.
    pub read: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
}

/// What `demo` adds to a host.
#[derive(Default)]
pub struct Extras {
    /// Called once everything listens.
    pub ready: Option<Box<dyn FnOnce() + Send>>,
}

/// Runs a host until a signal, or until something it cannot do without fails. The configuration
/// is read again from `file` when that changes.
///
/// # Errors
/// A port in use, a document at fault, a plugin plane that does not come up.
pub async fn run(config: Config, file: Option<ConfigFile>, extras: Extras) -> anyhow::Result<()> {
    let mut host = Host::new(&config);
    let wishes = host.wishes.clone();
    let started = tokio::select! {
        started = host.start(&config, file, extras) => started,
        _ = wishes.ending() => Ok(()),
    };
    let result = match started {
        Ok(()) => host.until_stopped().await,
        Err(error) => Err(error),
    };
    let drain = match *wishes.ending.borrow() {
        Some(Ending::Drained) => Duration::from_secs(config.shutdown.drain_s.into()),
        _ => Duration::ZERO,
    };
    host.manager.stopping(drain + 2 * SHUTDOWN);
    if !drain.is_zero() {
        host.drain(drain).await;
    }
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
    wishes: Wishes,
    manager: Arc<Manager>,
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
        let registry = Registry::new(hub::Settings {
            segments: config.hls.cutting(),
            part: config.hls.part(),
            ..hub::Settings::default()
        });
        let settings = link::context::Settings {
            egress: config.egress.clone(),
            media: Some(config.media.dir.clone()),
            utc_offset_minutes: Some(sys::utc_offset_minutes),
        };
        let gateways =
            gateway::Context::with_settings(registry.clone(), stop.child_token(), settings);
        gateways.packages().configure(config.hls.package());
        gateways.slates().configure(gateway::slate::Settings {
            cache: Some(config.data_dir.join("slates")),
            ..gateway::slate::Settings::default()
        });
        Self {
            stop,
            wishes: Wishes::new(),
            manager: Arc::new(Manager::of_environment()),
            registry,
            gateways,
            control: None,
            store_stop: CancellationToken::new(),
            claim: None,
            tasks: JoinSet::new(),
        }
    }

    async fn start(
        &mut self,
        config: &Config,
        file: Option<ConfigFile>,
        extras: Extras,
    ) -> anyhow::Result<()> {
        self.spawn(signals::watch(self.wishes.clone(), self.stop.clone()));
        // If this fails, so does what follows, which says it better.
        let _ = tokio::fs::create_dir_all(&config.data_dir).await;
        self.claim = claim(&config.data_dir)?;
        let http = listeners::bind(config).await?;

        let (store, writer) = store::open(config).await?;
        let store_stop = self.store_stop.clone();
        self.spawn(async move {
            writer.run(store_stop).await;
            Ok(())
        });
        let access = access::open(config, &store).await;
        access::check(config, &access)?;
        let keeper = Arc::new(store::Cupboard(store.clone()));
        let plugins = plugins::open(config, keeper).await?;
        let cabinet = wanted::Cabinet::new(store.clone(), config.site());
        let settings = control::Settings {
            rules: config.rules(),
            archive: Some(cabinet.clone()),
            access: access.clone(),
            utc_offset_minutes: sys::utc_offset_minutes,
            decisions: control::decide::Settings {
                keep_secrets: config.decisions.keep_secrets,
                history: store::history(config, &store),
                ..control::decide::Settings::default()
            },
            install_from: config.plugins.install_from.clone(),
            stages: config.stages.settings(),
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
        let upkeep = access.run(self.stop.clone());
        self.spawn(async move {
            upkeep.await;
            Ok(())
        });
        self.spawn(async move {
            actor.run().await;
            Ok(())
        });

        let folder = plugins::watch(plugins, config, control.clone(), self.stop.clone()).await;
        self.spawn(folder);
        let restoring = cabinet.clone();
        let restoring = restoring
            .restore(control.clone(), self.stop.clone())
            .await?;
        self.spawn(restoring);

        let http = listeners::serve(http, config, &control, &self.gateways, &self.stop).await?;
        self.spawn(async move {
            http.await;
            Ok(())
        });
        self.attend(config, file, &control, cabinet);
        tracing::info!(
            api = %config.api.listen, rtmp = %config.rtmp.listen, srt = %config.srt.listen,
            "pointsman is up"
        );
        self.manager.ready();
        if let Some(ready) = extras.ready {
            ready();
        }
        Ok(())
    }

    /// Starts what listens to the service manager and to the configuration file.
    fn attend(
        &mut self,
        config: &Config,
        file: Option<ConfigFile>,
        control: &ControlHandle,
        cabinet: Arc<wanted::Cabinet>,
    ) {
        let reader = reload::Reader {
            file,
            control: control.clone(),
            cabinet,
            manager: self.manager.clone(),
            started: config.clone(),
        };
        let (wished, stop) = (self.wishes.reload.subscribe(), self.stop.clone());
        self.spawn(async move {
            reader.watch(wished, stop).await;
            Ok(())
        });
        let (manager, control, stop) = (self.manager.clone(), control.clone(), self.stop.clone());
        self.spawn(async move {
            manager.keep_up(control, stop).await;
            Ok(())
        });
    }

    fn spawn(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for a signal. A part that fails takes the host with it.
    async fn until_stopped(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                _ = self.wishes.ending() => return Ok(()),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(result) => result?,
                    Err(error) => return Err(error).context("a part of the host broke off"),
                },
            }
        }
    }

    /// Lets nobody new in, has outputs say goodbye and streams end, and waits until viewers who are
    /// not connected have fetched the end.
    async fn drain(&mut self, at_most: Duration) {
        tracing::info!(
            at_most_s = at_most.as_secs(),
            "stopping: viewers may see the end"
        );
        self.registry.close_door();
        if let Some(control) = self.control.take() {
            // Stopped already is as good; what takes longer ends with everything else.
            let _ = tokio::time::timeout(SHUTDOWN, control.shutdown()).await;
        }
        let farewell = self.gateways.farewell();
        if tokio::time::timeout(at_most, farewell).await.is_err() {
            tracing::warn!("not every HLS viewer fetched the end of its stream");
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
