//! Suite `gateways`: what far ends see of our calls, and what we make of their answers. Real HTTP throughout,
//! but where the wire itself is looked at.

mod adjustments;
mod catalogue;
mod dynamics_writes;
mod far_end;
mod fields;
mod http;
mod inbound;
mod infolog;
mod pace;
mod post_shipment;
mod recorder;
mod released_order;
mod scene;
mod shelf;
mod standard;
mod throttle;
mod together;
mod tokens;
mod version;
mod wire;
