//! The real agents, unmodified, through `pointsman run`, against the local upstream.
//!
//! `tests/agents/install` puts them into `target/agents`, and `tests/agents/offline` runs a command without
//! a network. Without the agents these tests say that they are skipped; see [`rig::Rig::agents`]. Those of
//! [`run`] itself, of its [`terminal`] and of the [`operator`]'s commands, and of how they
//! find a gateway ([`found`]), need none.

mod found;
mod hooks;
mod limits;
mod native;
mod rig;

mod operator;
mod own_key;
mod pages;
mod parallel;
mod pools;
mod refusals;
mod relay;
mod rows;
mod run;
mod streams;
mod subagents;
mod terminal;
