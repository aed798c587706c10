//! Sessions: who logged in with a password shows a cookie from then on.
//!
//! They are kept, and so outlive a restart: nobody who watches a wall of monitors is asked for a
//! password because the host was updated. A session ends when it was not used for 12 hours, and
//! 7 days after the login whatever happens.

use super::state::Known;
use super::{Access, AccessError, line, secret};
use crate::clock::unix_ms;
use model::accounts::{Account, Change, Kind, Session, User};
use model::audit::Outcome;
use model::{Label, Who};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// Not used for so long, it ends.
const IDLE_MS: u64 = 12 * 3600 * 1000;

/// After the login it ends, used or not.
pub const ABSOLUTE_MS: u64 = 7 * 24 * 3600 * 1000;

/// Of one user, and of all together; with one more the one ends that is quiet for longest.
const MAX_OF_USER: usize = 20;
const MAX_SESSIONS: usize = 2_000;

/// What somebody shows to log in.
pub struct Login {
    /// Their name.
    pub user: Label,
    /// Their password.
    pub password: String,
    /// Where they call from.
    pub peer: IpAddr,
}

/// A session that was just opened.
pub struct Opened {
    /// What the cookie is to hold. Only its hash is kept.
    pub cookie: String,
    /// Whose it is.
    pub who: Who,
}

impl Access {
    /// Whose session this is, if it is one that is open.
    pub fn by_session(&self, cookie: &str) -> Option<Who> {
        let state = self.0.state.load();
        let session = state.sessions.get(&secret::kept(cookie))?;
        let now = unix_ms();
        if has_ended(session, session.used(), now) {
            return None;
        }
        let user = state.users.get(&session.user)?;
        if user.disabled {
            return None;
        }
        session.touch(now);
        Some(user.rights.of(format!("user {}", user.name)))
    }

    /// What a page has to show beside this cookie to change something.
    pub fn csrf_of(&self, cookie: &str) -> String {
        secret::csrf(cookie)
    }

    /// Whether this is what a page has to show beside this cookie.
    pub fn is_csrf_of(&self, cookie: &str, shown: &str) -> bool {
        secret::same(&secret::csrf(cookie), shown)
    }

    /// The hash by which a cookie's session is kept, for [`Access::change_user`].
    pub fn kept_as(&self, cookie: &str) -> String {
        secret::kept(cookie)
    }

    /// Logs somebody in. A name that is not there takes as long as a wrong password.
    ///
    /// # Errors
    /// Wrong, too many failures before, too many at once, or it cannot be kept.
    pub async fn log_in(&self, login: Login) -> Result<Opened, AccessError> {
        let (user, peer) = (login.user.clone(), login.peer);
        let known = self.verified(login).await?;
        let mut who = known.rights.of(format!("user {user}"));
        who.peer = Some(peer);
        self.open(who, &known).await
    }

    /// Whether it is their password; counted like a login.
    ///
    /// # Errors
    /// Wrong, too many failures before, or too many at once.
    pub async fn check_password(&self, login: Login) -> Result<(), AccessError> {
        self.verified(login).await.map(drop)
    }

    async fn verified(&self, login: Login) -> Result<Arc<Known<User>>, AccessError> {
        let Login {
            user,
            password,
            peer,
        } = login;
        let begun = self
            .0
            .attempts
            .lock()
            .begin(Instant::now(), peer, user.as_str());
        begun.map_err(AccessError::TooSoon)?;
        let state = self.state();
        if !state.read {
            return Err(AccessError::NotRead);
        }
        let known = state.users.get(&user).filter(|known| !known.disabled);
        let hash = known.map(|known| known.password.clone());
        let right = self.0.desk.verify(password, hash).await?;
        let Some(known) = known.filter(|_| right) else {
            self.count_failure(&user, peer);
            return Err(AccessError::WrongLogin);
        };
        self.0.attempts.lock().succeeded(peer, user.as_str());
        Ok(known.clone())
    }

    /// `verified`: as they were when the password was right. If it was changed meanwhile, it is
    /// right no more.
    async fn open(&self, who: Who, verified: &User) -> Result<Opened, AccessError> {
        let _turn = self.0.turn.lock().await;
        let (state, user) = (self.state(), &verified.name);
        let known = state.users.get(user).filter(|known| !known.disabled);
        let known = known.filter(|known| known.password == verified.password);
        let known = known.ok_or(AccessError::WrongLogin)?;
        let (cookie, now) = (secret::session()?, unix_ms());
        let session = Session {
            sha256: secret::kept(&cookie),
            user: user.clone(),
            created_unix_ms: now,
        };
        let (id, name) = (session.sha256.clone(), user.to_string());
        let mut changes = self.room_for_one(user);
        changes.push(Change::Put(Account::Session(session)));
        changes.push(Change::Used(Kind::Session, id, now));
        changes.push(Change::Used(Kind::User, name, now));
        let log = line(&who, "logged_in", format!("user {user}"));
        self.make(changes, log).await?;
        known.touch(now);
        if let Some(session) = self.state().sessions.get(&secret::kept(&cookie)) {
            session.touch(now);
        }
        Ok(Opened { cookie, who })
    }

    /// Ends a session; one that is not there has ended.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn log_out(&self, who: &Who, cookie: &str) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let id = secret::kept(cookie);
        let state = self.state();
        let Some(session) = state.sessions.get(&id) else {
            return Ok(());
        };
        let log = line(who, "logged_out", format!("user {}", session.user));
        self.make(vec![Change::Remove(Kind::Session, id)], log)
            .await
    }

    /// What ends the sessions that have to make room.
    fn room_for_one(&self, user: &Label) -> Vec<Change> {
        let state = self.state();
        let end = |id: &str| Change::Remove(Kind::Session, id.to_owned());
        let own = state.sessions_of(user);
        if let (true, Some(oldest)) = (own.len() >= MAX_OF_USER, own.first()) {
            return vec![end(&oldest.sha256)];
        }
        let all = state.sessions.values();
        let oldest = all.min_by_key(|session| session.used());
        match oldest {
            Some(oldest) if state.sessions.len() >= MAX_SESSIONS => vec![end(&oldest.sha256)],
            _ => Vec::new(),
        }
    }

    /// Sessions that have ended by themselves.
    pub(super) fn ended(&self) -> Vec<Change> {
        let (state, now) = (self.state(), unix_ms());
        let ended = state
            .sessions
            .values()
            .filter(|session| has_ended(session, session.used(), now));
        ended
            .map(|session| Change::Remove(Kind::Session, session.sha256.clone()))
            .collect()
    }

    fn count_failure(&self, user: &Label, peer: IpAddr) {
        let stranger = Who {
            name: "nobody".to_owned(),
            peer: Some(peer),
            ..Who::host()
        };
        let mut entry = line(&stranger, "log_in", format!("user {user}"));
        entry.role = None;
        entry.outcome = Outcome::Refused;
        self.refused(None, entry);
    }
}

fn has_ended(session: &Session, used: Option<u64>, now: u64) -> bool {
    let used = used.unwrap_or(session.created_unix_ms);
    now >= session.created_unix_ms.saturating_add(ABSOLUTE_MS)
        || now >= used.saturating_add(IDLE_MS)
}
