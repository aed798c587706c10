//! The actor: the one task through which every change of state goes.

use crate::access::Access;
use crate::arrange::{self, Arranging};
use crate::changes::{Archive, Changes};
use crate::clients::Clients;
use crate::clock::{self, unix_ms};
use crate::decide::{self, Decider};
use crate::desired::{self, Desired, Rules};
use crate::diff::{self, Change};
use crate::error::ControlError;
use crate::handle::{Call, ControlHandle, Draft, Edit};
use crate::journal::Journal;
use crate::plugins::Memory;
use crate::recent::RecentErrors;
use crate::router::{Cause, Router};
use crate::routing::{Decided, Decision};
use crate::running::Running;
use crate::scene::Gallery;
use crate::spec;
use crate::tenants::Meter;
use crate::timetable::Timetable;
use crate::webhooks::{self, Patience, Webhooks};
use hub::Registry;
use model::origin::Origin;
use model::{Event, PolicySpec, Site, StreamName, Who};
use plugin::Plugins;
use stage::Stages;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Calls that wait for the actor before callers have to.
const MAILBOX: usize = 64;
/// How often the hub looks for silent sources and abandoned streams. A source that is silent for
/// a second is found out within a quarter of one more, and another stands in.
const SWEEP: Duration = Duration::from_millis(250);

/// How often figures are told.
const FIGURES: Duration = Duration::from_secs(1);

/// An actor that has nothing else to do looks at its timetable once a day.
const DAY_MS: u64 = 24 * 3_600_000;

/// What the control plane is told besides the document.
#[derive(Clone)]
pub struct Settings {
    /// What a document is checked against.
    pub rules: Rules,
    /// Keeps the document over restarts; none: changes end with this process.
    pub archive: Option<Arc<dyn Archive>>,
    /// Who is known to this host, and the log of changes.
    pub access: Access,
    /// The offset from UTC at a Unix time in seconds, in minutes, east positive.
    pub utc_offset_minutes: fn(unix_s: u64) -> i32,
    /// How often every stream is decided for anew, because time is an input too.
    pub tick: Duration,
    /// How decisions are made and kept.
    pub decisions: decide::Settings,
    /// Where plugins may be fetched from.
    pub install_from: Vec<Origin>,
    /// How long and how often webhooks are tried.
    pub patience: Patience,
    /// How stages are made.
    pub stages: stage::Settings,
    /// What the log notes of what goes wrong.
    pub recent_errors: Arc<RecentErrors>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            archive: None,
            access: Access::default(),
            utc_offset_minutes: |_| 0,
            tick: Duration::from_secs(5),
            decisions: decide::Settings::default(),
            install_from: Vec::new(),
            patience: Patience::default(),
            stages: stage::Settings::default(),
            recent_errors: Arc::default(),
        }
    }
}

/// The control plane's state; [`Control::run`] owns it until the end.
pub struct Control {
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
    pub(crate) plugins: Plugins,
    pub(crate) decider: Decider,
    pub(crate) memory: Arc<Memory>,
    pub(crate) desired: Desired,
    pub(crate) running: Running,
    pub(crate) router: Router,
    pub(crate) decided: BTreeMap<StreamName, Decided>,
    pub(crate) asked: JoinSet<Decision>,
    stages: Stages,
    /// Counts up whenever layout policies may decide otherwise than before.
    pub(crate) occasions: watch::Sender<u64>,
    meter: Meter,
    journal: Journal,
    pub(crate) timetable: Timetable,
    webhooks: Webhooks,
    clients: Clients,
    calls: mpsc::Receiver<Call>,
    pub(crate) gallery: Arc<Gallery>,
}

