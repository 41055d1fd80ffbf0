//! What must be true after every commit, seen from outside: in the bytes of the store and of the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use drayline::clock::wait_in_place;
use drayline::message::{Envelope, Flow};
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

type Name = (Uuid, String);

/// Looks at the files after every commit, and notes what must not be.
pub struct Watch {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    store: Option<SqliteConnection>,
    queue: Option<SqliteConnection>,
    parked: BTreeMap<Name, ParkedRow>,
    ended: BTreeMap<Name, i64>,
    /// Who of the process's workers owns a partition: by what its row said after it took it.
    owners: BTreeMap<Vec<u8>, usize>,
    queued: BTreeMap<i64, Uuid>,
    /// Of each message, when its first copy came into the queue, and how many copies were taken out.
    arrived: BTreeMap<Uuid, i64>,
    last_arrival: i64,
    taken_out: BTreeMap<Uuid, u64>,
    /// Rows of the outbox by flow and key, whose first copy has not come yet.
    sending: BTreeMap<(String, String), Vec<(i64, Uuid)>>,
    /// Lane, kind, flow and partition of what the door took.
    known: BTreeMap<Uuid, (String, String, (String, i64))>,
    /// How many steps of journeys each message has led to.
    steps: BTreeMap<Uuid, i64>,
    /// When each message ended, in microseconds.
    ended_at: BTreeMap<Uuid, i64>,
    /// Who waited for a document that was known when whoever would have woken it died, and when it is looked at again.
    overslept: BTreeMap<Name, Option<i64>>,
    /// Every reason for which anything was ever parked.
    codes: BTreeSet<String>,
    /// What was seen, in order, as one number.
    course: u64,
    violations: Vec<String>,
}

#[derive(Clone, Debug)]
struct ParkedRow {
    lane: String,
    position: i64,
    waits_for: i64,
    due_at: Option<i64>,
    awaited: Option<String>,
    passes: Option<String>,
    code: Option<String>,
    key: String,
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch")
    }
}

const CAME_AGAIN: &str = "SELECT message_id, count(*) FROM journey WHERE what LIKE '%came again%' GROUP BY 1";

const CONFIRMED: &str = "SELECT message_id, flow FROM inbox UNION SELECT message_id, flow FROM parked";

const STEPS: &str = "SELECT message_id, count(*) FROM journey GROUP BY 1";

macro_rules! waits_for_the_known {
    () => {
        "p.waits_for = 2 AND (EXISTS (SELECT 1 FROM documents d WHERE d.key = p.awaited)
          OR EXISTS (SELECT 1 FROM document_names n JOIN documents d ON d.key = n.document WHERE n.name = p.awaited))"
    };
}

const WAITS_FOR_THE_KNOWN: &str =
    concat!("SELECT message_id, flow, due_at FROM parked p WHERE ", waits_for_the_known!());

const PARKED: &str =
    "SELECT message_id, flow, lane_key, position, waits_for, due_at, awaited, passes, code, ordering_key,
  partition FROM parked";

impl Watch {
    pub fn new() -> Self {
        Self { seen: Mutex::default() }
    }

