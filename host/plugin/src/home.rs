//! Where a plugin's calls run: what belongs to its name, whatever version is active.

use crate::engine::Runtime;
use crate::http::Client;
use crate::kv::{Cupboard, Keeper, Quota};
use crate::log::Log;
use model::{Grants, Label, Limits};
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(crate) struct Home {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) limits: Limits,
    pub(crate) log: Arc<Log>,
    pub(crate) cupboard: Arc<Cupboard>,
    pub(crate) http: Arc<Client>,
    /// One for each instance that it may have at a time.
    pub(crate) slots: Semaphore,
}

impl Home {
    /// Reads what the plugin kept, so it may block.
    pub(crate) fn open(
        runtime: Arc<Runtime>,
        name: Label,
        limits: Limits,
        grants: Grants,
        keeper: Arc<dyn Keeper>,
    ) -> Self {
        let log = Log::new(name.as_str(), limits.log_lines_per_second);
        let cupboard = Cupboard::open(name, keeper, quota(&limits));
        Self::new(runtime, limits, grants, log, cupboard)
    }

    /// For a tool that looks at one component.
    pub(crate) fn of_tool(runtime: Arc<Runtime>, what: &str) -> Self {
        let limits = Limits::default();
        let log = Log::new(what, limits.log_lines_per_second);
        let cupboard = Cupboard::of_tool(quota(&limits));
        Self::new(runtime, limits, Grants::default(), log, cupboard)
    }

    fn new(
        runtime: Arc<Runtime>,
        limits: Limits,
        grants: Grants,
        log: Arc<Log>,
        cupboard: Cupboard,
    ) -> Self {
        Self {
            runtime,
            log,
            cupboard: Arc::new(cupboard),
            http: Arc::new(Client::new(grants)),
            // None at all would let every call wait for good.
            slots: Semaphore::new(limits.instances.max(1) as usize),
            limits,
        }
    }
}

fn quota(limits: &Limits) -> Quota {
    Quota {
        keys: limits.kv_keys,
        bytes: limits.kv_bytes,
    }
}