impl Control {
    /// A control plane that wants nothing yet, and the handle to it. Its decider is from now on
    /// the doorman of the registry.
    pub fn new(
        registry: Registry,
        context: gateway::Context,
        plugins: Plugins,
        settings: Settings,
    ) -> (Self, ControlHandle) {
        let (sender, calls) = mpsc::channel(MAILBOX);
        let decider = Decider::new(plugins.clone(), settings.decisions.clone());
        registry.appoint(Arc::new(decider.clone()));
        let memory = Arc::<Memory>::default();
        let gallery = Arc::new(Gallery::new(registry.clone()));
        let journal = Journal::new(clock::unix_ms());
        let post = webhooks::Sender::new(settings.rules.egress.clone());
        let webhooks = Webhooks::new(journal.clone(), post, settings.patience);
        let stages = Stages::new(context.links(), settings.stages.clone());
        let clients = Clients::new(gallery.clone());
        let handle = ControlHandle {
            stages: stages.clone(),
            calls: sender,
            plugins: plugins.clone(),
            decider: decider.clone(),
            memory: memory.clone(),
            install_from: settings.install_from.clone().into(),
            who: Arc::new(Who::host()),
            access: settings.access.clone(),
            changes: Arc::new(Changes::new(settings.archive.clone())),
            gallery: gallery.clone(),
            journal: journal.clone(),
            recent: settings.recent_errors.clone(),
            webhooks: webhooks.clone(),
            clients: clients.clone(),
            context: context.clone(),
        };
        let control = Self {
            settings,
            running: Running::new(registry.clone(), context, stages.clone()),
            stages,
            occasions: watch::Sender::new(0),
            registry,
            plugins,
            decider,
            memory,
            desired: Desired::default(),
            router: Router::default(),
            decided: BTreeMap::new(),
            asked: JoinSet::new(),
            meter: Meter::default(),
            journal,
            timetable: Timetable::default(),
            webhooks,
            clients,
            calls,
            gallery,
        };
        (control, handle)
    }

    /// Runs until [`ControlHandle::shutdown`] is called or every handle is gone; then every
    /// link is stopped and every stream ended.
    pub async fn run(mut self) {
        let mut events = self.registry.events();
        let mut swaps = self.plugins.subscribe();
        let mut beside = JoinSet::new();
        beside.spawn(self.journal.clone().write(self.registry.events()));
        beside.spawn(arrange::run(Arranging {
            composites: self.stages.composites.clone(),
            decider: self.decider.clone(),
            occasions: self.occasions.subscribe(),
            utc_offset_minutes: self.settings.utc_offset_minutes,
            tick: self.settings.tick,
        }));
        beside.spawn(self.clients.clone().keep(self.registry.clone()));
        let mut figures = interval(FIGURES);
        let mut sweep = interval(SWEEP);
        let mut tick = interval(self.settings.tick);
        self.follow_all().await;
        let stopped = loop {
            self.keep_to_timetable();
            self.decide_due().await;
            let wake = self.router.poll_timeout().filter(|_| self.may_ask());
            let turn = self.timetable.due().map(when);
            tokio::select! {
                call = self.calls.recv() => match call {
                    Some(Call::ShutDown { reply }) => break Some(reply),
                    Some(call) => self.answer(call).await,
                    None => break None,
                },
                event = events.recv() => self.observe(event).await,
                Some(answer) = self.asked.join_next() => self.settle_joined(answer).await,
                change = swaps.recv() => self.plugins_changed(change),
                _ = sweep.tick() => self.registry.sweep(Instant::now()),
                _ = tick.tick() => {
                    self.reconcile().await;
                    self.measure_tenants();
                    self.router.mark_all(Cause::Tick);
                }
                _ = figures.tick() => self.tell_figures(),
                () = sleep_until(wake) => {}
                () = sleep_until(turn) => {}
            }
        };
        self.asked.shutdown().await;
        self.running.shut_down().await;
        self.decider.close().await;
        self.webhooks.stop();
        beside.shutdown().await;
        if let Some(reply) = stopped {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(());
        }
    }

    async fn answer(&mut self, call: Call) {
        // A caller that stopped waiting wants no answer.
        match call {
            Call::Draft {
                edit,
                before,
                reply,
            } => drop(reply.send(self.draft(edit, before.as_ref()))),
            Call::Adopt { desired, reply } => {
                self.adopt(desired).await;
                let _ = reply.send(());
            }
            Call::Retry {
                stream,
                output,
                reply,
            } => {
                let retried = self.running.retry(&stream, &output);
                self.gallery.turn();
                drop(reply.send(retried));
            }
            Call::Scene { reply } => {
                let taken = self.gallery.moment();
                drop(reply.send(self.gallery.hang(self.views(), taken)));
            }
            Call::Ping { reply } => drop(reply.send(())),
            Call::ShutDown { .. } => {}
        }
    }

