//! `pointsman backup` and `restore`: everything that a host keeps, in one file.

use super::RunArgs;
use crate::host;
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;

const BACKUP_HELP: &str = "\
The file holds what is wanted, with every passphrase and key, and what was decided. Plugins are
files of their own, in the folder that [plugins] dir names. A host may run meanwhile. A PostgreSQL
database is copied with pg_dump.

Example:
  pointsman backup --config site.toml --to pointsman-$(date +%F).db
  pointsman restore --config site.toml --from pointsman-2026-01-31.db
";

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_HELP)]
pub(super) struct BackupArgs {
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    of: RunArgs,
}

/// Where from.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_HELP)]
pub(super) struct RestoreArgs {
    /// A file that `pointsman backup` made.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    of: RunArgs,
}

impl BackupArgs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let place = host::place(&self.of.load()?);
        store::backup(&place, &self.to, self.force).await?;
        let bytes = std::fs::metadata(&self.to)?.len();
        println!("{}: {bytes} bytes", self.to.display());
        Ok(())
    }
}

impl RestoreArgs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.of.load()?;
        let folder = &config.data_dir;
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let _claim = host::claim(folder)?;
        let place = host::place(&config);
        store::restore(&self.from, &place).await?;
        println!("{place} is as it was; what was there is beside it, as .old");
        Ok(())
    }
}
