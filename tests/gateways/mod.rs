//! Suite `gateways`.