    /// Checks what the edit makes of the document. Changes nothing.
    fn draft(&self, edit: Edit, before: Option<&Site>) -> Result<Draft, ControlError> {
        let now = self.desired.site();
        let mut site = now.clone();
        edit(&mut site)?;
        let check = |policy: &_| decide::accepted(&self.plugins, policy).map(drop);
        let desired = Desired::check(site, &self.settings.rules, before.unwrap_or(now), check)
            .map_err(ControlError::Invalid)?;
        self.meter
            .check(now, desired.site())
            .map_err(ControlError::Invalid)?;
        let touched = desired::compare(now, desired.site());
        Ok(Draft { desired, touched })
    }

    /// Looks who takes more than is theirs.
    fn measure_tenants(&mut self) {
        let tenants = &self.desired.site().tenants;
        if tenants.iter().all(|tenant| tenant.bitrate_bps.is_none()) {
            return;
        }
        let streams = self.views();
        for event in self.meter.measure(Instant::now(), tenants, &streams) {
            if let Event::TenantAboveQuota {
                tenant,
                bitrate_bps,
                quota_bps,
            } = &event
            {
                tracing::warn!(%tenant, bitrate_bps, quota_bps, "a tenant is above its quota");
            }
            self.registry.announce(event);
        }
    }

    /// Puts a checked document in force, and makes it so.
    async fn adopt(&mut self, next: Desired) {
        let policies = self.routing_policies();
        self.decider.bind(&next.site().policies, None);
        self.occasions.send_modify(|count| *count += 1);
        let before = std::mem::replace(&mut self.desired, next);
        self.look_at_timetable();
        self.gallery.publish(self.desired.site());
        self.webhooks.adopt(&self.desired.site().webhooks);
        if before.site().groups != self.desired.site().groups {
            self.clients.tell_all();
        }
        self.running.package(&self.desired);
        self.tell_changes(before.site());
        self.mark_changed(&before, &policies);
        self.understand_plans_anew();
        self.reconcile().await;
        self.gallery.turn();
    }

    /// Once a second, while somebody listens.
    fn tell_figures(&self) {
        match self.journal.is_watched() {
            true => self.journal.show(&self.views(), clock::unix_ms()),
            false => self.journal.show_nothing(),
        }
    }

    /// Announces every item that differs, before what comes of it.
    fn tell_changes(&self, before: &Site) {
        for touched in desired::compare(before, self.desired.site()) {
            self.registry.announce(Event::DocumentChanged {
                stream: touched.stream(),
                change: touched.change,
                fields: touched.fields.iter().map(ToString::to_string).collect(),
                item: touched.item,
            });
        }
    }

    fn keep_to_timetable(&mut self) {
        if self.timetable.is_due(unix_s()) {
            self.look_at_timetable();
        }
    }

    /// Asks for decisions where a schedule turned an output on or off.
    fn look_at_timetable(&mut self) {
        for stream in self.timetable.look(&self.desired, unix_s()) {
            self.gallery.turn();
            self.router.mark(&stream, Cause::ScheduleTurned);
        }
    }

    /// Which policy decides for each stream that runs.
    fn routing_policies(&self) -> BTreeMap<StreamName, Option<PolicySpec>> {
        let names = self.running.names();
        names
            .map(|name| (name.clone(), self.routing_policy(name)))
            .collect()
    }

    /// Asks for decisions where the grounds of the last one changed.
    fn mark_changed(
        &mut self,
        before: &Desired,
        policies: &BTreeMap<StreamName, Option<PolicySpec>>,
    ) {
        for (name, policy) in policies {
            if self.routing_policy(name) != *policy {
                self.router.mark(name, Cause::PolicyChanged);
            } else if spec::input(before, name) != spec::input(&self.desired, name) {
                self.router.mark(name, Cause::DocumentChanged);
            }
        }
    }

