//! SIMULATED FAR ENDS: Dynamics Finance & Operations and a warehouse of the `standard` connector, over real HTTP.
//!
//! For `drayline demo`, for tests, and for rehearsals of people who do not want to try a new configuration on a real
//! warehouse. They behave as the real ones do on a bad day: answers that never come, events twice and out of order,
//! refusals, and silence. They share nothing with the product but HTTP, and never repair what it got wrong.
//!
//! Invariants: whatever is answered is on disk first, and so is every event until it was taken; a sandbox that is
//! killed and started again has forgotten nothing it said. Every call stands in the ledger. A second create of one key
//! is counted, however politely it is answered.
//!
//! ```text
//! wire ─► door ─► faults ─► book ─► world (finance_operations | warehouse): decides, facts come back
//!                            │ one transaction: ledger line, facts, events
//!                            ├─► journal (on disk) ─► answer
//!                            └─► delivery ─► the product's event address, until it is taken
//! ```

mod book;
mod call;
mod catalogue;
mod chance;
mod delivery;
mod door;
mod faults;
mod finance_operations;
mod in_process;
mod journal;
mod ledger;
mod premises;
mod running;
mod shop;
mod side;
mod stock;
mod verdict;
mod visitor;
mod warehouse;
mod wire;
mod world;

pub use faults::{Fault, Faults};
pub use finance_operations::{EventShapes, FinanceOperations, FinanceOperationsRules};
pub use in_process::{Answered, Event, InProcess};
pub use journal::JournalError;
pub use ledger::{EVENT, Effect, LedgerLine};
pub use premises::{DeliveryRules, FINANCE_OPERATIONS_PORT, Premises, Uniqueness, WAREHOUSE_PORT};
pub(crate) use running::client;
pub use running::{Running, StartError};
pub use shop::Shop;
pub use verdict::{Evidence, EvidenceError, FarEnd, Verdict, verdict};
pub use visitor::{Visitor, unless_refused};
pub use warehouse::{Warehouse, WarehouseRules};
