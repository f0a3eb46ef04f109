//! Responses: what an answer of an upstream means, decided once.

pub mod classify;
pub mod evidence;
pub mod foreign;
pub mod models;
pub mod outcome;
pub mod rule;
pub mod token;
