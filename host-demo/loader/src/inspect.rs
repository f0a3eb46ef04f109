//! Checks the bytes of a library before the dynamic linker maps the file.
//!
//! The linker trusts the headers of a file: a truncated library kills the process with SIGBUS, without an
//! error to catch. Other wrong files cause errors about symbols and relocations, and a person needs to read
//! "built for another machine".

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Architecture, Endianness, FileKind, Object, ObjectKind, ObjectSegment};

use pointsman_api::VERSION_SYMBOL;

/// Checks `path` for a complete dynamic library of this machine with the symbol [`VERSION_SYMBOL`].
///
/// # Errors
/// [`InspectError`], a sentence with the path, the [`Flaw`] and the remedy.
pub fn inspect(path: &Path) -> Result<(), InspectError> {
    let flawed = |flaw| InspectError { path: path.to_owned(), flaw };
    let bytes = fs::read(path).map_err(|error| flawed(Flaw::of_reading(error)))?;
    check(&bytes, VERSION_SYMBOL).map_err(flawed)
}

/// A file unfit for the dynamic linker.
#[derive(Debug)]
pub struct InspectError {
    pub path: PathBuf,
    pub flaw: Flaw,
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.flaw)
    }
}

impl std::error::Error for InspectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.flaw.source()
    }
}

/// The flaw of a file, as the end of a sentence with the path as its start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    #[error("does not exist: build or install the plugin, or name another path")]
    Missing,
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("is cut short: {size} bytes{}; install it again (copy to a temporary name, then rename)", expectation(.expected))]
    Truncated { size: u64, expected: Option<u64> },
    #[error("is not a dynamic library")]
    NotALibrary,
    #[error("is a library for {found}, and this is {HERE}: take the file for {HERE}")]
    OtherSystem { found: &'static str },
    #[error("is built for {found}, and this process is {}: take the file for it", std::env::consts::ARCH)]
    OtherMachine { found: String },
    #[error("is a library, but not Pointsman: it does not export {VERSION_SYMBOL}")]
    NotPointsman,
}

impl Flaw {
    fn of_reading(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Unreadable(error) }
    }
}

fn expectation(expected: &Option<u64>) -> String {
    expected.map_or_else(|| " without a readable header".to_owned(), |size| format!(" of at least {size}"))
}

const LINUX: &str = "Linux";
const MACOS: &str = "macOS";
const WINDOWS: &str = "Windows";

/// The operating systems with a known file format; ELF stands for Linux and its relatives.
const HERE: &str = if cfg!(windows) {
    WINDOWS
} else if cfg!(target_os = "macos") {
    MACOS
} else {
    LINUX
};

/// The architectures of plugin builds, in Rust's names.
const ARCHITECTURES: [(Architecture, &str); 5] = [
    (Architecture::X86_64, "x86_64"),
    (Architecture::Aarch64, "aarch64"),
    (Architecture::I386, "x86"),
    (Architecture::Arm, "arm"),
    (Architecture::Riscv64, "riscv64"),
];

fn check(bytes: &[u8], symbol: &str) -> Result<(), Flaw> {
    if bytes.is_empty() {
        return Err(Flaw::Truncated { size: 0, expected: None });
    }
    let kind = FileKind::parse(bytes).map_err(|_| Flaw::NotALibrary)?;
    check_system(kind)?;
    check_whole(kind, bytes)?;
    let file = object::File::parse(bytes).map_err(|_| cut(bytes, None))?;
    check_kind(&file)?;
    check_machine(&file)?;
    check_exports(&file, symbol)
}

fn check_system(kind: FileKind) -> Result<(), Flaw> {
    match system(kind) {
        Some(found) if found == HERE => Ok(()),
        Some(found) => Err(Flaw::OtherSystem { found }),
        None => Err(Flaw::NotALibrary),
    }
}

fn system(kind: FileKind) -> Option<&'static str> {
    if matches!(kind, FileKind::Elf32 | FileKind::Elf64) {
        Some(LINUX)
    } else if matches!(kind, FileKind::MachO32 | FileKind::MachO64) {
        Some(MACOS)
    } else if matches!(kind, FileKind::Pe32 | FileKind::Pe64) {
        Some(WINDOWS)
    } else {
        None
    }
}

/// Checks that all offsets in the headers are inside of the file.
fn check_whole(kind: FileKind, bytes: &[u8]) -> Result<(), Flaw> {
    let needed = if kind == FileKind::Elf64 {
        elf_size::<FileHeader64<Endianness>>(bytes)
    } else if kind == FileKind::Elf32 {
        elf_size::<FileHeader32<Endianness>>(bytes)
    } else {
        segments_size(bytes)
    };
    match needed {
        Ok(needed) if needed <= bytes.len() as u64 => Ok(()),
        Ok(needed) => Err(cut(bytes, Some(needed))),
        Err(_) => Err(cut(bytes, None)),
    }
}

fn cut(bytes: &[u8], expected: Option<u64>) -> Flaw {
    Flaw::Truncated { size: bytes.len() as u64, expected }
}

/// Returns the smallest size of a complete ELF file.
///
/// The table of sections is the last part of most files, so its end reveals most truncations.
fn elf_size<E: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::read::Result<u64> {
    let header = E::parse(bytes)?;
    let endian = header.endian()?;
    let table = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
    let sections = header.e_shoff(endian).into().saturating_add(table);
    // A cut within the first page takes the table of segments with it, and no more is to be learned.
    let segments = header.program_headers(endian, bytes).unwrap_or_default();
    let ends = segments
        .iter()
        .map(|segment| segment.p_offset(endian).into().saturating_add(segment.p_filesz(endian).into()));
    Ok(ends.chain([sections]).max().unwrap_or(sections))
}

