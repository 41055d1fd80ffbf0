//! Whether the trail is whole: every row hashes to what it says, follows the one before, and the last one is where it
//! was noted that it is.

use serde::Serialize;

use super::trail::{TrailHead, TrailLink};
use super::{Store, StoreError};
use crate::message::sha256;

/// Rows that are read at a time.
const ROWS_AT_ONCE: u32 = 1_000;

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The row.
    pub n: i64,
    /// What is wrong with it, for people.
    pub problem: String,
}

/// What a look at the whole trail found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Rows that are as they were written.
    pub rows: u64,
    /// The hash of the last of them; empty where there is none.
    pub hash: String,
    /// What is wrong, where anything is.
    pub broken: Option<Broken>,
}

/// The chain up to a row.
#[derive(Debug, Default)]
pub struct Chain {
    n: i64,
    hash: String,
}

impl Chain {
    /// Adds the next row.
    ///
    /// # Errors
    /// When it is not the next one, or not as it was written.
    pub fn add(&mut self, link: &TrailLink) -> Result<(), Broken> {
        let next = self.n + 1;
        if link.n != next {
            return Err(broken(next, "it is missing"));
        }
        if link.previous != self.hash {
            return Err(broken(next, "it does not follow the row before: one of both was changed"));
        }
        if sha256(link.canonical.as_bytes()) != link.hash {
            return Err(broken(next, "it was changed after it was written"));
        }
        (self.n, self.hash) = (next, link.hash.clone());
        Ok(())
    }

    /// What was noted elsewhere of a row, once the chain has come so far; `place` says where it was noted.
    fn passes(&self, noted: &TrailHead, place: &str) -> Result<(), Broken> {
        if noted.n.cast_signed() == self.n && noted.hash != self.hash {
            return Err(broken(self.n, &format!("{place} says that it was another row")));
        }
        Ok(())
    }

    fn ends(&self, noted: &TrailHead, place: &str) -> Result<(), Broken> {
        if noted.n.cast_signed() > self.n {
            let problem = format!("it is missing, and so are those behind it: {place} says that there are {}", noted.n);
            return Err(broken(self.n + 1, &problem));
        }
        Ok(())
    }
}

impl Store {
    /// Reads the whole trail. `expected` is the number and hash of a row that somebody wrote down elsewhere; `read` is told
    /// after every part how many rows were read, and how many there are.
    ///
    /// # Errors
    /// When the store does not answer. What is wrong with the trail is no error.
    pub async fn verify_trail(
        &self,
        expected: Option<&TrailHead>,
        mut read: impl FnMut(u64, u64),
    ) -> Result<Verified, StoreError> {
        let mut chain = Chain::default();
        let broken = self.walk(&mut chain, expected, &mut read).await?.err();
        Ok(Verified { rows: chain.n.cast_unsigned(), hash: chain.hash, broken })
    }

    async fn walk(
        &self,
        chain: &mut Chain,
        expected: Option<&TrailHead>,
        read: &mut impl FnMut(u64, u64),
    ) -> Result<Result<(), Broken>, StoreError> {
        const NOTE: &str = "the note of where the trail ends";
        let head = match self.trail_head().await {
            Ok(head) => head,
            Err(error) => return self.unreadable(0, NOTE, error).await,
        };
        loop {
            let links = match self.links(chain.n).await {
                Ok(links) => links,
                Err(error) => return self.unreadable(chain.n + 1, "it", error).await,
            };
            if links.is_empty() {
                break;
            }
            for link in &links {
                let added = chain.add(link).and_then(|()| chain.passes(&head, NOTE));
                let added = added.and_then(|()| expected.map_or(Ok(()), |noted| chain.passes(noted, "what you gave")));
                if added.is_err() {
                    return Ok(added);
                }
            }
            read(chain.n.cast_unsigned(), head.n.max(chain.n.cast_unsigned()));
        }
        // Others add rows meanwhile, to the note and to the trail at once: what was noted before all was read is there.
        let ended = chain.ends(&head, NOTE);
        Ok(ended.and_then(|()| expected.map_or(Ok(()), |noted| chain.ends(noted, "what you gave"))))
    }

    /// The next rows; one by one where one of them cannot be read, so that those in front of it are.
    async fn links(&self, after: i64) -> Result<Vec<TrailLink>, StoreError> {
        match self.trail_links(after, ROWS_AT_ONCE).await {
            Ok(links) => Ok(links),
            Err(_) => self.trail_links(after, 1).await,
        }
    }

    /// What cannot be read while the store answers otherwise is broken.
    async fn unreadable(&self, n: i64, what: &str, error: StoreError) -> Result<Result<(), Broken>, StoreError> {
        self.now().await?;
        Ok(Err(broken(n, &format!("{what} cannot be read ({error})"))))
    }
}

fn broken(n: i64, problem: &str) -> Broken {
    Broken { n, problem: problem.to_owned() }
}
