//! Signals: none that our own sockets cause may end the host.

/// Keeps `SIGPIPE` from the calling thread, which is one of ours.
///
/// Whoever writes to a socket that the other side has closed is sent the signal, and by default it ends
/// the process. Programs in Rust, Python and JavaScript ignore it; a program in C does not have to.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the mask of a thread can only be set by the C library")]
pub(crate) fn block_broken_pipe() {
    use std::mem::MaybeUninit;

    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is ours, and `sigemptyset` fills it before it is read. The thread's mask is nobody
    // else's. None of the three can fail for a signal that exists.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
pub(crate) fn block_broken_pipe() {}