    /// Closes the gap between what is wanted and what runs, for all streams.
    async fn reconcile(&mut self) {
        let inputs = self.desired.inputs().keys();
        let came_by_themselves = self.running.names();
        let wanted: diff::Shape = inputs
            .chain(came_by_themselves)
            .filter_map(|name| Some((name.clone(), self.wanted(name)?)))
            .collect();
        let changes = diff::diff(&self.running.shape(), &wanted);
        self.apply(&changes).await;
    }

    /// Makes changes, and knows the streams that come and go with them.
    pub(crate) async fn apply(&mut self, changes: &[Change]) {
        self.running.apply(changes).await;
        if !changes.is_empty() {
            self.gallery.turn();
        }
        for change in changes {
            match change {
                Change::DeclareStream { stream, .. } => self.welcome(stream),
                Change::WithdrawStream { stream } => self.forget(stream),
                _ => {}
            }
        }
    }

    /// What a stream shall look like; none if it shall not be, or cannot be seen.
    pub(crate) fn wanted(&self, name: &StreamName) -> Option<diff::StreamShape> {
        let input = spec::input(&self.desired, name);
        let came_by_itself = || {
            self.running
                .shape_of(name)
                .is_some_and(|shape| !shape.declared)
        };
        if input.is_none() && !came_by_itself() {
            return None;
        }
        let decided = self.decided.get(name).and_then(Decided::resolved);
        let mut shape = spec::shape(input, decided);
        if let (Some(decided), Some(stream)) = (decided, self.running.stream(name)) {
            let (on_air, _) = stream.on_air();
            shape.on_air = decided.airing(on_air.as_ref(), |source| stream.delivers(source));
        }
        Some(shape)
    }

    async fn observe(&mut self, event: Result<Event, RecvError>) {
        match event {
            Ok(Event::StreamStarted { stream } | Event::StreamEnded { stream }) => {
                self.follow(&stream).await;
            }
            Ok(Event::SourceChanged { stream, .. }) => {
                self.stand_in(&stream).await;
                self.router.mark(&stream, Cause::SourceChanged);
            }
            Ok(Event::OnAirChanged { stream, .. }) => {
                self.router.mark(&stream, Cause::OnAirChanged);
            }
            Ok(Event::OutputChanged { stream, .. }) => {
                self.router.mark(&stream, Cause::OutputChanged);
            }
            Ok(_) | Err(RecvError::Closed) => {}
            Err(RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "events missed; looking at every stream");
                self.follow_all().await;
                self.router.mark_all(Cause::Tick);
            }
        }
    }

    async fn follow_all(&mut self) {
        let alive = self.registry.list();
        let mut names: Vec<_> = alive.iter().map(|stream| stream.name().clone()).collect();
        names.extend(self.running.names().cloned());
        for name in names {
            self.follow(&name).await;
        }
    }

    async fn follow(&mut self, name: &StreamName) {
        if !self.running.follow(name).await {
            return;
        }
        self.forget(name);
        if self.running.stream(name).is_some() {
            self.welcome(name);
        } else if spec::input(&self.desired, name).is_some() {
            self.reconcile().await;
        }
    }

    fn welcome(&mut self, name: &StreamName) {
        self.router.add(name.clone(), Instant::now());
    }

    fn forget(&mut self, name: &StreamName) {
        self.router.remove(name);
        let decided = self.decided.remove(name);
        if let Some(resolved) = decided.as_ref().and_then(Decided::resolved) {
            self.tell_alerts(name, &resolved.alerts, &[]);
        }
    }
}

fn interval(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Unix time in whole seconds.
fn unix_s() -> i64 {
    i64::try_from(unix_ms() / 1_000).unwrap_or(i64::MAX)
}

/// When a time of day comes, if nobody sets the clock. A little later, so that it has come then.
fn when(due_unix_s: i64) -> Instant {
    let due_ms = u64::try_from(due_unix_s).unwrap_or_default() * 1_000;
    let left_ms = due_ms.saturating_sub(unix_ms()).min(DAY_MS);
    Instant::now() + Duration::from_millis(left_ms + 1)
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}
