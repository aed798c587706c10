//! The whole document at once: everything that is wanted, as one transaction.

use crate::extract::{IfMatch, Json as Body, Scoped, Tagged};
use crate::fields;
use crate::problem::{Kind, Problem};
use crate::view::{
    TemplateView, hide_hook_secrets, hide_secrets, hide_template, keep_hook_secrets, keep_secrets,
};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use control::desired::{Faults, Touched};
use control::{Changed, Tag};
use model::{InputSpec, Role, Site};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How to apply.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct How {
    /// Only tell what would be touched.
    #[serde(default)]
    dry_run: bool,
}

/// What to export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct What {
    /// Write passphrases and stream keys out, so that another host can take the document.
    #[serde(default)]
    secrets: bool,
}

/// What a document comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    /// It is in force; false after a dry run.
    applied: bool,
    /// Every item that differs from what was in force. Nothing else is touched.
    #[schema(value_type = Vec<Object>, example = json!([{"item": "input live/cam1 output archive", "change": "changed", "fields": ["url"]}]))]
    changes: Vec<Touched>,
}

/// Makes the host want exactly this document: policies, inputs and their outputs. All of it is
/// applied, or nothing; what is the same is not touched.
#[utoipa::path(post, path = "/api/v1/apply", tag = "document",
    params(How, ("If-Match" = Option<String>, Header, description = "Apply it only while the document in force has this ETag")),
    request_body(content = Object, example = json!({
        "policies": [{"kind": "routing", "streams": "live/*", "plugin": "fanout", "config": {}}],
        "inputs": [{"name": "live/cam1", "sources": [{"type": "udp"}], "outputs": [{"name": "archive", "url": "udp://127.0.0.1:6000"}]}]
    })),
    responses((status = 200, body = Applied, headers(("ETag" = String)))))]
pub(crate) async fn apply(
    Scoped(app): Scoped,
    how: Result<Query<How>, QueryRejection>,
    IfMatch(expect): IfMatch,
    Body(body): Body<Value>,
) -> Result<Tagged<Applied>, Problem> {
    let Query(how) = how.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let mut site = fields::site(body)?;
    let before = app.control.site();
    written_out(&mut site, &before)?;
    let Changed { site, touched } = match how.dry_run {
        true => app.control.try_apply(site, expect).await?,
        false => app.control.apply(site, expect).await?,
    };
    let applied = Applied {
        applied: !how.dry_run,
        changes: touched,
    };
    Ok(Tagged(Tag::of(&site), applied))
}

/// The document in force, in the form that `/api/v1/apply` takes and the configuration file has.
/// With secrets for admins only.
#[utoipa::path(post, path = "/api/v1/export", tag = "document", params(What), responses((status = 200, body = Object, headers(("ETag" = String)))))]
pub(crate) async fn export(
    Scoped(app): Scoped,
    what: Result<Query<What>, QueryRejection>,
) -> Result<Tagged<Site>, Problem> {
    let Query(what) = what.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let who = app.control.who();
    if what.secrets && who.role < Role::Admin {
        let detail = format!("secrets take the role admin; {} is {}", who.name, who.role);
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let mut site = Site::clone(&app.control.site());
    let tag = Tag::of(&site);
    if !what.secrets {
        site.inputs.iter_mut().for_each(hide_secrets);
        site.templates.iter_mut().for_each(hide_template);
        site.webhooks.iter_mut().for_each(hide_hook_secrets);
    }
    Ok(Tagged(tag, site))
}

/// Puts back the secrets that were masked when the document was exported.
fn written_out(site: &mut Site, before: &Site) -> Result<(), Faults> {
    let mut faults = Vec::new();
    for input in &mut site.inputs {
        let known = before.inputs.iter().find(|known| known.name == input.name);
        let nothing = InputSpec::new(input.name.clone());
        if let Err(Faults(found)) = keep_secrets(input, known.unwrap_or(&nothing)) {
            faults.extend(found);
        }
    }
    for template in &mut site.templates {
        let mut known = before.templates.iter();
        let known = known.find(|known| known.name == template.name);
        if let Err(Faults(found)) = TemplateView::keep_secrets(template, known) {
            faults.extend(found);
        }
    }
    for spec in &mut site.webhooks {
        let known = before.webhooks.iter().find(|known| known.name == spec.name);
        if let Err(Faults(found)) = keep_hook_secrets(spec, known) {
            faults.extend(found);
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Faults(faults)),
    }
}
