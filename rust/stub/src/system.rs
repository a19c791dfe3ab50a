//! Messages, and processes without a console window. All that is unsafe is here.

use std::process::Command;

/// The outcome of a question.
#[cfg(windows)]
const YES: i32 = windows_sys::Win32::UI::WindowsAndMessaging::IDYES;

/// Tells something, and waits until it has been read.
pub(crate) fn show(title: &str, text: &str) {
    #[cfg(windows)]
    message(title, text, windows_sys::Win32::UI::WindowsAndMessaging::MB_ICONINFORMATION);
    #[cfg(not(windows))]
    tell(title, text);
}

/// Asks a question; anything but a yes is a no.
pub(crate) fn ask(title: &str, text: &str) -> bool {
    #[cfg(windows)]
    {
        use windows_sys::Win32::UI::WindowsAndMessaging::{MB_DEFBUTTON2, MB_ICONQUESTION, MB_YESNO};
        message(title, text, MB_YESNO | MB_ICONQUESTION | MB_DEFBUTTON2) == YES
    }
    #[cfg(not(windows))]
    {
        tell(title, text);
        false
    }
}

/// A command that opens no console window. The programs that it starts have none either.
pub(crate) fn without_window(command: &mut Command) -> &mut Command {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    command
}

#[cfg(windows)]
#[expect(unsafe_code, reason = "the standard library has no windows")]
fn message(title: &str, text: &str, style: u32) -> i32 {
    let wide = |text: &str| text.encode_utf16().filter(|unit| *unit != 0).chain([0]).collect::<Vec<u16>>();
    let (title, text) = (wide(title), wide(text));
    // SAFETY: both end with the only zero that they have, and live until the call returns.
    unsafe {
        windows_sys::Win32::UI::WindowsAndMessaging::MessageBoxW(
            std::ptr::null_mut(),
            text.as_ptr(),
            title.as_ptr(),
            style | windows_sys::Win32::UI::WindowsAndMessaging::MB_SETFOREGROUND,
        )
    }
}

#[cfg(not(windows))]
fn tell(title: &str, text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{title}: {text}");
}
