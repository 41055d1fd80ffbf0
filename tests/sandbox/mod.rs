//! Suite `sandbox`: what the simulated far ends promise to those who rehearse with them, over real HTTP.

mod adjustments;
mod dynamics;
mod events;
mod faults;
mod inbox;
mod rehearsal;
mod restarts;
mod returns;
mod verdict;
mod warehouse;
