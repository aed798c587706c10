//! Users, who log in with a password.

use super::state::Known;
use super::{Access, AccessError, line};
use crate::clock::unix_ms;
use model::accounts::{Account, Change, Kind, Rights, User};
use model::{Label, Who};
use serde::Serialize;
use serde_json::{Value, json};

/// Users there can be.
const MAX_USERS: usize = 1_000;

/// What of a user can be chosen.
#[derive(Clone, PartialEq, Eq)]
pub struct UserDraft {
    /// What they may do.
    pub rights: Rights,
    /// Cannot log in, and has no sessions.
    pub disabled: bool,
    /// A new password; none: the one they have.
    pub password: Option<String>,
}

/// A user as they may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserView {
    /// What they log in with.
    pub name: Label,
    /// What they may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When they were added.
    pub created_unix_ms: u64,
    /// When they logged in last.
    pub last_login_unix_ms: Option<u64>,
    /// How many sessions they have open.
    pub sessions: usize,
    /// Cannot log in.
    pub disabled: bool,
}

impl Access {
    /// The users, by name.
    pub fn users(&self) -> Vec<UserView> {
        let state = self.state();
        let users = state.users.values();
        let mut users: Vec<_> = users
            .map(|user| view(user, state.sessions_of(&user.name).len()))
            .collect();
        users.sort_by(|one, other| one.name.cmp(&other.name));
        users
    }

    /// One user.
    ///
    /// # Errors
    /// There is none.
    pub fn user(&self, name: &Label) -> Result<UserView, AccessError> {
        let state = self.state();
        let user = state.users.get(name);
        let user = user.ok_or_else(|| AccessError::UnknownUser(name.clone()))?;
        Ok(view(user, state.sessions_of(name).len()))
    }

    /// Adds a user.
    ///
    /// # Errors
    /// The name is taken, there are too many, or it cannot be kept.
    pub async fn add_user(
        &self,
        who: &Who,
        name: Label,
        rights: Rights,
        password: String,
    ) -> Result<UserView, AccessError> {
        let password = self.0.desk.hash(password).await?;
        let _turn = self.0.turn.lock().await;
        let state = self.state();
        if state.users.contains_key(&name) {
            let what = "user";
            return Err(AccessError::NameTaken { what, name });
        }
        if state.users.len() >= MAX_USERS {
            let (what, limit) = ("users", MAX_USERS);
            return Err(AccessError::TooMany { what, limit });
        }
        let user = User {
            name: name.clone(),
            rights,
            created_unix_ms: unix_ms(),
            disabled: false,
            password,
        };
        let mut log = line(who, "added", format!("user {name}"));
        log.after = Some(shown(&user));
        self.make(vec![Change::Put(Account::User(user))], log)
            .await?;
        self.user(&name)
    }

    /// Changes a user. Another password ends all their sessions but `keep`, and so does disabling
    /// them; another role holds from the next request on.
    ///
    /// # Errors
    /// There is none, or it cannot be kept.
    pub async fn change_user(
        &self,
        who: &Who,
        name: &Label,
        keep: Option<&str>,
        edit: impl FnOnce(UserDraft) -> Result<UserDraft, AccessError> + Send,
    ) -> Result<UserView, AccessError> {
        let view = self.user(name)?;
        let draft = edit(UserDraft {
            rights: view.rights,
            disabled: view.disabled,
            password: None,
        })?;
        let renewed = match draft.password {
            Some(password) => Some(self.0.desk.hash(password).await?),
            None => None,
        };
        let _turn = self.0.turn.lock().await;
        let state = self.state();
        let unknown = || AccessError::UnknownUser(name.clone());
        let before = state.users.get(name).ok_or_else(unknown)?;
        let ends_sessions = renewed.is_some() || draft.disabled;
        let mut log = line(who, "changed", format!("user {name}"));
        log.before = Some(shown(before));
        let user = User {
            rights: draft.rights,
            disabled: draft.disabled,
            password: renewed.clone().unwrap_or_else(|| before.password.clone()),
            ..User::clone(before)
        };
        let mut after = shown(&user);
        if renewed.is_some() {
            after["password"] = "changed".into();
        }
        log.after = Some(after);
        let mut changes = vec![Change::Put(Account::User(user))];
        if ends_sessions {
            changes.extend(self.ends_of(name, keep));
        }
        self.make(changes, log).await?;
        self.user(name)
    }

    /// Removes a user, and ends their sessions.
    ///
    /// # Errors
    /// There is none, or the change cannot be kept.
    pub async fn remove_user(&self, who: &Who, name: &Label) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let mut log = line(who, "removed", format!("user {name}"));
        log.before = Some(json!(self.user(name)?));
        let mut changes = vec![Change::Remove(Kind::User, name.to_string())];
        changes.extend(self.ends_of(name, None));
        self.make(changes, log).await
    }

    /// What ends the sessions of a user, except the one whose hash is given.
    fn ends_of(&self, name: &Label, keep: Option<&str>) -> Vec<Change> {
        let state = self.state();
        let sessions = state.sessions_of(name).into_iter();
        sessions
            .filter(|session| Some(session.sha256.as_str()) != keep)
            .map(|session| Change::Remove(Kind::Session, session.sha256.clone()))
            .collect()
    }
}

fn view(user: &Known<User>, sessions: usize) -> UserView {
    UserView {
        name: user.name.clone(),
        rights: user.rights.clone(),
        created_unix_ms: user.created_unix_ms,
        last_login_unix_ms: user.used(),
        sessions,
        disabled: user.disabled,
    }
}

/// What the log shows of a user.
fn shown(user: &User) -> Value {
    json!({
        "name": user.name, "role": user.rights.role, "tenant": user.rights.tenant,
        "streams": user.rights.streams, "disabled": user.disabled,
    })
}
