//! Admission: the shared state that admits requests: circuit breakers, learned allowances, caps, budgets, the wait queue.

pub mod allowance;
pub mod backoff;
pub mod blame;
pub mod budget;
pub mod cap;
pub mod cell;
pub mod fair_queue;
pub mod health_stats;
pub mod probe;
pub mod suspicion;
pub mod throttle;
pub mod timetable;
