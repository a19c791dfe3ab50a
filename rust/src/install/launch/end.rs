//! Decides how a game ended: on its own, or because a person or the system ended it.
//!
//! A new version is put aside only for what it did itself: a crash (SIGSEGV, SIGABRT and the like) or an exit code
//! other than 0. The following do not count:
//!
//! - SIGINT, SIGQUIT, SIGTERM and SIGHUP: Ctrl-C, the end of a session, a closed terminal, `kill`.
//! - SIGKILL. Desktops send it to a window that should close, sessions to what is left at their end, and the kernel
//!   when memory runs out, whichever program used it up. These cases look the same. A version that causes all of them
//!   itself must be rolled back by hand. That is the smaller harm: the opposite mistake would put a healthy version
//!   aside.
//! - SIGPIPE: the program that read the game's output has ended, as in `vsekai launch GAME | head`.
//! - Exit codes of 128 plus the number of one of these signals: a shell script reports the end of its program in this
//!   way.
//! - A start that failed because the system had no memory or no process left.

use std::io;
use std::process::ExitStatus;

/// The signals that others send: SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGPIPE and SIGTERM. Their numbers are the same on
/// every Unix.
const OF_OTHERS: [i32; 6] = [1, 2, 3, 9, 13, 15];

/// A shell adds this to the number of the signal that ended its program.
pub const SHELL_BASE: i32 = 128;

/// Whether a person or the system ended the program.
pub fn is_by_others(status: ExitStatus) -> bool {
    match (signal(status), status.code()) {
        (Some(signal), _) => OF_OTHERS.contains(&signal),
        (None, Some(code)) => is_code_of_others(code),
        (None, None) => false,
    }
}

/// The signal that ended the program, if one did.
#[cfg(unix)]
pub fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Always `None`: Windows has no signals.
#[cfg(not(unix))]
pub fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(unix)]
fn is_code_of_others(code: i32) -> bool {
    OF_OTHERS.contains(&(code - SHELL_BASE))
}

/// `STATUS_CONTROL_C_EXIT`, and `DBG_TERMINATE_PROCESS`, which a debugger or the end of a session causes.
#[cfg(not(unix))]
fn is_code_of_others(code: i32) -> bool {
    [0xC000_013A_u32, 0x4001_0004].contains(&code.cast_unsigned())
}

/// Whether a program could not be started for a reason outside of it. An entry is always made executable, so a lack of
/// permission comes from the disk (`noexec`) or from a policy.
pub(super) fn is_of_the_system(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::OutOfMemory
            | Kind::PermissionDenied
            | Kind::WouldBlock
            | Kind::Interrupted
            | Kind::ResourceBusy
            | Kind::ExecutableFileBusy
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn crashes_and_exit_codes_are_of_the_game_itself() {
        // As `wait` reports them: a signal in the low byte, an exit code in the next.
        for signal in [4, 6, 7, 8, 11, 31] {
            assert!(!is_by_others(ExitStatus::from_raw(signal)), "signal {signal}");
        }
        for code in [0, 1, 2, 42, 101, 127, 128 + 6, 128 + 11, 255] {
            assert!(!is_by_others(ExitStatus::from_raw(code << 8)), "code {code}");
        }
    }

    #[test]
    fn signals_that_others_send_are_not() {
        for signal in OF_OTHERS {
            assert!(is_by_others(ExitStatus::from_raw(signal)), "signal {signal}");
            assert!(is_by_others(ExitStatus::from_raw((128 + signal) << 8)), "code of a shell for signal {signal}");
        }
    }

    #[test]
    fn disk_that_runs_no_programs_is_no_fault_of_the_version() {
        for error in [libc_error(13), libc_error(12), libc_error(26)] {
            assert!(is_of_the_system(&error), "{error}");
        }
        for error in [libc_error(2), libc_error(8)] {
            assert!(!is_of_the_system(&error), "{error}");
        }
    }

    /// EACCES, ENOMEM and ETXTBSY; ENOENT and ENOEXEC.
    fn libc_error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }
}
