//! Looks paths up in the tables of all formats.

use crate::formats::WireFormat;
use crate::formats::format::paths::{Claim, PathRow, segments};

/// A row, and the API that claims it.
type Found = (WireFormat, &'static PathRow);

/// Returns the row of a path.
pub(super) fn find(rest: &str) -> Option<Found> {
    let first = segments(rest).next()?;
    rows().find(|(_, row)| row.name == first)
}

/// Returns the format told by a path, or none for a path of no format or of several.
pub(super) fn told(
    found: Option<Found>,
    version: &str,
    rest: &str,
    spoken: Option<WireFormat>,
) -> Option<WireFormat> {
    let (api, row) = found?;
    match row.claim {
        Claim::Alone => Some(api),
        Claim::UnlessTold | Claim::IfTold => {
            let mut apis = WireFormat::ALL.into_iter();
            apis.find(|api| (api.main().paths.tells)(version, rest)).or(spoken)
        }
    }
}

/// Returns the format of a path at the gateway without a host to tell the format.
pub(super) fn told_or_usual(
    found: Option<Found>,
    version: &str,
    rest: &str,
    spoken: Option<WireFormat>,
) -> Option<WireFormat> {
    let usual = found.filter(|(_, row)| row.claim != Claim::IfTold).map(|(api, _)| api);
    told(found, version, rest, spoken).or(usual)
}

fn rows() -> impl Iterator<Item = Found> {
    WireFormat::ALL.into_iter().flat_map(|api| {
        let rows = api.formats().iter().flat_map(|format| format.paths.rows);
        rows.map(move |row| (api, row))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_row() {
        for (at, (_, row)) in rows().enumerate() {
            assert!(rows().take(at).all(|(_, other)| other.name != row.name), "{}", row.name);
        }
        assert_eq!(rows().count(), 36);
    }
}
