//! The boundary: which libraries are loaded, what their types look like, and what crosses it under load.

mod executors;
mod frozen;
mod loading;
mod panics;