/// Returns the end of the last segment of a Mach-O or PE file.
fn segments_size(bytes: &[u8]) -> object::read::Result<u64> {
    let file = object::File::parse(bytes)?;
    let ends = file.segments().map(|segment| {
        let (start, size) = segment.file_range();
        start.saturating_add(size)
    });
    Ok(ends.max().unwrap_or(0))
}

fn check_kind(file: &object::File<'_>) -> Result<(), Flaw> {
    if file.kind() == ObjectKind::Dynamic { Ok(()) } else { Err(Flaw::NotALibrary) }
}

fn check_machine(file: &object::File<'_>) -> Result<(), Flaw> {
    let found = machine(file.architecture());
    if found == std::env::consts::ARCH { Ok(()) } else { Err(Flaw::OtherMachine { found }) }
}

fn machine(architecture: Architecture) -> String {
    let known = ARCHITECTURES.iter().find(|(known, _)| *known == architecture);
    known.map_or_else(|| format!("{architecture:?}").to_lowercase(), |(_, name)| (*name).to_owned())
}

fn check_exports(file: &object::File<'_>, symbol: &str) -> Result<(), Flaw> {
    let mut exports = file.exports().map_err(|_| Flaw::NotPointsman)?.flatten();
    if exports.any(|export| is_named(&export, symbol)) { Ok(()) } else { Err(Flaw::NotPointsman) }
}

fn is_named(export: &object::Export<'_>, symbol: &str) -> bool {
    let object::NameOrOrdinal::Name(name) = export.name() else { return false };
    // Mach-O puts an underscore before every C name.
    name == symbol.as_bytes() || name.strip_prefix(b"_") == Some(symbol.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_executable() -> Vec<u8> {
        fs::read(std::env::current_exe().expect("a path")).expect("an executable that can be read")
    }

    fn flaw(bytes: &[u8]) -> Flaw {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("library");
        fs::write(&path, bytes).expect("a file in it");
        inspect(&path).expect_err("not the plugin").flaw
    }

    #[test]
    fn a_missing_file_is_said_to_be_missing() {
        let error = inspect(Path::new("no/such/library.so")).expect_err("missing");
        assert_eq!(
            error.to_string(),
            "no/such/library.so does not exist: build or install the plugin, or name another path"
        );
    }

    #[test]
    fn a_folder_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = inspect(folder.path()).expect_err("a folder");
        assert!(matches!(error.flaw, Flaw::Unreadable(_)), "{error}");
    }

    #[test]
    fn a_text_is_not_a_library() {
        assert!(matches!(flaw(b"#!/bin/sh\nexec something else entirely\n"), Flaw::NotALibrary));
        assert!(matches!(flaw(b"short"), Flaw::NotALibrary));
    }

    #[cfg(target_os = "linux")]
    mod elf {
        use super::*;

        /// A file in this machine's format. To a linker, PIE executables are dynamic libraries.
        fn check_cut(keep: usize) {
            let whole = own_executable();
            let Flaw::Truncated { size, expected } = flaw(&whole[..keep]) else {
                panic!("{keep} of {} bytes passed as whole", whole.len());
            };
            assert_eq!(size, keep as u64);
            assert!(expected.is_none_or(|expected| expected <= whole.len() as u64), "{expected:?}");
        }

        #[test]
        fn a_cut_is_noticed_wherever_it_is() {
            let size = own_executable().len();
            for keep in [0, 40, 64, 1000, size / 3, size / 2, size - 4096, size - 1] {
                check_cut(keep);
            }
        }

        #[test]
        fn the_message_has_the_sizes_and_the_remedy() {
            let cut = flaw(&own_executable()[..100_000]).to_string();
            assert!(cut.starts_with("is cut short: 100000 bytes of at least "), "{cut}");
            assert!(cut.ends_with("install it again (copy to a temporary name, then rename)"), "{cut}");
        }

        #[test]
        fn a_library_for_another_machine_is_named() {
            let mut bytes = own_executable();
            let foreign: u16 = if cfg!(target_arch = "aarch64") { 62 } else { 183 }; // EM_X86_64, EM_AARCH64
            bytes[18..20].copy_from_slice(&foreign.to_le_bytes());
            let text = flaw(&bytes).to_string();
            let name = if cfg!(target_arch = "aarch64") { "x86_64" } else { "aarch64" };
            assert!(text.starts_with(&format!("is built for {name}, and this process is ")), "{text}");
        }

        #[test]
        fn a_library_for_another_system_is_named() {
            let mut mach = own_executable();
            mach[..4].copy_from_slice(&0xfeed_facf_u32.to_le_bytes()); // MH_MAGIC_64
            assert!(matches!(flaw(&mach), Flaw::OtherSystem { found: "macOS" }));
        }

        #[test]
        fn a_program_that_is_no_library_is_refused() {
            let mut bytes = own_executable();
            bytes[16..18].copy_from_slice(&2_u16.to_le_bytes()); // ET_EXEC
            assert!(matches!(flaw(&bytes), Flaw::NotALibrary));
        }

        #[test]
        fn a_library_without_the_version_symbol_is_not_pointsman() {
            assert!(matches!(flaw(&own_executable()), Flaw::NotPointsman));
        }

        #[test]
        fn an_exported_symbol_is_found() {
            let maps = fs::read_to_string("/proc/self/maps").expect("the maps of this process");
            let libc = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
            let Some(libc) = libc.into_iter().find(|path| path.contains("libc.so")) else { return };
            let bytes = fs::read(libc).expect("the libc that is mapped");
            assert!(check(&bytes, "malloc").is_ok());
            assert!(matches!(check(&bytes, "mallocate"), Err(Flaw::NotPointsman)));
        }
    }
}
