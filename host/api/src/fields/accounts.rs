//! Keys and users, as they come in.

use super::{Fields, fault, whole};
use control::access::{KeyDraft, UserDraft, password_fault};
use control::clock::unix_ms;
use control::desired::{Fault, Faults};
use model::accounts::Rights;
use model::tenant::TenantSpec;
use model::{Label, Role, StreamPattern};
use serde_json::Value;

/// A user to be added.
pub(crate) struct NewUser {
    pub(crate) name: Label,
    pub(crate) rights: Rights,
    pub(crate) password: String,
}

/// A key. `tenants` are those there are.
///
/// # Errors
/// Every fault there is.
pub(crate) fn key(value: Value, tenants: &[Label]) -> Result<KeyDraft, Faults> {
    let mut faults = Vec::new();
    let item = named("key", &value);
    let mut fields = Fields::new(&item, "", value, &mut faults);
    let name = fields.required("name", &mut faults);
    let rights = rights(&mut fields, tenants, &mut faults);
    let expires = fields.optional::<Option<u64>>("expires_unix_ms", &mut faults);
    let disabled = fields.optional("disabled", &mut faults).unwrap_or(false);
    fields.end(&mut faults);
    let expires_unix_ms = expires.flatten();
    if expires_unix_ms.is_some_and(|end| end <= unix_ms()) && !disabled {
        let problem = "is over; give a time to come in Unix milliseconds, or leave it out";
        faults.push(fault(&item, "expires_unix_ms", problem));
    }
    let draft = name.zip(rights).map(|(name, rights)| KeyDraft {
        name,
        rights,
        expires_unix_ms,
        disabled,
    });
    whole(draft, faults)
}

/// A user to be added.
///
/// # Errors
/// Every fault there is.
pub(crate) fn new_user(value: Value, tenants: &[Label]) -> Result<NewUser, Faults> {
    let mut faults = Vec::new();
    let item = named("user", &value);
    let mut fields = Fields::new(&item, "", value, &mut faults);
    let name = fields.required("name", &mut faults);
    let rights = rights(&mut fields, tenants, &mut faults);
    let password = fields.required::<String>("password", &mut faults);
    fields.end(&mut faults);
    check_password(&item, password.as_deref(), &mut faults);
    let user = name.zip(rights).zip(password);
    let user = user.map(|((name, rights), password)| NewUser {
        name,
        rights,
        password,
    });
    whole(user, faults)
}

/// A user as they shall be.
///
/// # Errors
/// Every fault there is.
pub(crate) fn user(name: &Label, value: Value, tenants: &[Label]) -> Result<UserDraft, Faults> {
    let mut faults = Vec::new();
    let item = format!("user {name}");
    let mut fields = Fields::new(&item, "", value, &mut faults);
    let stays = fields.optional::<Label>("name", &mut faults);
    if stays.is_some_and(|stays| stays != *name) {
        return Err(super::fixed(&item, "name"));
    }
    let rights = rights(&mut fields, tenants, &mut faults);
    let disabled = fields.optional("disabled", &mut faults).unwrap_or(false);
    let password = fields.optional::<String>("password", &mut faults);
    fields.end(&mut faults);
    check_password(&item, password.as_deref(), &mut faults);
    let draft = rights.map(|rights| UserDraft {
        rights,
        disabled,
        password,
    });
    whole(draft, faults)
}

/// A tenant; its name may be left out, since it is in the path.
///
/// # Errors
/// Every fault there is.
pub(crate) fn tenant(name: Label, value: Value) -> Result<TenantSpec, Faults> {
    let mut faults = Vec::new();
    let item = format!("tenant {name}");
    let mut fields = Fields::new(&item, "", value, &mut faults);
    let stays = fields.optional::<Label>("name", &mut faults);
    let inputs = fields.optional::<Option<u32>>("inputs", &mut faults);
    let outputs = fields.optional::<Option<u32>>("outputs", &mut faults);
    let bitrate_bps = fields.optional::<Option<u64>>("bitrate_bps", &mut faults);
    fields.end(&mut faults);
    if stays.is_some_and(|stays| stays != name) {
        return Err(super::fixed(&item, "name"));
    }
    let tenant = TenantSpec {
        name,
        inputs: inputs.flatten(),
        outputs: outputs.flatten(),
        bitrate_bps: bitrate_bps.flatten(),
    };
    super::sound(tenant, faults)
}

/// What is wrong with a new password.
///
/// # Errors
/// Its length.
pub(crate) fn password(item: &str, password: &str) -> Result<(), Faults> {
    let mut faults = Vec::new();
    check_password(item, Some(password), &mut faults);
    super::sound((), faults)
}

fn rights(fields: &mut Fields, tenants: &[Label], faults: &mut Vec<Fault>) -> Option<Rights> {
    let role = fields.required::<Role>("role", faults);
    let tenant = fields.optional::<Option<Label>>("tenant", faults).flatten();
    let streams = fields.optional::<Option<StreamPattern>>("streams", faults);
    if let Some(tenant) = tenant.as_ref().filter(|it| !tenants.contains(it)) {
        let problem = format!("no tenant is called {tenant}; declare it first");
        faults.push(fault(&fields.item, "tenant", problem));
    }
    Some(Rights {
        role: role?,
        tenant,
        streams: streams.flatten(),
    })
}

fn check_password(item: &str, password: Option<&str>, faults: &mut Vec<Fault>) {
    if let Some(problem) = password.and_then(password_fault) {
        faults.push(fault(item, "password", problem));
    }
}

fn named(what: &str, value: &Value) -> String {
    let name = value.get("name").and_then(Value::as_str);
    match name {
        Some(name) => format!("{what} {}", name.chars().take(60).collect::<String>()),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_of_a_key_is_told_at_once() {
        let body = json!({"name": "a b", "role": "root", "tenant": "acme", "streams": "x y",
            "expires_unix_ms": 5, "colour": "red"});
        let Faults(faults) = key(body, &[]).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "name",
                "role",
                "streams",
                "tenant",
                "colour",
                "expires_unix_ms"
            ]
        );
        let acme: Label = "acme".parse().unwrap();
        let body =
            json!({"name": "ci", "role": "viewer", "tenant": "acme", "expires_unix_ms": null});
        assert_eq!(key(body, &[acme]).unwrap().expires_unix_ms, None);
    }

    #[test]
    fn a_short_password_is_a_fault_among_others() {
        let Faults(faults) = new_user(json!({"password": "short"}), &[]).err().unwrap();
        let fields: Vec<_> = faults.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["name", "role", "password"]);
    }
}
