//! Tidiness: what the design says of the sources, held against the sources.

mod documents;
mod formats;
mod layers;
mod sources;
