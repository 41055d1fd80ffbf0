//! How safe the server is: what it takes to lose what was committed, in plain words.

use super::Postgresql;
use crate::store::StoreError;

const SETTINGS: &str = "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit'),
    current_setting('fsync'), current_setting('full_page_writes')";

impl Postgresql {
    pub(crate) async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        let ask = sqlx::query_as(SETTINGS);
        let (standbys, commit, fsync, full_pages): (String, String, String, String) =
            self.one("asking how safe it is", ask).await?;
        let mut warnings = Vec::new();
        if standbys.trim().is_empty() {
            warnings.push(
                "PostgreSQL waits for no standby (synchronous_standby_names is empty): if this server or its disk is lost, \
                 or a standby takes over, accepted messages may be lost and effects may happen twice. Set up a synchronous \
                 standby."
                    .to_owned(),
            );
        }
        if !matches!(&*commit, "on" | "remote_apply") {
            warnings.push(format!(
                "PostgreSQL answers before a commit is safe (synchronous_commit is {commit} although Drayline sets it to \
                 on): something between drops session settings. Connect directly, or through a pooler in session mode."
            ));
        }
        if fsync != "on" {
            warnings.push(
                "PostgreSQL does not write through to the disk (fsync is off): after a power failure the whole database \
                 may be unreadable. Set fsync = on."
                    .to_owned(),
            );
        }
        if full_pages != "on" {
            warnings.push(
                "PostgreSQL may tear pages (full_page_writes is off): after a power failure committed rows may be damaged. \
                 Set full_page_writes = on."
                    .to_owned(),
            );
        }
        Ok(warnings)
    }
}
