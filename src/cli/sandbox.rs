//! `sandbox finance-operations | warehouse`: a simulated far end alone.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

use super::{Failed, Global, roles};
use crate::sandbox::{
    FINANCE_OPERATIONS_PORT, FinanceOperations, FinanceOperationsRules, Premises, Running, Uniqueness, WAREHOUSE_PORT,
    Warehouse, WarehouseRules,
};

/// What both sandboxes answer beside the far end that they simulate.
const SWITCHES: &str = "Look at it and turn its switches over HTTP:
  GET  /sandbox/ledger?after=N    every call and event, one JSON object per line
  GET  /sandbox/state             everything there is
  PUT  /sandbox/faults            latency_ms, refuse_429, fail_5xx, lose_answer, duplicate, reorder, refuse_updates (rates
                                  from 0 to 1), down_s; what is left out is switched off";

const DYNAMICS_SWITCHES: &str = "  POST /sandbox/orders            releases orders: count, seed, company, warehouse, lines_max; silent loses their events
  POST /sandbox/orders/ID/change  or /cancel: a released order is changed, or taken back
  POST /sandbox/returns           return orders that somebody makes in Dynamics: as orders; refunded gives the money at once
  POST /sandbox/updates/process   every update that was refused is processed again";

#[derive(Debug, Subcommand)]
pub(super) enum Which {
    /// Dynamics 365 Finance & Operations: token endpoint, OData entities, events
    #[command(after_help = format!("{SWITCHES}\n{DYNAMICS_SWITCHES}"))]
    FinanceOperations {
        #[command(flatten)]
        options: Options,
        /// The registered application's secret, which callers must know
        #[arg(long, env = "DRAYLINE_SANDBOX_CLIENT_SECRET", default_value = "sandbox-secret", hide_env_values = true)]
        client_secret: String,
    },
    /// A warehouse of the standard connector: takes orders, picks, ships, sends signed events
    #[command(after_help = SWITCHES)]
    Warehouse {
        #[command(flatten)]
        options: Options,
        /// The bearer token that callers must have
        #[arg(long, env = "DRAYLINE_SANDBOX_TOKEN", default_value = "sandbox-token", hide_env_values = true)]
        token: String,
        /// How events are signed (whsec_…); without it, with a key that everybody can read in the source
        #[arg(long, env = "DRAYLINE_SANDBOX_SIGNING_SECRET", hide_env_values = true)]
        signing_secret: Option<String>,
        /// What a second create of one reference does
        #[arg(long, value_enum, default_value = "existing")]
        uniqueness: Twice,
    },
}

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where it listens; port 0 takes a free one. Default: 127.0.0.1 with the port of its kind
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where its events go; they wait until somebody says so
    #[arg(long, value_name = "URL", env = "DRAYLINE_SANDBOX_DELIVER_TO", hide_env_values = true)]
    deliver_to: Option<String>,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Twice {
    /// It creates a second order
    None,
    /// It answers with the order it has
    Existing,
    /// It changes the order it has
    Update,
}

pub(super) async fn run(global: &Global, which: Which) -> Result<(), Failed> {
    let running = start(global, which).await?;
    tracing::info!(url = running.url(), "listening");
    roles::ended().await?;
    running.stop().await;
    Ok(())
}

async fn start(global: &Global, which: Which) -> Result<Running, Failed> {
    let data = global.load("")?.data;
    match which {
        Which::FinanceOperations { options, client_secret } => {
            let premises = Premises::finance_operations(data.join("sandbox-finance-operations"));
            let rules = FinanceOperationsRules { client_secret, ..Default::default() };
            Ok(FinanceOperations::start(options.over(premises, FINANCE_OPERATIONS_PORT), rules).await?)
        }
        Which::Warehouse { options, token, signing_secret, uniqueness } => {
            let premises = options.over(Premises::warehouse(data.join("sandbox-warehouse")), WAREHOUSE_PORT);
            let uniqueness = match uniqueness {
                Twice::None => Uniqueness::None,
                Twice::Existing => Uniqueness::AnswersExisting,
                Twice::Update => Uniqueness::UpdatesInPlace,
            };
            let rules = WarehouseRules::default();
            let signing_secret = signing_secret.unwrap_or(rules.signing_secret);
            let rules = WarehouseRules { token, signing_secret, ..WarehouseRules::default() };
            Ok(Warehouse::start(Premises { uniqueness, ..premises }, rules).await?)
        }
    }
}

impl Options {
    fn over(self, premises: Premises, port: u16) -> Premises {
        let usual = SocketAddr::from(([127, 0, 0, 1], port));
        Premises { listen: self.listen.unwrap_or(usual), deliver_to: self.deliver_to, seed: self.seed, ..premises }
    }
}
