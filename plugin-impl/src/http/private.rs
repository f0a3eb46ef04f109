//! Private addresses, reachable only by this program's user.
//!
//! Each address is a socket in a fresh folder, so that two programs never meet and no stranger was there
//! before. On a system without unix sockets the address is a free port of the loopback.

use crate::edges::config::ListenAddress;

use super::listen::ListenError;

/// Returns a free port of the loopback.
///
/// # Errors
/// None on this system.
#[cfg(not(unix))]
pub fn private_address() -> Result<ListenAddress, ListenError> {
    Ok(ListenAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 })
}

#[cfg(unix)]
pub use self::unix::private_address;
#[cfg(unix)]
pub(super) use self::unix::{PrivateSocket, bind};

#[cfg(unix)]
mod unix {
    use std::fs::{self, TryLockError};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};
    use std::thread;
    use std::time::{Duration, SystemTime};

    use crate::http::Token;

    use super::{ListenAddress, ListenError};

    /// The prefix of our folders' names.
    const PREFIX: &str = "pointsman-";
    const SOCKET: &str = "host.sock";
    /// The shortest limit of any system on a socket's path, with the terminating zero (macOS, BSD).
    const LONGEST: usize = 103;
    /// The age before a sweep: a program may be about to listen in a younger folder.
    const YOUNG: Duration = Duration::from_secs(60);
    /// Another program has the lock for a moment: as long as it takes to bind a socket.
    const LOCK_TRIES: u32 = 200;
    const LOCK_PAUSE: Duration = Duration::from_millis(10);

    /// Makes a folder of mode 0700 and returns the address of a socket inside. If the path is too long for
    /// a socket, returns a free port of the loopback.
    ///
    /// # Errors
    /// [`ListenError::Taken`] if no folder can be made.
    pub fn private_address() -> Result<ListenAddress, ListenError> {
        let parent = parent();
        sweep(&parent, SystemTime::now());
        let folder = parent.join(format!("{PREFIX}{}", &Token::random().expose()[..16]));
        let socket = folder.join(SOCKET);
        if socket.as_os_str().len() > LONGEST {
            return Ok(ListenAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 });
        }
        // Fails where there is something already, and is never open to others in between.
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| ListenError::Taken { address: folder.display().to_string(), error })?;
        Ok(ListenAddress::Unix(socket))
    }

    /// Returns the user's own folder for sockets, or else the folder for temporary files.
    fn parent() -> PathBuf {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        runtime.unwrap_or_else(std::env::temp_dir)
    }

    /// Removes the folders of killed programs.
    fn sweep(parent: &Path, now: SystemTime) {
        let folders = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
        for folder in folders.filter(|folder| is_ours(folder)) {
            if is_left(&folder, now).unwrap_or(false) {
                clear(&folder.join(SOCKET));
            }
        }
    }

    fn is_ours(folder: &Path) -> bool {
        folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
    }

    fn is_left(folder: &Path, now: SystemTime) -> io::Result<bool> {
        let socket = folder.join(SOCKET);
        let old = now.duration_since(folder.metadata()?.modified()?).is_ok_and(|age| age > YOUNG);
        let refused = || UnixStream::connect(&socket).is_err_and(|error| is_refused(&error));
        Ok(old && socket.try_exists()? && refused())
    }

    /// Returns whether a socket has no listener. Any other error may mean a stranger's socket, not ours to
    /// remove.
    fn is_refused(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::ConnectionRefused
    }

    /// The file of a bound socket. Dropping it removes the file, unless the path has become another file since.
    #[derive(Debug)]
    pub(in crate::http) struct PrivateSocket {
        path: PathBuf,
        identity: (u64, u64),
    }

    impl Drop for PrivateSocket {
        fn drop(&mut self) {
            if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
                clear(&self.path);
            }
        }
    }

    /// Binds a socket of mode 0600, in a new folder of mode 0700 if its folder does not exist.
    ///
    /// The socket is bound under a temporary name in a folder of mode 0700 beside `path` and moved into place,
    /// so it never exists with a wider mode, whatever the process's umask. A stale socket at `path` is
    /// replaced. A lock on the folder keeps two programs from replacing the same stale socket, of which the first would
    /// lose its new socket to the second.
    ///
    /// # Errors
    /// `AlreadyExists` for any other file at `path`, `AddrInUse` for a socket with a listener, `ResourceBusy` for a
    /// folder that another program keeps locked.
    pub(in crate::http) fn bind(path: &Path) -> io::Result<(UnixListener, PrivateSocket)> {
        bind_trying(path, LOCK_TRIES)
    }

    fn bind_trying(path: &Path, tries: u32) -> io::Result<(UnixListener, PrivateSocket)> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let _lock = lock(folder, tries)?;
        check_free(path)?;
        // Bound out of reach and then moved, so the socket never exists with a wider mode.
        let nursery = folder.join(format!(".{}", &Token::random().expose()[..8]));
        fs::DirBuilder::new().mode(0o700).create(&nursery)?;
        let bound = bind_in(&nursery, path);
        let _ = fs::remove_dir_all(&nursery);
        bound
    }

    fn bind_in(nursery: &Path, path: &Path) -> io::Result<(UnixListener, PrivateSocket)> {
        let young = nursery.join("s");
        let listener = UnixListener::bind(&young)?;
        fs::set_permissions(&young, fs::Permissions::from_mode(0o600))?;
        // Other programs than this one do not lock the folder; only a socket is ever replaced.
        check_free(path)?;
        fs::rename(&young, path)?;
        let identity = identity(path)?;
        Ok((listener, PrivateSocket { path: path.to_owned(), identity }))
    }

    /// Locks a folder until the returned file is dropped. A file system without locks goes without.
    fn lock(folder: &Path, tries: u32) -> io::Result<fs::File> {
        let file = fs::File::open(folder)?;
        for _ in 0..tries {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            }
        }
        let text = format!("another program keeps {} locked; try again", folder.display());
        Err(io::Error::new(io::ErrorKind::ResourceBusy, text))
    }

    /// Checks for a free path: without a file, or with a socket without a listener.
    fn check_free(path: &Path) -> io::Result<()> {
        let file = match path.symlink_metadata() {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if !file.file_type().is_socket() {
            let text = "a file that is no socket is there already; it is left as it is";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        match UnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there")),
            Err(error) if is_refused(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns device and inode of a file, unique at any moment.
    fn identity(path: &Path) -> io::Result<(u64, u64)> {
        let file = path.symlink_metadata()?;
        Ok((file.dev(), file.ino()))
    }

    /// Removes a socket, and its folder if the folder is ours and empty.
    fn clear(socket: &Path) {
        let _ = fs::remove_file(socket);
        let ours = socket.file_name().is_some_and(|name| name == SOCKET);
        if let Some(folder) = socket.parent().filter(|folder| ours && is_ours(folder)) {
            // One that is not empty stays.
            let _ = fs::remove_dir(folder);
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::Barrier;

        use super::*;

        fn folder() -> tempfile::TempDir {
            tempfile::tempdir().expect("a folder")
        }

        #[test]
        fn no_file_but_a_stale_socket_is_replaced() {
            let folder = folder();
            let path = folder.path().join("p.sock");
            fs::write(&path, "notes").expect("a file");
            assert_eq!(bind(&path).expect_err("a file").kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&path).expect("the file"), "notes");
            fs::remove_file(&path).expect("removed");
            std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).expect("a link");
            assert_eq!(bind(&path).expect_err("a link").kind(), io::ErrorKind::AlreadyExists);
            fs::remove_file(&path).expect("removed");
            let in_use = bind(&path).expect("a free path");
            assert_eq!(bind(&path).expect_err("a listener").kind(), io::ErrorKind::AddrInUse);
            std::mem::forget(in_use.1);
            drop(in_use.0);
            assert!(bind(&path).is_ok(), "nobody answers there");
        }

        /// Leaves a socket that nobody answers on.
        fn leave(path: &Path) {
            let _ = fs::remove_file(path);
            drop(UnixListener::bind(path).expect("bound"));
        }

        #[test]
        fn a_stale_socket_in_a_locked_folder_is_not_replaced() {
            let folder = folder();
            let path = folder.path().join("p.sock");
            leave(&path);
            let before = identity(&path).expect("the stale socket");
            let locked = lock(folder.path(), 1).expect("a free folder");
            assert_eq!(
                bind_trying(&path, 1).expect_err("a locked folder").kind(),
                io::ErrorKind::ResourceBusy
            );
            assert_eq!(identity(&path).expect("the stale socket"), before);
            drop(locked);
            assert!(bind_trying(&path, 1).is_ok(), "the folder is free again");
        }

        #[test]
        fn of_programs_that_replace_a_stale_socket_at_once_one_does() {
            let folder = folder();
            let path = folder.path().join("p.sock");
            for round in 0..50 {
                leave(&path);
                let together = Barrier::new(8);
                let bind_together = || {
                    together.wait();
                    bind(&path)
                };
                let bound: Vec<_> = thread::scope(|scope| {
                    let threads: Vec<_> = (0..8).map(|_| scope.spawn(bind_together)).collect();
                    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
                });
                let kinds: Vec<_> =
                    bound.iter().filter_map(|bound| bound.as_ref().err()).map(io::Error::kind).collect();
                assert_eq!(kinds, [io::ErrorKind::AddrInUse; 7], "round {round}");
            }
        }

        #[test]
        fn a_socket_has_its_mode_from_the_beginning_and_leaves_nothing_behind() {
            let folder = folder();
            let path = folder.path().join("new").join("p.sock");
            let (_listener, socket) = bind(&path).expect("bound");
            let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
            drop(socket);
            assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("listed").count(), 0);
        }

        #[test]
        fn a_file_that_took_the_place_of_our_socket_stays() {
            let folder = folder();
            let path = folder.path().join("p.sock");
            let (_listener, socket) = bind(&path).expect("bound");
            fs::remove_file(&path).expect("removed by somebody");
            fs::write(&path, "theirs").expect("a file");
            drop(socket);
            assert_eq!(fs::read_to_string(&path).expect("it stays"), "theirs");
        }

        #[test]
        fn each_address_is_in_a_fresh_folder_of_its_owner() {
            let addresses = [private_address().unwrap(), private_address().unwrap()];
            assert_ne!(addresses[0], addresses[1]);
            for address in addresses {
                let ListenAddress::Unix(socket) = address else { panic!("{address}") };
                let folder = socket.parent().unwrap();
                assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
                clear(&socket);
                assert!(!folder.exists());
            }
        }

        /// Makes a folder like a program's, optionally with a listener.
        fn made(parent: &Path, name: &str) -> (PathBuf, Option<UnixListener>) {
            let folder = parent.join(name);
            fs::create_dir(&folder).unwrap();
            let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
            (folder, Some(listener))
        }

        #[test]
        fn what_was_left_is_swept_once_it_is_old_and_nothing_else() {
            let parent = std::env::temp_dir().join(format!("sweep-{}", &Token::random().expose()[..16]));
            fs::create_dir(&parent).unwrap();
            let (left, listener) = made(&parent, "pointsman-left");
            drop(listener);
            let (used, _in_use) = made(&parent, "pointsman-used");
            let (foreign, listener) = made(&parent, "somebody-else");
            drop(listener);
            let begun = parent.join("pointsman-begun");
            fs::create_dir(&begun).unwrap();
            let since = |age| left.metadata().unwrap().modified().unwrap() + age;
            for (age, is_there) in
                [(Duration::ZERO, true), (YOUNG, true), (YOUNG + Duration::from_secs(1), false)]
            {
                if left.exists() {
                    sweep(&parent, since(age));
                }
                assert_eq!(left.exists(), is_there, "after {age:?}");
                assert!([&used, &foreign, &begun].iter().all(|folder| folder.exists()), "after {age:?}");
            }
            // A clock that was set back makes nothing old.
            let (left, listener) = made(&parent, "pointsman-future");
            drop(listener);
            sweep(&parent, SystemTime::UNIX_EPOCH);
            assert!(left.exists() && UnixStream::connect(used.join(SOCKET)).is_ok());
            fs::remove_dir_all(&parent).unwrap();
        }
    }
}
