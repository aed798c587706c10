//! `pointsman:policy@1.0.0`.

mod auth;
mod imports;
mod layout;
mod routing;
mod selection;

use crate::guest::Guest;
use generated::exports::pointsman::policy as exports;
use model::routing::Attributes;
use model::{Answer, PolicyKind, Question};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::all)]

    /// What a guest's handle on the library stands for: the one of its call, so there is nothing in it.
    pub enum Catalogue {}

    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "all-kinds",
        imports: { "pointsman:policy/http@1.0.0.fetch": async },
        exports: { default: async },
        with: { "pointsman:policy/library.catalogue": crate::bindings::v1_0_0::generated::Catalogue },
        // Questions are lent to the guest, not copied first.
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

pub(crate) use exports::metadata::Info;
pub(super) use imports::add_to_linker;

/// A component's exports of this version, found once so that each call only loads what it needs.
pub(crate) struct Policy {
    component: InstancePre<Guest>,
    metadata: exports::metadata::GuestIndices,
    routing: Option<exports::routing::GuestIndices>,
    selection: Option<exports::selection::GuestIndices>,
    layout: Option<exports::layout::GuestIndices>,
    auth: Option<exports::auth::GuestIndices>,
}

/// Finds an interface if the component exports one of its name.
macro_rules! find {
    ($component:expr, $kind:ident) => {{
        let name = concat!("pointsman:policy/", stringify!($kind), "@1.0.0");
        match $component.component().get_export_index(None, name) {
            Some(_) => Some(exports::$kind::GuestIndices::new($component)?),
            None => None,
        }
    }};
}

impl Policy {
    /// None when the component exports no policy of this version; an error when its exports are
    /// not what their names promise.
    pub(crate) fn find(component: InstancePre<Guest>) -> wasmtime::Result<Option<Self>> {
        let Some(metadata) = find!(&component, metadata) else {
            return Ok(None);
        };
        let policy = Self {
            metadata,
            routing: find!(&component, routing),
            selection: find!(&component, selection),
            layout: find!(&component, layout),
            auth: find!(&component, auth),
            component,
        };
        Ok((!policy.kinds().is_empty()).then_some(policy))
    }

    /// The kinds it exports.
    pub(crate) fn kinds(&self) -> Vec<PolicyKind> {
        let has = |kind: &PolicyKind| match kind {
            PolicyKind::Routing => self.routing.is_some(),
            PolicyKind::Selection => self.selection.is_some(),
            PolicyKind::Layout => self.layout.is_some(),
            PolicyKind::Auth => self.auth.is_some(),
            _ => false,
        };
        PolicyKind::ALL.into_iter().filter(has).collect()
    }

    /// A fresh instance.
    pub(crate) async fn instantiate(&self, store: &mut Store<Guest>) -> wasmtime::Result<Instance> {
        self.component.instantiate_async(store).await
    }

    /// Checks the types of every export; only an instance can tell them.
    pub(crate) fn check_types(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        self.metadata.load(&mut *store, instance)?;
        if let Some(kind) = &self.routing {
            kind.load(&mut *store, instance)?;
        }
        if let Some(kind) = &self.selection {
            kind.load(&mut *store, instance)?;
        }
        if let Some(kind) = &self.layout {
            kind.load(&mut *store, instance)?;
        }
        if let Some(kind) = &self.auth {
            kind.load(&mut *store, instance)?;
        }
        Ok(())
    }

    /// Asks what the component is.
    pub(crate) async fn describe(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Info> {
        let metadata = self.metadata.load(&mut *store, instance)?;
        metadata.call_describe(store).await
    }

    /// One decision by a fresh instance. None when the component has not this kind; the error
    /// within is the policy's own.
    pub(crate) async fn ask(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
        config: &str,
    ) -> wasmtime::Result<Option<Result<Answer, String>>> {
        let instance = self.instantiate(store).await?;
        let answer = match question {
            Question::Routing(state) => {
                let Some(routing) = &self.routing else {
                    return Ok(None);
                };
                let routing = routing.load(&mut *store, &instance)?;
                let plan = routing::ask(&routing, store, state, config).await?;
                plan.map(Answer::Routing)
            }
            Question::Selection(request) => {
                let Some(selection) = &self.selection else {
                    return Ok(None);
                };
                let selection = selection.load(&mut *store, &instance)?;
                let clip = selection::ask(&selection, store, request, config).await?;
                clip.map(Answer::Selection)
            }
            Question::Layout(scene) => {
                let Some(layout) = &self.layout else {
                    return Ok(None);
                };
                let layout = layout.load(&mut *store, &instance)?;
                let arrangement = layout::ask(&layout, store, scene, config).await?;
                arrangement.map(Answer::Layout)
            }
            Question::Auth(request) => {
                let Some(auth) = &self.auth else {
                    return Ok(None);
                };
                let auth = auth.load(&mut *store, &instance)?;
                let verdict = auth::ask(&auth, store, request, config).await?;
                verdict.map(Answer::Auth)
            }
        };
        Ok(Some(answer))
    }
}

/// Pairs as they are lent to a guest.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn lend(map: &Attributes) -> Pairs<'_> {
    map.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}
