//! Every version of the schema, for both kinds of database. A published one never changes.

use crate::place::Place;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

macro_rules! versions {
    ($folder:literal) => {
        [
            (
                1,
                "decisions and plugin_kv",
                include_str!(concat!(
                    "../migrations/",
                    $folder,
                    "/0001_decisions_and_plugin_kv.sql"
                )),
            ),
            (
                2,
                "wanted",
                include_str!(concat!("../migrations/", $folder, "/0002_wanted.sql")),
            ),
            (
                3,
                "owner",
                include_str!(concat!("../migrations/", $folder, "/0003_owner.sql")),
            ),
            (
                4,
                "accounts and audit",
                include_str!(concat!(
                    "../migrations/",
                    $folder,
                    "/0004_accounts_and_audit.sql"
                )),
            ),
        ]
    };
}

/// The newest version there is.
pub(crate) fn newest() -> i64 {
    let versions = versions!("sqlite");
    versions
        .iter()
        .map(|(version, ..)| *version)
        .max()
        .unwrap_or_default()
}

/// Brings a database of this kind to the newest version.
pub(crate) fn migrations(place: &Place) -> Migrator {
    let versions = match place {
        Place::File(_) => versions!("sqlite"),
        Place::Server(_) => versions!("postgres"),
    };
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        let simple = MigrationType::Simple;
        Migration::new(version, name.into(), simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(versions.into_iter().map(migration).collect())
}