    /// Looks at the files of a folder from now on.
    pub fn look_at(&self, folder: &Path) {
        let open = async |name: &str| {
            SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(folder.join(name))).await.unwrap()
        };
        let (store, queue) = wait_in_place(async { (open("store.db").await, open("queue.db").await) });
        let mut seen = self.seen();
        (seen.store, seen.queue) = (Some(store), Some(queue));
        seen.owners.clear();
        drop(seen);
        self.somebody_went();
    }

    /// Whoever died or left may have been about to wake somebody: who waits now for what is known sleeps until its next look.
    pub fn somebody_went(&self) {
        self.give_a_look(WAITS_FOR_THE_KNOWN);
    }

    fn give_a_look(&self, whom: &'static str) {
        let mut seen = self.seen();
        let Some(mut store) = seen.store.take() else { return };
        let rows = wait_in_place(async { sqlx::query(whom).fetch_all(&mut store).await.unwrap() });
        seen.store = Some(store);
        seen.overslept.extend(rows.iter().map(|row| ((uuid(row, 0), row.get(1)), row.get(2))));
    }

    /// Whether somebody sleeps because of a death, and its next look is still to come.
    pub fn oversleeps(&self) -> bool {
        let seen = self.seen();
        let sleeps = |(name, due_at): (&Name, &_)| seen.parked.get(name).is_some_and(|row| row.due_at == *due_at);
        seen.overslept.iter().any(sleeps)
    }

    /// A message is made durable by the door: what it is.
    pub fn accepted(&self, message: &Envelope) {
        let partition = i64::from(message.ordering_key.partition(PARTITIONS));
        let place = (message.flow().to_string(), partition);
        let facts = (message.lane_key(), message.kind().to_string(), place);
        self.seen().known.insert(message.message_id, facts);
    }

    /// Every reason for which anything was ever parked.
    pub fn codes(&self) -> BTreeSet<String> {
        self.seen().codes.clone()
    }

    pub fn violations(&self) -> Vec<String> {
        self.seen().violations.clone()
    }

    /// Ids of what is parked and of what ended.
    pub fn places(&self) -> (BTreeSet<Uuid>, BTreeSet<Uuid>) {
        let seen = self.seen();
        let ids = |(id, _): &Name| *id;
        (seen.parked.keys().map(ids).collect(), seen.ended.keys().map(ids).collect())
    }

    /// The documents (ordering keys) of which something is parked.
    pub fn parked_keys(&self) -> Vec<(Uuid, String, i64, Option<String>)> {
        let rows = self.seen();
        rows.parked.iter().map(|((id, _), row)| (*id, row.key.clone(), row.waits_for, row.code.clone())).collect()
    }

    /// The documents (ordering keys) of which a flow has parked something, and why.
    pub fn parked_in(&self, flow: Flow) -> Vec<(String, Option<String>)> {
        let rows = self.seen();
        let of_it = rows.parked.iter().filter(|((_, name), _)| *name == flow.to_string());
        of_it.map(|(_, row)| (row.key.clone(), row.code.clone())).collect()
    }

    /// When messages ended, in milliseconds since an instant.
    pub fn ended_at(&self, start: Timestamp) -> BTreeMap<Uuid, i64> {
        let ended = self.seen();
        ended.ended_at.iter().map(|(id, at)| (*id, (at - start.as_microsecond()) / 1000)).collect()
    }

    /// Which worker owns what, and under which epoch.
    pub fn owners(&self) -> Vec<String> {
        let mut seen = self.seen();
        let Some(mut store) = seen.store.take() else { return Vec::new() };
        let ask = "SELECT flow || '.' || partition || ' ' || epoch, owner FROM partitions UNION ALL
          SELECT 'parked ' || waits_for || ' due ' || datetime(due_at / 1000000, 'unixepoch') || ' of ' || partition || ' ' ||
            lane_key || ' since ' || datetime(last_parked_at / 1000000, 'unixepoch'), NULL FROM parked UNION ALL
          SELECT 'beat ' || datetime(max(beaten_at) / 1000000, 'unixepoch'), NULL FROM workers";
        let rows = wait_in_place(async { sqlx::query(ask).fetch_all(&mut store).await.unwrap() });
        seen.store = Some(store);
        let worker = |row: &SqliteRow| {
            let owner: Option<Vec<u8>> = row.get(1);
            format!("{}: {:?}", row.get::<String, _>(0), owner.map(|owner| seen.owners.get(&owner).copied()))
        };
        rows.iter().map(worker).collect()
    }

    pub fn course(&self) -> u64 {
        self.seen().course
    }

    /// Whether nothing waits that goes on by itself: in the queue, in the outbox, parked. Who waits for a document goes on
    /// when that comes, and nobody brings it once everything else rests.
    pub fn at_rest(&self) -> bool {
        let seen = self.seen();
        let mut heads: BTreeMap<&str, &ParkedRow> = BTreeMap::new();
        for row in seen.parked.values() {
            let head = heads.entry(row.lane.as_str()).or_insert(row);
            if row.position < head.position {
                *head = row;
            }
        }
        let waits_for_others = |head: &&ParkedRow| head.waits_for == 3 || head.waits_for == 2 && head.passes.is_none();
        let all_rest = heads.values().all(waits_for_others);
        seen.queued.is_empty() && seen.sending.values().all(Vec::is_empty) && all_rest
    }

    /// Who waits for a document that is known is never woken; who waits for one of a document that nobody works on waits
    /// for a person whom nobody told.
    pub fn waits_in_vain(&self) -> Vec<String> {
        // Of a posting everything is known that Dynamics says of it, its refusal, too, which is a person's.
        const KNOWN: &str = concat!(
            "SELECT hex(p.message_id), p.awaited, p.ordering_key, p.code FROM parked p
              WHERE p.passes IS NULL AND p.awaited NOT LIKE 'posting/%' AND ",
            waits_for_the_known!(),
            " OR p.waits_for = 2 AND p.passes IS NULL
              AND NOT EXISTS (SELECT 1 FROM parked o WHERE o.ordering_key = p.ordering_key AND o.waits_for = 3)"
        );
        let mut seen = self.seen();
        let Some(mut store) = seen.store.take() else { return Vec::new() };
        let rows = wait_in_place(async { sqlx::query(KNOWN).fetch_all(&mut store).await.unwrap() });
        seen.store = Some(store);
        drop(seen);
        let sentence = |row: &SqliteRow| {
            let [id, awaited, key, code] = std::array::from_fn(|column| row.get::<String, _>(column));
            format!("law 4: {id} of {key} waits for {awaited} ({code}), and nothing wakes it")
        };
        rows.iter().map(sentence).chain(self.not_announced()).collect()
    }

    /// Who waits for a person is announced: by a dead letter in its queue, or by the row that will be one.
    fn not_announced(&self) -> Vec<String> {
        const WAIT: &str = "SELECT message_id FROM parked p WHERE waits_for = 3
          AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = p.message_id AND o.purpose = 3)";
        let mut seen = self.seen();
        let (Some(mut store), Some(mut queue)) = (seen.store.take(), seen.queue.take()) else { return Vec::new() };
        let letters = "SELECT message_id FROM messages WHERE lane LIKE 'dead%'";
        let (waiting, letters) = wait_in_place(async {
            let waiting = sqlx::query(WAIT).fetch_all(&mut store).await.unwrap();
            (waiting, sqlx::query(letters).fetch_all(&mut queue).await.unwrap())
        });
        (seen.store, seen.queue) = (Some(store), Some(queue));
        let told: BTreeSet<Uuid> = letters.iter().map(|row| uuid(row, 0)).collect();
        let waiting = waiting.iter().map(|row| uuid(row, 0));
        waiting
            .filter(|id| !told.contains(id))
            .map(|id| format!("law 4: {id} waits for a person whom nobody told"))
            .collect()
    }

    /// A worker's step wrote to the store.
    pub fn stored(&self, worker: usize, step: &str) {
        let mut seen = self.seen();
        let Some(mut store) = seen.store.take() else { return };
        let (parked, ended, owners, outbox, steps) = wait_in_place(async {
            (
                sqlx::query(PARKED).fetch_all(&mut store).await.unwrap(),
                sqlx::query("SELECT message_id, flow, ending, ended_at FROM inbox ORDER BY ended_at")
                    .fetch_all(&mut store)
                    .await
                    .unwrap(),
                sqlx::query("SELECT flow, partition, owner FROM partitions").fetch_all(&mut store).await.unwrap(),
                sqlx::query("SELECT id, flow, ordering_key, message_id FROM outbox WHERE purpose <> 3 ORDER BY id")
                    .fetch_all(&mut store)
                    .await
                    .unwrap(),
                sqlx::query(STEPS).fetch_all(&mut store).await.unwrap(),
            )
        });
        seen.store = Some(store);
        let steps: BTreeMap<Uuid, i64> = steps.iter().map(|row| (uuid(row, 0), row.get(1))).collect();
        let mut owner_of = BTreeMap::new();
        for row in &owners {
            let (flow, partition, owner): (String, i64, Option<Vec<u8>>) = (row.get(0), row.get(1), row.get(2));
            if let Some(owner) = owner {
                if step == "take" {
                    seen.owners.entry(owner.clone()).or_insert(worker);
                }
                owner_of.insert((flow, partition), owner);
            }
        }
        seen.outbox(&outbox);
        seen.course = digest(seen.course, &(worker, step, parked.len(), ended.len()));
        for row in &ended {
            seen.ended_at.insert(uuid(row, 0), row.get(3));
        }
        let ended: BTreeMap<Name, i64> = ended.iter().map(|row| ((uuid(row, 0), row.get(1)), row.get(2))).collect();
        let mut now = BTreeMap::new();
        let mut partitions = BTreeMap::new();
        for row in &parked {
            let name: Name = (uuid(row, 0), row.get(1));
            partitions.insert(name.clone(), row.get::<i64, _>(10));
            let parked = ParkedRow {
                lane: format!("{}/{}", name.1, row.get::<String, _>(2)),
                position: row.get(3),
                waits_for: row.get(4),
                due_at: row.get(5),
                awaited: row.get(6),
                passes: row.get(7),
                code: row.get(8),
                key: row.get(9),
            };
            now.insert(name, parked);
        }
        seen.codes.extend(now.values().filter_map(|row| row.code.clone()));
        seen.one_state_each(&now, &ended);
        seen.gates(&now, &ended);
        seen.ways_out(&now);
        if step == "record" {
            let changed = now.iter().filter(|(name, row)| {
                seen.parked
                    .get(*name)
                    .is_none_or(|before| before.waits_for != row.waits_for || before.due_at != row.due_at)
            });
            let places = changed.filter_map(|(name, _)| Some((name.1.clone(), *partitions.get(name)?)));
            let strangers: Vec<_> = places
                .filter(|place| owner_of.get(place).and_then(|owner| seen.owners.get(owner)) != Some(&worker))
                .collect();
            // Whatever a record is about, it leaves a step on a journey.
            let told = steps.iter().filter(|(id, count)| seen.steps.get(*id) != Some(*count));
            let fresh = ended.keys().filter(|name| !seen.ended.contains_key(*name)).map(|(id, _)| id);
            let places = fresh.chain(told.map(|(id, _)| id)).filter_map(|id| Some(seen.known.get(id)?.2.clone()));
            let foreign: Vec<_> = places
                .filter(|place| owner_of.get(place).and_then(|owner| seen.owners.get(owner)) != Some(&worker))
                .collect();
            for place in strangers.iter().chain(&foreign) {
                seen.violations.push(format!("fence: worker {worker} wrote for {place:?}, which it does not own"));
            }
        }
        (seen.parked, seen.ended, seen.steps) = (now, ended, steps);
    }

    /// The queue's writer committed.
    pub fn queued(&self) {
        let mut seen = self.seen();
        let (Some(mut queue), Some(mut store)) = (seen.queue.take(), seen.store.take()) else { return };
        let (rows, again, there) = wait_in_place(async {
            let lanes = "SELECT id, message_id FROM messages WHERE lane NOT LIKE 'dead%' ORDER BY id";
            (
                sqlx::query(lanes).fetch_all(&mut queue).await.unwrap(),
                sqlx::query(CAME_AGAIN).fetch_all(&mut store).await.unwrap(),
                sqlx::query(CONFIRMED).fetch_all(&mut store).await.unwrap(),
            )
        });
        (seen.queue, seen.store) = (Some(queue), Some(store));
        let now: BTreeMap<i64, Uuid> = rows.iter().map(|row| (row.get(0), uuid(row, 1))).collect();
        let again: BTreeMap<Uuid, u64> =
            again.iter().map(|row| (uuid(row, 0), row.get::<i64, _>(1).cast_unsigned())).collect();
        let there: BTreeSet<Uuid> = there.iter().map(|row| uuid(row, 0)).collect();
        let last = seen.last_arrival;
        for id in now.range(last + 1..).map(|(_, id)| *id) {
            seen.arrives(id);
        }
        seen.last_arrival = now.keys().last().copied().unwrap_or(seen.last_arrival).max(seen.last_arrival);
        let gone: Vec<Uuid> = seen.queued.iter().filter(|(id, _)| !now.contains_key(id)).map(|(_, id)| *id).collect();
        for id in gone {
            let taken = seen.taken_out.entry(id).or_default();
            *taken += 1;
            let (taken, again) = (*taken, again.get(&id).copied().unwrap_or(0));
            if !there.contains(&id) {
                seen.violations.push(format!("law 1: {id} was acknowledged, and nothing of it is committed"));
            } else if taken > again + 1 {
                seen.violations
                    .push(format!("acknowledged without a commit: {taken} copies of {id}, {again} recorded"));
            }
        }
        seen.queued = now;
    }

    /// Everything once more, at the end of a life.
    pub fn refresh(&self, worker: usize) {
        self.stored(worker, "look");
        self.queued();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

impl Seen {
    /// Unended, parked or ended: one of them, and never back.
    fn one_state_each(&mut self, now: &BTreeMap<Name, ParkedRow>, ended: &BTreeMap<Name, i64>) {
        for name in now.keys().filter(|name| ended.contains_key(*name)) {
            self.violations.push(format!("one state: {} is parked and ended", name.0));
        }
        for (name, ending) in &self.ended {
            if ended.get(name) != Some(ending) {
                self.violations.push(format!("one state: {} had ended, and has not now", name.0));
            }
        }
        for name in self.parked.keys().filter(|name| !now.contains_key(*name) && !ended.contains_key(*name)) {
            self.violations.push(format!("one state: {} was parked, and is nowhere now", name.0));
        }
    }

    /// Positions rise in order of arrival; of a gated key nothing ends but the head, or what it waits for.
    fn gates(&mut self, now: &BTreeMap<Name, ParkedRow>, ended: &BTreeMap<Name, i64>) {
        let lane_of = |row: &ParkedRow| row.lane.clone();
        let mut heads: BTreeMap<String, (&Name, &ParkedRow)> = BTreeMap::new();
        for (name, row) in &self.parked {
            let head = heads.entry(lane_of(row)).or_insert((name, row));
            if (row.position, name.0) < (head.1.position, head.0.0) {
                *head = (name, row);
            }
        }
        let mut violations = Vec::new();
        for (name, ending) in ended.iter().filter(|(name, _)| !self.ended.contains_key(*name)) {
            let parked = self.parked.get(name);
            let Some((lane, kind, _)) = self.known.get(&name.0) else { continue };
            let lane = parked.map_or_else(|| format!("{}/{lane}", name.1), lane_of);
            let Some((head, row)) = heads.get(&lane).filter(|_| *ending != DISCARDED) else { continue };
            let passes = row.waits_for == 2 && row.passes.as_deref() == Some(kind.as_str());
            if *head != name && !passes {
                violations.push(format!("law 3: {} ({kind}) ended while {} was the head of {lane}", name.0, head.0));
            }
        }
        for (name, row) in now.iter().filter(|(name, _)| !self.parked.contains_key(*name)) {
            let others = || self.parked.values().filter(|other| other.lane == row.lane);
            let last = others().map(|other| other.position).max();
            let first = others().map(|other| other.position).min();
            if last.is_some_and(|last| row.position <= last) && first.is_some_and(|first| row.position >= first) {
                violations.push(format!("positions: {} was parked among others", name.0));
            }
            let earlier = self.parked.iter().filter(|(_, other)| other.lane == row.lane && other.waits_for == 0);
            let overtaken = earlier.filter(|(other, _)| self.arrived.get(&other.0) > self.arrived.get(&name.0)).count();
            if overtaken > 0 && last.is_some_and(|last| row.position > last) {
                violations.push(format!("law 3: {} is parked behind {overtaken} that arrived later", name.0));
            }
        }
        self.violations.extend(violations);
    }

    /// Whatever is parked has a reason and a way out.
    fn ways_out(&mut self, now: &BTreeMap<Name, ParkedRow>) {
        for (name, row) in now {
            let fine = match row.waits_for {
                0 => true,
                1 => row.due_at.is_some(),
                2 => row.due_at.is_some() && row.awaited.is_some() && row.code.is_some(),
                3 => row.code.is_some(),
                4 | 5 => row.awaited.is_some(),
                _ => false,
            };
            if !fine {
                self.violations.push(format!("way out: {} waits without one: {row:?}", name.0));
            }
        }
    }

    fn outbox(&mut self, rows: &[SqliteRow]) {
        for row in rows {
            let (id, flow, key): (i64, String, String) = (row.get(0), row.get(1), row.get(2));
            let message_id = uuid(row, 3);
            if self.arrived.contains_key(&message_id) {
                continue;
            }
            let sending = self.sending.entry((flow, key)).or_default();
            if !sending.iter().any(|(known, _)| *known == id) {
                sending.push((id, message_id));
            }
        }
    }

    /// First copies of one key come in order of their rows.
    fn arrives(&mut self, message_id: Uuid) {
        let number = i64::try_from(self.arrived.len()).unwrap();
        if self.arrived.contains_key(&message_id) {
            return;
        }
        self.arrived.insert(message_id, number);
        for ((flow, key), waiting) in &mut self.sending {
            let Some(place) = waiting.iter().position(|(_, id)| *id == message_id) else { continue };
            if place > 0 {
                let before = waiting[0].1;
                self.violations.push(format!("law 3: {message_id} of {flow} {key} was sent before {before}"));
            }
            waiting.remove(place);
        }
    }
}

/// How the store writes that a person discarded a message.
const DISCARDED: i64 = 3;

/// Partitions of every flow.
pub const PARTITIONS: u16 = 2;

fn digest(before: u64, what: &impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(before);
    what.hash(&mut hasher);
    hasher.finish()
}

fn uuid(row: &SqliteRow, column: usize) -> Uuid {
    Uuid::from_slice(row.get(column)).unwrap()
}
