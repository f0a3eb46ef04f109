//! Signals: no signal caused by our sockets may end the host.

/// Blocks `SIGPIPE` on the calling thread, a worker of ours.
///
/// A write to a socket closed by the peer raises the signal, and the default action ends the process.
/// Programs in Rust, Python and JavaScript ignore the signal; a program in C may not.
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
